"""Decoders from elsewhere than the model: the small one (TAESD), a folder, a file; and encoders.

A file may be in the layout of diffusers, of Stable Diffusion's own code, or TAESD's bare decoder.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from livebend.core.errors import ModelError
from livebend.models.families import DECODER, OTHERS, family
from livebend.models.model_folder import load_vae
from livebend.models.original_layout import vae_config, vae_name
from livebend.models.parts import Side, Target, check_encoder, make_vae
from livebend.models.weight_files import check_weights, read_header, weight_files
from livebend.models.weights import State, read_weights

TINY = {"_class_name": "AutoencoderTiny", "scaling_factor": 1.0}
LATENT = 4  # channels


def load_decoder(place: Path, target: Target, side: Side = "decoder") -> nn.Module:
    """Return the decoder in a part's folder, a whole model's folder, or a file; or its encoder.

    Raises: ModelError.
    """
    if place.is_file():
        return _from_file(place, target, side)
    part = place / "vae"
    return load_vae(part if part.is_dir() else place, target, side)


def check_decoder(place: Path) -> None:
    """Refuse a folder or a file whose weights are not whole. Raises: ModelError."""
    check_weights(_files(place))


def check_has_encoder(place: Path) -> None:
    """Refuse a decoder whose files say that there is no encoder beside it. Raises: ModelError."""
    files = _files(place)
    if all(file.suffix == ".safetensors" for file in files):
        check_encoder(name for file in files for name in read_header(file).shapes)


def _files(place: Path) -> Sequence[Path]:
    part = place / "vae" if (place / "vae").is_dir() else place
    return (place,) if place.is_file() else weight_files(part)


def _from_file(file: Path, target: Target, side: Side) -> nn.Module:
    state = read_weights([file])
    if tiny := _tiny(state):
        return make_vae(TINY, tiny, target, side)
    if any(name.startswith(DECODER) for name in state):
        state = {n.removeprefix(DECODER): t for n, t in state.items() if n.startswith(DECODER)}
    full = {vae_name(name): tensor for name, tensor in state.items()}
    if "decoder.conv_in.weight" not in full:
        lora = re.compile(OTHERS[0][0]).search
        what = "a LoRA" if any(lora(name) for name in state) else "no decoder"
        raise ModelError(f"--vae {file.name}: it is {what}: expected AutoencoderKL or TAESD")
    if full["decoder.conv_in.weight"].shape[1] != LATENT:
        channels = full["decoder.conv_in.weight"].shape[1]
        raise ModelError(f"--vae {file.name}: it reads {channels} channels: expected {LATENT}")
    return make_vae(vae_config(full, family("sd-1.5")), full, target, side)


def _tiny(state: State) -> dict[str, Tensor]:
    """Return the tensors of a small decoder as diffusers names them; none of another file.

    TAESD's bare decoder is a list whose first entry limits the latent and has no weights.
    """
    if any(name.startswith("decoder.layers.") for name in state):
        return dict(state)
    first = next((n for n in (0, 1) if f"{n}.weight" in state), None)
    if first is None or state[f"{first}.weight"].shape[1] != LATENT:
        return {}
    numbered = ((name.partition("."), tensor) for name, tensor in state.items())
    return {f"decoder.layers.{int(n) - first}.{rest}": t for (n, _, rest), t in numbered}
