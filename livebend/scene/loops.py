"""What a loop plays: its points, and the parameters that may have one.

    0:0.5 1.5:0.8 3.75:0.1

A beat and a value, rising by beats. Between two a number goes straight, an angle the shorter way
round, a logarithmic range in equal ratios; what is whole, a switch (0 and 1) or a choice (its place
in the list, from 0) stays as it is until the next. After the last one the first comes again.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from livebend.core import limits
from livebend.core.errors import OutOfRange, Refused, shown
from livebend.core.specs import ParameterValue, Spec
from livebend.core.texts import NUMBER
from livebend.scene import paths
from livebend.scene.values import Loop, Scene

Point = tuple[float, float]  # beat, value
UNPLAYED = ("tempo", "preset", Loop.kind)  # a loop goes by the tempo, and no loop plays another
BEAT_DIGITS, VALUE_DIGITS = 4, 7  # after the point, and of a value
FINEST = 2e-4  # of a fader's way: what a recorded value may be off


@lru_cache(maxsize=256)
def points_of(text: str) -> tuple[Point, ...]:
    """Return the points of a text. Raises: OutOfRange for one that is none."""
    points = [_point(word) for word in text.split()]
    if not points:
        raise OutOfRange("points: expected at least one, as 0:0.5")
    for before, after in pairwise(points):
        if after[0] <= before[0]:
            raise OutOfRange(f"points: {after[0]:g} after {before[0]:g}: expected rising beats")
    return tuple(points)


def written(points: Iterable[Point]) -> str:
    """Return points as a text that `points_of` reads; of several at one beat the last."""
    rounded = {round(beat, BEAT_DIGITS): value for beat, value in points}
    return " ".join(f"{b:.12g}:{v:.{VALUE_DIGITS}g}" for b, v in sorted(rounded.items()))


def playable(scene: Scene, path: str) -> Spec:
    """Return the spec of a parameter that a loop may play.

    Raises: UnknownName, Refused for a text and for what a loop itself goes by.
    """
    spec = paths.find(scene, path)
    if spec.kind == "text":
        raise Refused(f"{path}: a text has no loop; expected a number, a switch or a choice")
    if paths.split(path)[0] in UNPLAYED:
        raise Refused(f"{path}: a loop goes by it, and does not play it")
    return spec


def number_of(spec: Spec, value: ParameterValue) -> float:
    """Return the number that stands for a value in a loop's points."""
    return float(spec.choices.index(value)) if isinstance(value, str) else float(value)


def value_of(spec: Spec, number: float) -> ParameterValue:
    """Return the value that a number stands for, in the parameter's range."""
    if spec.choices:
        return spec.choices[min(max(round(number), 0), len(spec.choices) - 1)]
    return spec.fit(number, spec.name)


def goes_straight(spec: Spec) -> bool:
    """Whether a parameter goes from point to point; the others stay until the next."""
    return spec.kind == "float"


def between(spec: Spec, first: float, last: float, t: float) -> float:
    """Return the value at t (0..1) of the way between two points of a number."""
    if spec.range is None or first == last:
        return first + t * (last - first)
    return spec.range.between(first, last, min(t, 1.0))


def thinned(points: Sequence[Point], spec: Spec) -> list[Point]:
    """Return the points without those that the others already say, at most limits.POINTS: of a
    number within FINEST of its fader's way, or as much more as that takes.

    Source: Douglas and Peucker 1973, by the error in the value as it is played.
    """
    if not goes_straight(spec) or spec.range is None:
        changes = [p for i, p in enumerate(points) if i == 0 or p[1] != points[i - 1][1]]
        return changes[: limits.POINTS]
    soft = spec.range.soft_range
    off = FINEST * (soft.high - soft.low)
    kept = _kept(points, spec, off)
    while len(kept) > limits.POINTS:
        off *= 2.0
        kept = _kept(points, spec, off)
    return kept


def _kept(points: Sequence[Point], spec: Spec, off: float) -> list[Point]:
    keep = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        (x0, y0), (x1, y1) = points[first], points[last]
        worst, at = off, None
        for index in range(first + 1, last):
            x, y = points[index]
            error = abs(y - between(spec, y0, y1, (x - x0) / (x1 - x0)))
            if error > worst:
                worst, at = error, index
        if at is not None:
            keep.add(at)
            spans += [(first, at), (at, last)]
    return [points[index] for index in sorted(keep)]


def _point(word: str) -> Point:
    beat, _, value = word.partition(":")
    if not (NUMBER.fullmatch(beat) and NUMBER.fullmatch(value) and float(beat) >= 0.0):
        raise OutOfRange(f"points: {shown(word)}: expected BEAT:VALUE, as 1.5:0.8")
    return float(beat), float(value)
