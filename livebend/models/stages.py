"""The network as a list of named stages, regrouped from diffusers' own modules.

A stage reads named tensors and writes named tensors; a **site** is such a name, and a bend acts on
the tensor of that name before anything reads it. In reading order:

    unet.text · unet.time · unet.in · unet.down.0… · unet.mid · unet.up.0… · unet.out ·
    vae.in · vae.mid · vae.up.0… · image           and unet.skip.0…, the copies kept for the way up

A block that attends to the prompt reads a text of its own, `unet.text.up.1` for `unet.up.1`: the
same tensor as `unet.text` until a bend of that name makes it another; and a factor of its own
on the logits of that attention, `unet.attention.up.1`: ones until they are bent.
`unet.down.i` is the path onward and `unet.skip.n` the stored copy, even where both are one tensor.
The list is derived from the model; nothing of diffusers' forward passes is edited or copied.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core.errors import ModelError
from livebend.core.sites import LATENT, OWN_ATTENTION, OWN_TEXT, TEXT
from livebend.models.attention import Attention, attention_of
from livebend.models.fused_upsample import fold
from livebend.models.pixels import to_pixels

Run = Callable[..., tuple[Tensor, ...]]

# In the name of what backends cache: raised where a stage of the same name comes to compute other
# things.
STAGES_VERSION = 5


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of the network: `run(*tensors of reads)` gives the tensors of `writes`.

    `sized_by` names a tensor of which only the height and width are read; they are passed last, as
    the keyword `size`. `owner` is the network whose weights it reads, `attention` what its read of
    `unet.attention.…` acts on. `work` is about how much it multiplies, to be compared with that of
    its neighbours. `texts` and `attentions` are, of `reads`, the text that this stage reads and no
    other (`unet.text` but for its own bends), and the factor on its attention (ones but for its
    own bends).
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: Run
    sized_by: str | None = None
    owner: nn.Module | None = None
    work: float = 0.0
    attention: Attention | None = None
    texts: tuple[str, ...] = field(init=False)
    attentions: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, head in (("texts", OWN_TEXT), ("attentions", OWN_ATTENTION)):
            own = tuple(read for read in self.reads if read.startswith(head))
            object.__setattr__(self, name, own)


# The end of every network: an engine fuses it with the decoder's last layer. Nothing is bent there.
PIXELS = Stage("pixels", ("image",), ("pixels", "total"), to_pixels, sized_by="shown")


def unet_stages(unet: nn.Module, height: int, width: int) -> list[Stage]:
    """Regroup a UNet2DConditionModel for latents of height × width; its stages read `sample`,
    `unet.text` and `unet.time`.

    Where a side is not a multiple of the whole up-sampling, each block is told the size to reach,
    as diffusers does, and only there, since forcing it changes the interpolation's rounding.
    Raises: ModelError where the network takes more than sample, time and text.
    """
    net: Any = unet
    _check_family(net)
    stages = [Stage("unet.in", ("sample",), ("unet.in", "unet.skip.0"), _conv_in(net))]
    skips, last, area = 1, "unet.in", height * width
    forced = any(side % 2**net.num_upsamplers for side in (height, width))
    for i, block in enumerate(net.down_blocks):
        name, made = f"unet.down.{i}", _skips_made(block)
        writes = (name, *(f"unet.skip.{skips + n}" for n in range(made)))
        stage = _attending(block, name, last, writes, _down)
        stages.append(replace(stage, work=_work(block, area / 4**i)))
        skips, last = skips + made, name
    if net.mid_block is not None:
        stage = _attending(net.mid_block, "unet.mid", last, ("unet.mid",), _mid)
        work = _work(net.mid_block, area / 4 ** (len(net.down_blocks) - 1))
        stages.append(replace(stage, work=work))
        last = "unet.mid"
    for i, block in enumerate(net.up_blocks):
        taken = len(block.resnets)
        popped = tuple(f"unet.skip.{n}" for n in range(skips - taken, skips))
        skips -= taken
        sized_by = f"unet.skip.{skips - 1}" if skips and forced else None
        name = f"unet.up.{i}"
        stage = _attending(block, name, last, (name,), _up)
        work = _work(block, area / 4 ** (len(net.up_blocks) - 1 - i))
        reads = (*stage.reads, *popped)
        stages.append(replace(stage, reads=reads, sized_by=sized_by, work=work))
        last = name
    stages.append(Stage("unet.out", (last,), ("unet.out",), _out(net)))
    return [replace(stage, owner=net) for stage in stages]


def time_stage(unet: nn.Module) -> Run:
    """Return the function (t [B], text) -> time embedding, run once per step and not once per
    block. Only a network with a pooled text embedding (addition_embed_type "text") reads text."""
    net: Any = unet

    def run(t: Tensor, text: Tensor) -> tuple[Tensor, ...]:
        embedded = net.time_embedding(net.time_proj(t).to(net.dtype), None)
        if net.config.addition_embed_type == "text":
            embedded = embedded + net.add_embedding(text)
        act = net.time_embed_act
        return (embedded if act is None else act(embedded),)

    return run


def vae_stages(vae: nn.Module) -> list[Stage]:
    """Regroup the decoder of an AutoencoderTiny or AutoencoderKL; its stages read `latent`, and the
    last makes pixels of the size of `shown`.

    Raises: ModelError for any other class.
    """
    kind = type(vae).__name__
    kinds = {"AutoencoderTiny": _tiny_stages, "AutoencoderKL": _kl_stages}
    if kind not in kinds:
        raise ModelError(f"decoder {kind}: expected {' or '.join(kinds)}")
    return [replace(stage, owner=vae) for stage in (*kinds[kind](vae), PIXELS)]


def _check_family(net: Any) -> None:
    config = net.config
    runs: dict[str, tuple[object, ...]] = {
        "addition_embed_type": (None, "text"),
        "class_embed_type": (None,),
        "encoder_hid_dim_type": (None,),
        "center_input_sample": (None, False),
        "time_cond_proj_dim": (None,),
        "in_channels": (4,),
    }
    found = [f"{name} = {config[name]}" for name in runs if config[name] not in runs[name]]
    if found:
        raise ModelError(f"unet has {', '.join(found)}: expected Stable Diffusion 1.x or 2.x")


def _work(block: nn.Module, places: float) -> float:
    """About how often a block multiplies at so many places: once with every weight. A convolution
    behind an up-sampling has four times the places, one that halves a quarter."""
    there = {"upsamplers": 4.0, "downsamplers": 0.25}
    return sum(
        there.get(name, 1.0) * places * sum(p.numel() for p in part.parameters() if p.dim() > 1)
        for name, part in block.named_children()
    )


def _attends(block: Any) -> bool:
    return bool(getattr(block, "has_cross_attention", False))


def _skips_made(block: Any) -> int:
    return len(block.resnets) + len(block.downsamplers or ())


def _attending(
    block: Any,
    name: str,
    last: str,
    writes: tuple[str, ...],
    make: Callable[[Any, Attention | None], Run],
) -> Stage:
    """A block as a stage, with the text and the attention of its own where it attends."""
    own = name.removeprefix("unet.")
    attention = attention_of(block) if _attends(block) else None
    reads = [last, "unet.time"]
    reads += [OWN_TEXT + own] if _attends(block) else []
    reads += [OWN_ATTENTION + own] if attention else []
    return Stage(name, tuple(reads), writes, make(block, attention), attention=attention)


@contextmanager
def _told(
    block: Any, attention: Attention | None, tensors: Sequence[Tensor]
) -> Iterator[tuple[dict[str, Tensor], Sequence[Tensor]]]:
    """Split off what an attending block reads after the path and the time: yield its text, and the
    rest; inside, its attention is as told."""
    text: dict[str, Tensor] = {}
    if _attends(block):
        text, tensors = {"encoder_hidden_states": tensors[0]}, tensors[1:]
    if attention is None:
        yield text, tensors
        return
    with attention.scaled(tensors[0]):
        yield text, tensors[1:]


def _conv_in(net: Any) -> Run:
    def run(sample: Tensor) -> tuple[Tensor, ...]:
        h = net.conv_in(sample)
        return h, h

    return run


def _down(block: Any, attention: Attention | None) -> Run:
    def run(h: Tensor, time: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        with _told(block, attention, rest) as (text, _):
            h, skips = block(hidden_states=h, temb=time, **text)
        return h, *skips

    return run


def _mid(block: Any, attention: Attention | None) -> Run:
    def run(h: Tensor, time: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        with _told(block, attention, rest) as (text, _):
            return (block(h, time, **text),)

    return run


def _up(block: Any, attention: Attention | None) -> Run:
    def run(
        h: Tensor, time: Tensor, *rest: Tensor, size: tuple[int, ...] | None = None
    ) -> tuple[Tensor, ...]:
        with _told(block, attention, rest) as (text, skips):
            more: dict[str, Any] = {"upsample_size": size, **text}
            return (
                block(hidden_states=h, temb=time, res_hidden_states_tuple=tuple(skips), **more),
            )

    return run


def _out(net: Any) -> Run:
    def run(h: Tensor) -> tuple[Tensor, ...]:
        if net.conv_norm_out is not None:
            h = net.conv_act(net.conv_norm_out(h))
        return (net.conv_out(h),)

    return run


def _tiny_stages(vae: Any) -> list[Stage]:
    """One stage for each resolution, from its up-sampling to its last block; `image` is what comes
    after the last block, with the up-sampling before it where the last resolution has no block."""
    layers = list(vae.decoder.layers)
    cuts = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Upsample)]
    blocks = [i for i, layer in enumerate(layers) if type(layer).__name__.endswith("Block")]
    bounds = [0, *(cut for cut in cuts if cut < blocks[-1]), blocks[-1] + 1, len(layers)]
    names = ["vae.in", *(f"vae.up.{i}" for i in range(len(bounds) - 3)), "image"]
    stages = []
    for name, read, (begin, end) in zip(names, ["latent", *names], pairwise(bounds), strict=False):
        run = _tiny_run(layers[begin:end], first=not begin, last=end == len(layers))
        stages.append(Stage(name, (read,), (name,), run))
    return stages


def _tiny_run(layers: Sequence[nn.Module], *, first: bool, last: bool) -> Run:
    part = nn.Sequential(*fold(list(layers)))

    def run(h: Tensor) -> tuple[Tensor, ...]:
        h = part(torch.tanh(h / 3) * 3 if first else h)
        return (h.mul(2).sub(1) if last else h,)

    return run


def _kl_stages(vae: Any) -> list[Stage]:
    decoder = vae.decoder

    def first(z: Tensor) -> tuple[Tensor, ...]:
        if vae.post_quant_conv is not None:
            z = vae.post_quant_conv(z)
        return (decoder.conv_in(z),)

    def image(h: Tensor) -> tuple[Tensor, ...]:
        return (decoder.conv_out(decoder.conv_act(decoder.conv_norm_out(h))),)

    blocks = [("vae.mid", decoder.mid_block)]
    blocks += [(f"vae.up.{i}", block) for i, block in enumerate(decoder.up_blocks)]
    stages = [Stage("vae.in", ("latent",), ("vae.in",), first)]
    for name, block in blocks:
        stages.append(Stage(name, (stages[-1].name,), (name,), _kl_run(block)))
    return [*stages, Stage("image", (stages[-1].name,), ("image",), image)]


def _kl_run(block: nn.Module) -> Run:
    def run(h: Tensor) -> tuple[Tensor, ...]:
        return (block(h, None),)

    return run


def sites_of(stages: Sequence[Stage]) -> Iterator[str]:
    """Yield every site of the stages, in reading order: what a block alone reads and all writes."""
    for stage in stages:
        if stage.name == PIXELS.name:
            continue
        yield from stage.texts
        yield from stage.attentions
        yield from stage.writes


def behind(site: str, stages: Sequence[Stage]) -> Iterator[str]:
    """Yield the stages that run again when the tensor at a site changes, in the last network call.

    The network's answer becomes the finished latent, which is what a bend at `latent` changes.
    """
    changed = {site}
    for stage in stages:
        if TEXT in changed:
            changed.update(stage.texts)
        if changed.intersection(stage.reads):
            changed.update(stage.writes)
            yield stage.name
        if "unet.out" in changed:
            changed.add(LATENT)
