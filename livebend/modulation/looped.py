"""Loops: parameters as hands played them, again and again with the beat."""

from bisect import bisect_right
from collections.abc import Sequence

from livebend.core.specs import ParameterValue, Spec
from livebend.scene import edit, paths
from livebend.scene.loops import Point, between, goes_straight, points_of, value_of
from livebend.scene.values import Scene


def looped(scene: Scene, beats: float) -> Scene:
    """Return the scene with what its loops play in the place of what is set.

    beats: since the first of the phrases, whole and part; they stand where there is no tempo.
    """
    if not scene.loops:
        return scene
    values: dict[str, ParameterValue] = {}
    for loop in scene.loops:
        if not loop.mute:
            spec = paths.find(scene, loop.target)
            values[loop.target] = at(spec, points_of(loop.points), beats % loop.beats, loop.beats)
    return edit.with_values(scene, values)


def at(spec: Spec, points: Sequence[Point], beat: float, length: float) -> ParameterValue:
    """Return the value at a beat 0..length of a loop with these points; those behind its end do not
    play."""
    within = bisect_right(points, length, key=_beat) or 1
    if within > 1 and points[within - 1][0] == length:
        within -= 1
    index = bisect_right(points, beat, hi=within, key=_beat) - 1  # before the first: the last
    begin, first = points[index if index >= 0 else within - 1]
    if not goes_straight(spec):
        return value_of(spec, first)
    end, last = points[(index + 1) % within]
    span = (end - begin) % length or length
    return value_of(spec, between(spec, first, last, (beat - begin) % length / span))


def _beat(point: Point) -> float:
    return point[0]
