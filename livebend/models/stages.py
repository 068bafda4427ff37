"""The network as a list of named stages, regrouped from diffusers' own modules.

A stage reads named tensors and writes named tensors; a **site** is such a name, and a bend acts on
the tensor of that name before anything reads it. In reading order:

    unet.text · unet.time · unet.in · unet.down.0… · unet.mid · unet.up.0… · unet.out ·
    vae.in · vae.mid · vae.up.0… · image           and unet.skip.0…, the skip connections

A block that attends to the prompt reads a text of its own (`unet.text.up.1` for `unet.up.1`), the
tensor of `unet.text` until that site is bent, and a factor of its own on the logits of its
attention (`unet.attention.up.1`), ones until that site is bent. `unet.down.i` is what the next
block reads and `unet.skip.n` the copy for the up blocks, even where both are one tensor.
A stage with layers that have LoRAs reads the strength of each, `lora.NAME`, [1], after all else.
The list is derived from the model; no forward pass of diffusers is edited or copied.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core.errors import ModelError
from livebend.core.sites import LATENT, LORA, OWN_ATTENTION, OWN_TEXT, TEXT, TIME, UNET
from livebend.models.adapted_layers import loras_in
from livebend.models.attention import Attention, attention_of
from livebend.models.fused_upsample import fuse
from livebend.models.pixels import to_pixels

Run = Callable[..., tuple[Tensor, ...]]
ENCODER = "encoder"  # the stage that runs before all others, where a picture comes in

# Part of the names of cached engines: raise it when a stage comes to compute something else.
STAGES_VERSION = 5


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the network: `run(*tensors of reads)` returns the tensors of `writes`."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: Run
    sized_by: str | None = None  # a tensor whose height and width are passed as the keyword `size`
    owner: nn.Module | None = None  # the network whose weights it reads
    work: float = 0.0  # about how many multiplications, relative to other stages
    attention: Attention | None = None  # what the tensor read as `unet.attention.…` is a factor on
    parts: tuple["Stage", ...] = ()  # the stages that it joins, in order
    texts: tuple[str, ...] = field(init=False)  # of `reads`, the text of this stage alone
    attentions: tuple[str, ...] = field(init=False)  # of `reads`, the factor on its attention

    def __post_init__(self) -> None:
        for name, prefix in (("texts", OWN_TEXT), ("attentions", OWN_ATTENTION)):
            own = tuple(read for read in self.reads if read.startswith(prefix))
            object.__setattr__(self, name, own)


# The end of every network; an engine fuses it with the decoder's last layer. It cannot be bent.
PIXELS = Stage("pixels", ("image",), ("pixels", "total"), to_pixels, sized_by="shown")


def unet_stages(unet: nn.Module, height: int, width: int) -> list[Stage]:
    """Regroup a UNet2DConditionModel for latents of height × width; its stages read `sample`,
    `unet.text` and `unet.time`.

    Only where a side is not a multiple of the whole up-sampling are up blocks given the size to
    reach, as in diffusers, since giving it changes the interpolation's rounding.
    Raises: ModelError where the network reads more than sample, time and text.
    """
    net: Any = unet
    _check_family(net)
    stages = [Stage("unet.in", ("sample",), ("unet.in", "unet.skip.0"), _conv_in(net))]
    skips, last, area = 1, "unet.in", height * width
    forced = any(side % 2**net.num_upsamplers for side in (height, width))
    for i, block in enumerate(net.down_blocks):
        name, made = f"unet.down.{i}", len(block.resnets) + len(block.downsamplers or ())
        writes = (name, *(f"unet.skip.{skips + n}" for n in range(made)))
        stages.append(_block_stage(block, _down, last, writes, area / 4**i))
        skips, last = skips + made, name
    if net.mid_block is not None:
        places = area / 4 ** (len(net.down_blocks) - 1)
        stages.append(_block_stage(net.mid_block, _mid, last, ("unet.mid",), places))
        last = "unet.mid"
    for i, block in enumerate(net.up_blocks):
        name, taken = f"unet.up.{i}", len(block.resnets)
        popped = tuple(f"unet.skip.{n}" for n in range(skips - taken, skips))
        skips -= taken
        stage = _block_stage(block, _up, last, (name,), area / 4 ** (len(net.up_blocks) - 1 - i))
        sized_by = f"unet.skip.{skips - 1}" if skips and forced else None
        stages.append(replace(stage, reads=(*stage.reads, *popped), sized_by=sized_by))
        last = name
    stages.append(Stage("unet.out", (last,), ("unet.out",), _out(net)))
    mid = () if net.mid_block is None else (net.mid_block,)
    owners = (net.conv_in, *net.down_blocks, *mid, *net.up_blocks, net.conv_out)
    with_owner = (replace(stage, owner=net) for stage in stages)
    return [_with_loras(s, own) for s, own in zip(with_owner, owners, strict=True)]


def time_stage(unet: nn.Module) -> Stage:
    """Return the stage (t [B], text) -> time embedding, which runs once per network call. Only a
    network with a pooled text embedding (addition_embed_type "text") reads text."""
    net: Any = unet

    def run(t: Tensor, text: Tensor) -> tuple[Tensor, ...]:
        embedded = net.time_embedding(net.time_proj(t).to(net.dtype), None)
        if net.config.addition_embed_type == "text":
            embedded = embedded + net.add_embedding(text)
        act = net.time_embed_act
        return (embedded if act is None else act(embedded),)

    stage = Stage(TIME, ("t", TEXT), (TIME,), run, owner=net)
    return _with_loras(stage, net.time_embedding, getattr(net, "add_embedding", None))


def _with_loras(stage: Stage, *modules: nn.Module | None) -> Stage:
    """The stage, reading the strengths of the LoRAs on layers inside its modules."""
    names, strengths = loras_in(*modules)
    if not names:
        return stage

    def run(*tensors: Tensor, **more: Any) -> tuple[Tensor, ...]:
        own, now = tensors[: -len(names)], tensors[-len(names) :]
        with strengths.at(dict(zip(names, now, strict=True))):
            return stage.run(*own, **more)

    return replace(stage, reads=(*stage.reads, *(LORA + name for name in names)), run=run)


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
    """About how many multiplications a block needs: one for every weight at each place. Up-sampling
    multiplies the places by four, down-sampling by a quarter."""
    scale = {"upsamplers": 4.0, "downsamplers": 0.25}
    return sum(
        scale.get(name, 1.0) * places * sum(p.numel() for p in part.parameters() if p.dim() > 1)
        for name, part in block.named_children()
    )


def _attends(block: Any) -> bool:
    return bool(getattr(block, "has_cross_attention", False))


def _block_stage(
    block: Any,
    make: Callable[[Any, Attention | None], Run],
    last: str,
    writes: tuple[str, ...],
    places: float,
) -> Stage:
    """A block as a stage named like the first tensor it writes. Where it attends to the prompt, it
    reads a text and a factor on its attention of its own."""
    own = writes[0].removeprefix(UNET)
    attention = attention_of(block) if _attends(block) else None
    reads = [last, TIME]
    reads += [OWN_TEXT + own] if _attends(block) else []
    reads += [OWN_ATTENTION + own] if attention else []
    run, work = make(block, attention), _work(block, places)
    return Stage(writes[0], tuple(reads), writes, run, work=work, attention=attention)


@contextmanager
def _conditioned(
    block: Any, attention: Attention | None, tensors: Sequence[Tensor]
) -> Iterator[tuple[dict[str, Tensor], Sequence[Tensor]]]:
    """Yield the block's text as a keyword for it, and the tensors that are neither its text nor its
    attention's factor; inside, its attention is scaled by that factor. `tensors` is what the stage
    reads after h and the time, in the order of `_block_stage`."""
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
        with _conditioned(block, attention, rest) as (text, _):
            h, skips = block(hidden_states=h, temb=time, **text)
        return h, *skips

    return run


def _mid(block: Any, attention: Attention | None) -> Run:
    def run(h: Tensor, time: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        with _conditioned(block, attention, rest) as (text, _):
            return (block(h, time, **text),)

    return run


def _up(block: Any, attention: Attention | None) -> Run:
    def run(
        h: Tensor, time: Tensor, *rest: Tensor, size: tuple[int, ...] | None = None
    ) -> tuple[Tensor, ...]:
        with _conditioned(block, attention, rest) as (text, skips):
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


def encoder_stage(vae: nn.Module) -> Stage:
    """Return the encoder of an AutoencoderTiny or AutoencoderKL as one stage: it reads `picture`
    [B, 3, H, W] in −1..1 and writes `encoded`, the latent before it is scaled; of a full one its
    mean, then the logarithm of its variance, as channels."""
    both: Any = vae

    def run(x: Tensor) -> tuple[Tensor, ...]:
        h = both.encoder(x)
        quantise = getattr(both, "quant_conv", None)
        return (h if quantise is None else quantise(h),)

    return Stage(ENCODER, ("picture",), ("encoded",), run, owner=vae)


def _tiny_stages(vae: Any) -> list[Stage]:
    """One stage for each resolution, from its up-sampling to its last block. `image` is everything
    after the last block, and an up-sampling to a resolution without blocks."""
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
    part = nn.Sequential(*fuse(list(layers)))

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
    """Yield every site of the stages, in reading order: what one block alone reads, and outputs."""
    for stage in stages:
        if stage.name == PIXELS.name:
            continue
        yield from stage.texts
        yield from stage.attentions
        yield from stage.writes


def behind(site: str, stages: Sequence[Stage]) -> Iterator[str]:
    """Yield the stages that run again when the tensor at a site changes, in the last network call.

    The network's output becomes the finished latent, which is what a bend at `latent` changes.
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
