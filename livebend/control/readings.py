"""Readings: what the show measures and a controller can watch, and what routes do to values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from livebend.core.errors import UnknownName
from livebend.core.ranges import Range
from livebend.core.specs import ParameterValue, Spec
from livebend.core.status import Status
from livebend.flow import Features
from livebend.modulation.sources import SOURCES, Moment, SourceSpec
from livebend.scene import paths
from livebend.scene.values import Scene

METERED = ("level", "sound", "pulse")  # kinds of sources that are of the sound alone
DIGITS = 3  # after the point, of a meter


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured value: its declaration, and how it is read from the show now and a moment ago."""

    spec: Spec
    read: Callable[[Status, Features], ParameterValue]


def _metered(source: SourceSpec, status: Status, before: Features) -> float:
    moment = Moment(status.features, before, progress=0.0)
    return round(min(max(source.read(moment), 0.0), 1.0), DIGITS)


def _meter(name: str, source: SourceSpec) -> Reading:
    about = source.doc.partition(", after")[0]  # a route's gain, which is not on a meter
    spec = Spec(name.rpartition(".")[2], "float", 0.0, Range(0, 1), doc=about)
    return Reading(spec, partial(_metered, source))


def _number(name: str, unit: str, doc: str, read: Callable[[Status], float]) -> Reading:
    spec = Spec(name, "float", 0.0, Range(0, 1e6, unit), doc=doc)
    return Reading(spec, lambda status, _: round(read(status), 1))


def _text(name: str, doc: str, read: Callable[[Status], str]) -> Reading:
    return Reading(Spec(name, "text", "", doc=doc), lambda status, _: read(status))


READINGS: Mapping[str, Reading] = {
    **{
        f"meter.{name}": _meter(name, source)
        for name, source in SOURCES.items()
        if source.kind in METERED or name.endswith(".phase")
    },
    "meter.tempo": _number("tempo", "bpm", "Tempo; 0 = not known", lambda s: s.features.bpm),
    "meter.fps": _number("fps", "", "Frames a second", lambda s: s.fps),
    "meter.frame": _number(
        "frame", "ms", "What a frame takes, in the middle", lambda s: s.frame_ms.p50
    ),
    "title": _text("title", "The preset that is played", lambda s: s.title),
    "preset.waiting": _text("waiting", "The presets that wait for their beat", lambda s: s.waiting),
    "crossfade.other": _text(
        "other", "What stands on the other side of the crossfader", lambda s: s.other
    ),
    "automation.recording": _text(
        "recording", "The parameter that is recorded for a loop", lambda s: s.recording
    ),
    "rig": _text("rig", "The shows that follow this one, or how it follows", lambda s: s.rig),
    "notice": _text(
        "notice", "The newest notice", lambda s: s.notices[-1].text if s.notices else ""
    ),
}


def driven(scene: Scene, status: Status) -> dict[str, float]:
    """Return the values of the parameters that routes move, as they are played, by path."""
    moved: dict[str, float] = {}
    for route in status.routes:
        moved[route.target] = moved.get(route.target, 0.0) + route.output
    known = {f"bend.{b.name}.{k}": v for b in status.bends for k, v in b.values.items()}
    found: dict[str, float] = {}
    for path, added in moved.items():
        if path in known:
            found[path] = float(known[path])
            continue
        try:
            spec, base = paths.find(scene, path), paths.get(scene, path)
        except UnknownName:  # the status is of the scene before
            continue
        if spec.range is not None and not isinstance(base, str):
            found[path] = spec.range.fit(base + added)
    return found
