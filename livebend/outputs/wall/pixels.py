"""What the picture's pixels become on the CPU: gamma and black level, larger, glow and grain."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from livebend.flow import Pixels
from livebend.outputs.wall.settings import Filter, Look

ENLARGED = 2.0  # times at most; the GPU does the rest, which is hardly seen and costs far less
GLOW = 96  # pixels along the longer side of the glow
GLOWS = 0.4  # light above which something glows
GRAIN = 256  # pixels along a side of the grain
GRAINS = 0.5  # of the light, at most


@lru_cache(maxsize=8)
def curve(gamma: float, black: float) -> bytes:
    """Return the levels 0..255 with a gamma and a level of black: b + (1 − b) · x^(1/gamma)."""
    x = (np.arange(256) / 255) ** (1 / gamma)
    return bytes(np.round(255 * np.clip(black + (1 - black) * x, 0, 1)).astype(np.uint8))


def coloured(pixels: Pixels, look: Look) -> Pixels:
    """Return a picture uint8 [H, W, 3] with the gamma and level of black of a look; itself where
    they are neutral."""
    if look.gamma == 1.0 and look.black_level == 0.0:
        return pixels
    table = np.frombuffer(curve(look.gamma, look.black_level), np.uint8)
    made: Pixels = table[pixels]
    return made


def enlarged(pixels: Pixels, size: tuple[float, float], filter: Filter) -> Pixels:
    """Return a picture uint8 [H, W, 3] enlarged towards (width, height), at most ENLARGED times;
    itself where the GPU's own filter does it, or it is not enlarged.

    lanczos: of three lobes. Source: Duchon, Lanczos Filtering in One and Two Dimensions, 1979.
    crisp: the same, sharpened, and nowhere beyond what lies around it in the picture, so that edges
        have no rings.
    """
    high, wide, _ = pixels.shape
    by = min(size[0] / wide, size[1] / high, ENLARGED)
    if filter in ("linear", "nearest") or by <= 1.0:
        return pixels
    to, image = (round(wide * by), round(high * by)), Image.fromarray(pixels)
    if filter == "lanczos":
        return np.asarray(image.resize(to, Image.Resampling.LANCZOS))
    sharp = image.filter(ImageFilter.UnsharpMask(1, 130, 0)).resize(to, Image.Resampling.LANCZOS)
    least, most = (
        _around(pixels, find).resize(to, Image.Resampling.BILINEAR)
        for find in (np.minimum, np.maximum)
    )
    return np.asarray(ImageChops.darker(ImageChops.lighter(sharp, least), most))


def _around(pixels: Pixels, find: np.ufunc) -> Image.Image:
    """The least or the most of every pixel and those around it."""
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = find(find(padded[:-2], padded[1:-1]), padded[2:])
    return Image.fromarray(find(find(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))


def glow(pixels: Pixels) -> Pixels:
    """Return the glow around what is bright, small and soft, uint8 [h, w, 3]: it is added."""
    high, wide, _ = pixels.shape
    by = GLOW / max(wide, high)
    size = max(round(wide * by), 1), max(round(high * by), 1)
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX), np.float32)
    light = small @ np.array((0.2126, 0.7152, 0.0722), np.float32) / 255
    bright = small * (np.clip(light - GLOWS, 0, 1) / (1 - GLOWS))[..., None]
    image = Image.fromarray(bright.astype(np.uint8))
    near, far = (image.filter(ImageFilter.GaussianBlur(GLOW / by)) for by in (40, 12))
    return np.asarray(ImageChops.add(near, far))


@lru_cache(maxsize=1)
def grain() -> np.ndarray:
    """Return film grain, uint8 [GRAIN, GRAIN, 4], for SDL's blend mode MUL: the light of what lies
    below becomes itself · (1 + colour − opacity), which is as much brighter as it is darker."""
    noise = np.random.default_rng(0).normal(0.0, 0.35, (GRAIN, GRAIN))
    wider = noise + np.roll(noise, 1, 0)
    soft = (wider + np.roll(wider, 1, 1)) / 2
    level = np.clip(GRAINS * (1 + np.clip(soft, -1, 1)), 0, 1)
    made = np.empty((GRAIN, GRAIN, 4), np.uint8)
    made[..., :3] = np.round(255 * level)[..., None]
    made[..., 3] = round(255 * GRAINS)
    return made
