"""Sites: the names of the tensors inside a network that a bend can act on, and their grammar.

    unet.text · latent · unet.time · unet.in · unet.down.0… · unet.mid · unet.up.0… · unet.out ·
    vae.in · vae.mid · vae.up.0… · image

and off this path: `unet.skip.0…`, the skip connections from the down to the up blocks;
`unet.text.up.1`, the text as one block alone reads it; `unet.attention.up.1`, the factor on that
block's attention to the text. A place is a site, optionally at one network call (`unet.mid#1`) or
at a depth on the way from noise (0) to picture (1): `latent@0.8`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from livebend.core.errors import Refused, UnknownName, shown

TEXT, LATENT, TIME = "unet.text", "latent", "unet.time"
OWN_TEXT = "unet.text."  # before the name of the block that reads it
OWN_ATTENTION = "unet.attention."
LORA = "lora."  # before the name of a LoRA: its strength, which is no site
UNET, DECODER = "unet.", "vae."
DOWN, MID, UP, SKIP = "unet.down.", "unet.mid", "unet.up.", "unet.skip."
FINISHED = "latent@1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bend acts: a site, and at most one of a network call and a depth (0..1)."""

    site: str
    step: int | None = None
    depth: float | None = None


@lru_cache(maxsize=1024)
def place(text: str) -> Place:
    """Read a place: `unet.mid`, `unet.mid#1` (network call 1 only) or `latent@0.8`.

    Raises: Refused for any other text.

    >>> place("latent@0.8"), place("unet.mid#1").step
    (Place(site='latent', step=None, depth=0.8), 1)
    """
    site, at, depth = text.partition("@")
    if at:
        return Place(site, depth=_depth(text, depth, site))
    site, hash_, step = text.partition("#")
    if hash_ and not (step.isascii() and step.isdecimal() and len(step) < 10):
        raise Refused(f"site {shown(text)}: expected a whole number after #, such as unet.mid#1")
    return Place(site, step=int(step) if hash_ else None)


def check_place(text: str, sites: Collection[str]) -> Place:
    """Return the place if a network has its site. Raises: Refused, UnknownName."""
    found = place(text)
    if found.site not in sites:
        raise UnknownName("site", text, [*sites, "latent@0.8"])
    return found


def has_depth(text: str) -> bool:
    """Whether a text, which need not be a valid place, names a depth of the latent."""
    return text.startswith(f"{LATENT}@")


def is_text(site: str) -> bool:
    """Whether the tensor of a site is a prompt's embedding, for the whole network or one block."""
    return site == TEXT or site.startswith(OWN_TEXT)


def is_attention(site: str) -> bool:
    """Whether the tensor of a site is the factor on one block's attention: ones until bent."""
    return site.startswith(OWN_ATTENTION)


def is_picture(site: str) -> bool:
    """Whether the tensor of a site has a height and a width, so that a mask means something."""
    return not is_text(site) and site != TIME


def own_block(site: str) -> str | None:
    """Return the block that alone reads a site, `unet.up.1` for `unet.text.up.1`; None for others.

    >>> own_block("unet.attention.up.1")
    'unet.up.1'
    """
    prefixes = (prefix for prefix in (OWN_TEXT, OWN_ATTENTION) if site.startswith(prefix))
    return next((UNET + site.removeprefix(prefix) for prefix in prefixes), None)


def deep_span(names: Sequence[str], level: int) -> tuple[int, int]:
    """Return where the deep part of a unet's stages begins and ends: from the down block of that
    level, or the last one, to the up block that mirrors it."""
    last = sum(name.startswith(DOWN) for name in names) - 1
    level = min(level, last)
    return names.index(f"{DOWN}{level}"), names.index(f"{UP}{last - level}") + 1


def _depth(text: str, depth: str, site: str) -> float:
    try:
        value = float(depth)
    except ValueError:
        value = -1.0
    if site != LATENT or not 0.0 <= value <= 1.0:
        raise Refused(f"site {shown(text)}: expected latent@0..1 (0 = noise, 1 = finished)")
    return value
