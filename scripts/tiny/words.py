"""The words that the embedded model knows, and the captions it learns them from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .drawings import COLOURS, CONCEPTS, Label
from .styles import MOODS, STYLES

CONCEPT_WORDS: dict[str, tuple[str, ...]] = {
    "orb": (
        "floating orb",
        "orb",
        "glowing orb",
        "floating sphere",
        "sphere",
        "ball of light",
        "planet",
        "bubble",
        "orbs",
    ),
    "mesh": (
        "3D mesh geometry",
        "3d mesh",
        "mesh",
        "wire mesh",
        "3d geometry",
        "geometry",
        "polygon mesh",
        "grid",
        "meshes",
    ),
    "starry night": (
        "starry night",
        "starry sky",
        "night sky",
        "stars",
        "night of stars",
        "van gogh night",
        "starry nights",
    ),
    "forest": (
        "forest with river",
        "forest",
        "river",
        "forest river",
        "woods",
        "trees",
        "river in a forest",
        "forests",
        "rivers",
    ),
    "thunderstorm": (
        "thunderstorm with lightning",
        "thunderstorm",
        "lightning",
        "storm",
        "lightning bolt",
        "thunder",
        "storms",
    ),
    "bass": ("bass", "bass fish", "fish", "fish under water", "basses"),
    "crane": ("crane", "flying crane", "bird", "crane bird", "cranes", "birds"),
    "shapes": (
        "shapes",
        "geometric shapes",
        "abstract shapes",
        "circle and triangle",
        "abstract composition",
        "bauhaus",
        "shape",
    ),
    "nebula": (
        "nebula",
        "galaxy",
        "space nebula",
        "deep space",
        "cosmos",
        "universe",
        "nebulas",
        "galaxies",
    ),
    "tunnel": (
        "tunnel",
        "tunnel of light",
        "light tunnel",
        "portal",
        "vortex",
        "corridor",
        "tunnels",
    ),
    "ocean": ("ocean waves", "ocean", "sea", "waves", "sea waves", "water", "oceans", "wave"),
    "flames": ("flames", "fire", "burning flames", "flame", "bonfire", "inferno", "fires"),
    "kaleidoscope": (
        "kaleidoscope",
        "kaleidoscope pattern",
        "mandala",
        "fractal",
        "symmetry",
        "stained glass",
        "kaleidoscopes",
    ),
    "mountains": (
        "mountains at sunset",
        "mountains",
        "sunset",
        "mountain landscape",
        "landscape",
        "hills",
        "mountain",
    ),
    "city": (
        "city at night",
        "city",
        "skyline",
        "city skyline",
        "night city",
        "buildings",
        "skyscrapers",
        "cities",
    ),
    "flower": ("flower", "blossom", "rose", "petals", "blooming flower", "dahlia", "flowers"),
    "aurora": ("aurora", "northern lights", "aurora borealis", "polar lights", "auroras"),
    "crystal": (
        "crystal",
        "crystals",
        "crystal cluster",
        "gem",
        "diamond",
        "quartz",
        "ice crystal",
    ),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "crimson", "scarlet"),
    "orange": ("orange", "amber", "copper"),
    "golden": ("golden", "gold", "yellow"),
    "green": ("green", "emerald", "lime"),
    "teal": ("teal", "turquoise", "cyan"),
    "blue": ("blue", "azure", "navy"),
    "purple": ("purple", "violet", "indigo"),
    "pink": ("pink", "magenta", "rose coloured"),
    "silver": ("silver", "white", "grey", "gray"),
    "rainbow": ("rainbow", "colourful", "colorful", "multicoloured", "psychedelic"),
}
STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "neon": ("neon", "neon lights", "cyberpunk", "synthwave"),
    "watercolour": ("watercolour", "watercolor", "watercolour painting", "ink wash"),
    "monochrome": ("monochrome", "black and white", "noir", "grayscale"),
    "wireframe": ("wireframe", "wire frame", "line art", "blueprint"),
    "pastel": ("pastel", "soft pastel", "chalk", "dreamy"),
}
MOOD_WORDS: dict[str, tuple[str, ...]] = {
    "dark": ("dark", "dim", "gloomy"),
    "bright": ("bright", "light", "luminous"),
    "vivid": ("vivid", "intense", "saturated"),
    "misty": ("misty", "foggy", "hazy"),
}
PROMPTS: tuple[str, ...] = (
    "a floating orb", "3D mesh geometry", "starry night", "forest with river",
    "thunderstorm with lightning", "bass", "crane", "shapes", "nebula", "tunnel of light",
    "ocean waves", "flames", "kaleidoscope", "mountains at sunset", "city at night", "flower",
    "aurora", "crystal",
)  # fmt: skip
"""One prompt for each concept, in order: the founding eight first."""

OPENINGS = ("", "", "", "", "a ", "a ", "the ", "a picture of ", "a painting of ", "an image of a ")
GROUPS = (CONCEPT_WORDS, COLOUR_WORDS, STYLE_WORDS, MOOD_WORDS)


def _pick(words: Sequence[str], rng: np.random.Generator, plain: float = 0.5) -> str:
    """Pick a wording: the first one with chance `plain`."""
    return words[0] if rng.random() < plain else words[int(rng.integers(len(words)))]


def caption(label: Label, rng: np.random.Generator) -> str:
    """Say a label in one of many ways."""
    concept = _pick(CONCEPT_WORDS[label.concept], rng, 0.45)
    colour = _pick(COLOUR_WORDS[label.colour], rng) if label.colour else ""
    style = _pick(STYLE_WORDS[label.style], rng) if label.style else ""
    mood = _pick(MOOD_WORDS[label.mood], rng) if label.mood else ""
    before = [word for word in (mood, colour) if word]
    if style and rng.random() < 0.4:
        before.insert(int(rng.integers(len(before) + 1)), style)
        style = ""
    after = [style] if style else []
    if before and rng.random() < 0.25:
        after.insert(0, before.pop())
    opening = OPENINGS[int(rng.integers(len(OPENINGS)))]
    if opening.endswith("a ") and (before or [concept])[0][0] in "aeiou":
        opening = opening[:-1] + "n "
    glue = ", " if rng.random() < 0.7 else " "
    return opening + glue.join([" ".join([*before, concept]), *after])


def plain_caption(label: Label) -> str:
    """Say a label in its first words: "misty red ocean waves, pastel"."""
    concept = PROMPTS[list(CONCEPTS).index(label.concept)]
    article = "a " if concept.startswith("a ") else ""
    words = [label.mood or "", label.colour or "", concept.removeprefix("a ")]
    text = article + " ".join(word for word in words if word)
    return f"{text}, {label.style}" if label.style else text


def known_words() -> set[str]:
    """Collect every single word that a caption can hold, in lower case."""
    phrases = [phrase for group in GROUPS for words in group.values() for phrase in words]
    joined = " ".join([*phrases, *OPENINGS, "an", *PROMPTS]).lower()
    return set(joined.replace(",", " ").split())


def vocabulary() -> dict[str, object]:
    """List all the words by kind, with their synonyms, for people and for prompt matching."""
    assert set(CONCEPT_WORDS) == set(CONCEPTS)
    assert set(COLOUR_WORDS) == set(COLOURS)
    assert set(STYLE_WORDS) == set(STYLES)
    assert set(MOOD_WORDS) == set(MOODS)
    names = ("concepts", "colours", "styles", "moods")
    kinds = {
        name: {key: list(words) for key, words in group.items()}
        for name, group in zip(names, GROUPS, strict=True)
    }
    return {**kinds, "prompts": list(PROMPTS)}
