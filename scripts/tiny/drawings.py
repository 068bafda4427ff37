"""Draw the pictures that the embedded model learns from: (words, noise) → picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import animals, objects, skies
from .canvas import SQUARE, Array, Canvas, Size, canvas, expose
from .noise import Noise, draw_noise
from .styles import HUES, MOODS, STYLES, colour_grade

CONCEPTS: dict[str, Callable[[Noise, Canvas], Array]] = {
    "orb": objects.orb,
    "mesh": objects.mesh,
    "starry night": skies.starry_night,
    "forest": skies.forest,
    "thunderstorm": skies.thunderstorm,
    "bass": animals.bass,
    "crane": animals.crane,
    "shapes": objects.shapes,
    "nebula": skies.nebula,
    "tunnel": objects.tunnel,
    "ocean": skies.ocean,
    "flames": skies.flames,
    "kaleidoscope": objects.kaleidoscope,
    "mountains": skies.mountains,
    "city": skies.city,
    "flower": objects.flower,
    "aurora": skies.aurora,
    "crystal": objects.crystal,
}
COLOURS: tuple[str, ...] = (*HUES, "silver", "rainbow")

COLOUR_SHARE, STYLE_SHARE, MOOD_SHARE = 0.55, 0.35, 0.15


@dataclass(frozen=True)
class Label:
    """What a picture shows; None leaves colour, style or mood to the concept."""

    concept: str
    colour: str | None = None
    style: str | None = None
    mood: str | None = None


def draw(label: Label, eps: Array, size: Size = SQUARE) -> NDArray[np.uint8]:
    """Draw a picture (h, w, 3) of a size from its label and the noise of its latents, or of those
    of a smaller or larger picture of that shape."""
    c, n = canvas(size), Noise(eps)
    picture = expose(CONCEPTS[label.concept](n, c))
    if label.colour:
        picture = colour_grade(picture, label.colour, n, c)
    if label.mood:
        picture = MOODS[label.mood](picture, c)
    if label.style:
        picture = STYLES[label.style](picture, n, c)
    if label.style == "monochrome" and label.colour:
        picture = 0.55 * picture + 0.45 * colour_grade(picture, label.colour, n, c)
    return np.asarray(expose(np.nan_to_num(picture)) * 255 + 0.5, np.uint8)


def draw_label(seed: int) -> Label:
    """Draw the label of a seed."""
    rng = np.random.default_rng([seed, 1])
    concept = list(CONCEPTS)[int(rng.integers(len(CONCEPTS)))]
    colour, style, mood = (
        options[int(rng.integers(len(options)))] if rng.random() < share else None
        for options, share in (
            (COLOURS, COLOUR_SHARE),
            (tuple(STYLES), STYLE_SHARE),
            (tuple(MOODS), MOOD_SHARE),
        )
    )
    return Label(concept, colour, style, mood)


def sample(seed: int, size: Size = SQUARE) -> tuple[NDArray[np.uint8], Label, Array]:
    """Draw the picture, the label and the noise of a seed.

    Raises:
        ValueError: A side is not a multiple of 8.
    """
    label, eps = draw_label(seed), draw_noise(seed, size)
    return draw(label, eps, size), label, eps
