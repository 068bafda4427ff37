"""The four parts of a model, made from a configuration and weights: network, decoder, text encoder
and tokenizer, as the classes of diffusers and transformers.

The encoder of pictures beside the decoder is left out where nothing looks at a picture.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from livebend.core.errors import LivebendError, ModelError, one_line
from livebend.models.families import check_channels, clip_words
from livebend.models.lean_imports import lean
from livebend.models.original_layout import decoder_attention
from livebend.models.weights import State, empty, fill

Config = Mapping[str, Any]
Side = Literal["decoder", "encoder"]  # of an autoencoder
OTHER_SIDE: Mapping[Side, tuple[str, ...]] = {
    "decoder": ("encoder", "quant_conv"),
    "encoder": ("decoder", "post_quant_conv"),
}
HAS_ONE = "try --encoder own, or another --vae"
LCM_GUIDANCE = 8.5  # that a consistency model with an input for it is told


class Libraries(NamedTuple):
    """The classes that a model is made of."""

    unet: Any
    kl: Any
    tiny: Any
    text: Any
    tokenizer: Any


@dataclass(frozen=True, slots=True)
class Target:
    """Where a part's weights go, and in which precision."""

    device: torch.device
    dtype: torch.dtype | None = None


def libraries() -> Libraries:
    """Import and return the classes that a model is made of. Slow the first time."""
    with lean():
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: PLC0415
        from diffusers.models.autoencoders.autoencoder_tiny import (  # noqa: PLC0415
            AutoencoderTiny,
        )
        from diffusers.models.unets.unet_2d_condition import (  # noqa: PLC0415
            UNet2DConditionModel,
        )
        from transformers.models.clip.modeling_clip import CLIPTextModel  # noqa: PLC0415
        from transformers.models.clip.tokenization_clip import CLIPTokenizer  # noqa: PLC0415

        _quieten()
    return Libraries(
        UNet2DConditionModel, AutoencoderKL, AutoencoderTiny, CLIPTextModel, CLIPTokenizer
    )


def _quieten() -> None:
    """Turn the libraries' advice and progress bars off."""
    from diffusers.utils import logging as diffusers_logging  # noqa: PLC0415
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


