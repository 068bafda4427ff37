"""The sites of a model as its configuration declares them: known before torch is imported, so that
a scene that bends elsewhere is refused at once. The stages themselves are the last word."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from livebend.core.sites import (
    DOWN,
    LATENT,
    MID,
    OWN_ATTENTION,
    OWN_TEXT,
    SKIP,
    TEXT,
    TIME,
    UNET,
    UP,
    check_place,
)
from livebend.models.weight_files import read_header, read_json

Config = Mapping[str, Any]

PLAIN, ATTENDING = ("DownBlock2D", "UpBlock2D"), ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
ATTENDING_MIDDLE = "UNetMidBlock2DCrossAttn"
# What a single file is: Stable Diffusion's own code has one depth, and so has TAESD's.
ONE_FILE = {
    "down_block_types": [ATTENDING[0]] * 3 + [PLAIN[0]],
    "up_block_types": [PLAIN[1]] + [ATTENDING[1]] * 3,
    "layers_per_block": 2,
}
FULL = {"_class_name": "AutoencoderKL", "up_block_types": ["UpDecoderBlock2D"] * 4}
SMALL = {"_class_name": "AutoencoderTiny"}
FULL_BEGINS = "decoder.conv_in.weight"  # also behind the name of a part of a whole model


def check_sites(sites_of_bends: Iterable[str], places: Sequence[Path]) -> None:
    """Refuse sites that a model found at `places` does not have, where its files tell.

    Raises: Refused, UnknownName; ModelError for a file that is not whole.
    """
    if sites := declared_sites(places):
        for site in sites_of_bends:
            check_place(site, sites)


def declared_sites(places: Sequence[Path]) -> tuple[str, ...]:
    """Return the sites of a model and, where there is a second place, its decoder, in reading
    order; none where that takes more than a configuration of a usual kind, or the names in a file.

    Raises: ModelError for a file that is not whole.
    """
    if not places:
        return ()
    model, decoder = places[0], places[-1]
    unet = _unet(read_json(model / "unet" / "config.json") if model.is_dir() else ONE_FILE)
    vae = _vae(FULL if decoder == model and model.is_file() else _vae_config(decoder))
    return (TEXT, LATENT, TIME, *unet, *vae) if unet and vae else ()


def _vae_config(place: Path) -> Config:
    """The configuration of a decoder; empty for a file that does not say without torch."""
    if place.is_dir():
        part = place / "vae"
        return read_json((part if part.is_dir() else place) / "config.json")
    if place.suffix != ".safetensors":
        return {}
    is_full = any(name.endswith(FULL_BEGINS) for name in read_header(place).shapes)
    return FULL if is_full else SMALL


def _unet(config: Config) -> tuple[str, ...]:
    down, up = config.get("down_block_types", ()), config.get("up_block_types", ())
    layers, middle = config.get("layers_per_block"), config.get("mid_block_type", ATTENDING_MIDDLE)
    layers = [layers] * len(down) if isinstance(layers, int) else layers
    usual = {*down, *up} <= {*PLAIN, *ATTENDING} and middle == ATTENDING_MIDDLE
    if not down or not layers or not usual or config.get("dual_cross_attention"):
        return ()
    sites, skips = ["unet.in", f"{SKIP}0"], 1
    for i, (kind, own) in enumerate(zip(down, layers, strict=True)):
        sites += _block(f"{DOWN}{i}", kind)
        made = own + (i < len(down) - 1)  # every block but the last one halves its size
        sites += [f"{SKIP}{skips + n}" for n in range(made)]
        skips += made
    sites += _block(MID, ATTENDING[0])
    for i, kind in enumerate(up):
        sites += _block(f"{UP}{i}", kind)
    return (*sites, "unet.out")


def _block(name: str, kind: str) -> Iterator[str]:
    """What a block alone reads, and what it writes."""
    if kind in ATTENDING:
        own = name.removeprefix(UNET)
        yield from (OWN_TEXT + own, OWN_ATTENTION + own)
    yield name


def _vae(config: Config) -> tuple[str, ...]:
    kind = config.get("_class_name")
    if kind == "AutoencoderTiny":
        blocks = config.get("num_decoder_blocks", (3, 3, 3, 1))
        ups = max((i for i, count in enumerate(blocks) if count), default=0)
        return ("vae.in", *(f"vae.up.{i}" for i in range(ups)), "image")
    if kind == "AutoencoderKL":
        ups = len(config.get("up_block_types", ("",)))
        return ("vae.in", "vae.mid", *(f"vae.up.{i}" for i in range(ups)), "image")
    return ()