@contextmanager
def _making(part: str) -> Iterator[Libraries]:
    """Whatever a library raises inside becomes a ModelError about this part."""
    known = libraries()
    try:
        with lean(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(diffusers|transformers|huggingface_hub)\b")
            yield known
    except LivebendError:
        raise
    except Exception as error:  # every library has its own
        raise ModelError(f"{part} cannot be made: {one_line(error)}") from error


def make_unet(config: Config, state: State, target: Target) -> nn.Module:
    """Return the network. Raises: ModelError where it is of another family."""
    check_unet(config)
    with _making("unet") as known:
        net = empty(lambda: known.unet.from_config(dict(config)), target.device, target.dtype)
        fill(net, state, "unet")
        if config.get("time_cond_proj_dim"):
            _hold_guidance(net)
        return net


def check_unet(config: Config) -> None:
    """Refuse a network that is not Stable Diffusion 1.x or 2.x. Raises: ModelError."""
    kind = config.get("_class_name", "UNet2DConditionModel")
    if config.get("addition_embed_type") == "text_time":
        raise ModelError("is Stable Diffusion XL: expected Stable Diffusion 1.x, 2.x or Turbo")
    if kind != "UNet2DConditionModel":
        raise ModelError(f"has the network {kind}: expected Stable Diffusion 1.x, 2.x or Turbo")
    check_channels(int(config.get("in_channels", 4)))


def _hold_guidance(net: Any) -> None:
    """Give a consistency model that reads its guidance always the same one.

    Source: Luo et al. 2023, section 4.2, with the waves of a time's embedding.
    """
    width = int(net.config.time_cond_proj_dim)
    slowest = torch.log(torch.tensor(10000.0)) / (width // 2 - 1)
    rates = torch.exp(torch.arange(width // 2) * -slowest)
    angles = (LCM_GUIDANCE - 1.0) * 1000.0 * rates
    weight = net.time_embedding.linear_1.weight
    told = torch.cat([angles.sin(), angles.cos()])[None]
    net.time_embedding = _GuidedTime(net.time_embedding, told.to(weight.device, weight.dtype))
    net.register_to_config(time_cond_proj_dim=None)


class _GuidedTime(nn.Module):
    """A time embedding that adds the guidance it was told."""

    def __init__(self, embedding: nn.Module, told: Tensor) -> None:
        super().__init__()
        self.embedding = embedding
        self.register_buffer("told", told)

    def forward(self, sample: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the embedding [B, C] of a time's waves [B, c]; `condition` is not used."""
        del condition
        embedded: Tensor = self.embedding(sample, self.told)
        return embedded


def make_vae(config: Config, state: State, target: Target, side: Side = "decoder") -> nn.Module:
    """Return the decoder without its encoder, full or tiny, or the encoder without the decoder.

    Raises: ModelError.
    """
    kind = config.get("_class_name", "AutoencoderKL")
    with _making("vae") as known:
        kinds = {"AutoencoderKL": known.kl, "AutoencoderTiny": known.tiny}
        if kind not in kinds:
            raise ModelError(f"vae/ is {kind}: expected {' or '.join(kinds)}")
        if side == "encoder":
            check_encoder(state)
        both = kinds[kind].from_config

        def make() -> nn.Module:
            net: Any = both(dict(config))
            for other in OTHER_SIDE[side]:
                if hasattr(net, other):
                    setattr(net, other, None)
            return net  # type: ignore[no-any-return]

        return fill(empty(make, target.device, target.dtype), decoder_attention(state), "vae")


def check_encoder(names: Iterable[str]) -> None:
    """Refuse an autoencoder whose weights have no encoder, by their names. Raises: ModelError."""
    if not any("encoder." in name for name in names):
        raise ModelError(f"the decoder comes without an encoder, which --picture needs: {HAS_ONE}")


def make_text_encoder(config: Config, state: State, target: Target) -> nn.Module:
    """Return the text encoder. Raises: ModelError where it is not CLIP's."""
    kind = str(config.get("model_type", "clip_text_model"))
    if not kind.startswith("clip"):
        raise ModelError(f"text_encoder/ is {kind}: expected clip_text_model")
    given = {name: value for name, value in config.items() if name not in ("dtype", "torch_dtype")}
    with _making("text_encoder") as known:
        make = known.text.config_class
        state = {name.removeprefix("text_model."): tensor for name, tensor in state.items()}
        net = empty(lambda: known.text(make(**given)), target.device, target.dtype)
        return fill(net, state, "text_encoder")


def make_tokenizer(folder: Path | None, text: Any, pad_token: str = "") -> Any:
    """Return the tokenizer of a folder, or CLIP's own where it has none that is complete.

    text: the encoder that reads its tokens.
    pad_token: what CLIP's own fills a text with.
    Raises: ModelError where the encoder has not as many words.
    """
    words, positions = text.config.vocab_size, text.config.max_position_embeddings
    with _making("tokenizer") as known:
        if folder is not None and _is_complete(folder):
            tokens = known.tokenizer.from_pretrained(folder, local_files_only=True)
        elif words >= len(clip_words()[0]):
            vocabulary, merges = clip_words()
            pad = {"pad_token": pad_token or "<|endoftext|>"}
            tokens = known.tokenizer(vocab=vocabulary, merges=merges, **pad)
        else:
            raise ModelError("tokenizer/ has no tokenizer.json, nor vocab.json with merges.txt")
        tokens.model_max_length = min(int(tokens.model_max_length), int(positions))
    if len(tokens) > words:
        raise ModelError(f"tokenizer/ has {len(tokens)} words: expected {words}, its encoder's")
    return tokens


def _is_complete(folder: Path) -> bool:
    pair = ("vocab.json", "merges.txt")
    return (folder / "tokenizer.json").is_file() or all((folder / n).is_file() for n in pair)
