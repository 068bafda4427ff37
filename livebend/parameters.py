"""The tree of every live parameter, derived from the scene: for listings and OSC namespaces."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from livebend.core.specs import ParameterValue, Spec
from livebend.scene import paths
from livebend.scene.values import Scene

ROOT = "/livebend"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One live parameter as it is now: everything a controller needs to draw a knob for it.

    `low` and `high` are what it may be, `play` what a fader goes over.
    """

    path: str
    address: str
    kind: str
    low: float | None
    high: float | None
    play: tuple[float, float] | None
    unit: str
    choices: tuple[str, ...]
    default: ParameterValue
    value: ParameterValue
    doc: str

    def as_json(self) -> dict[str, object]:
        """Return the fields as plain values for json.dumps."""
        return asdict(self) | {
            "choices": list(self.choices),
            "play": None if self.play is None else list(self.play),
        }


def address_of(path: str) -> str:
    """Return a path's OSC address.

    >>> address_of("bend.swirl.angle")
    '/livebend/bend/swirl/angle'
    """
    return f"{ROOT}/{path.replace('.', '/')}"


def parameters(scene: Scene) -> Iterator[Parameter]:
    """Yield every live parameter of the scene with its value, in reading order."""
    for path, spec in paths.every(scene):
        yield _parameter(scene, path, spec)


def matching(scene: Scene, pattern: str) -> list[Parameter]:
    """Return the parameters whose path contains `pattern`, where * stands for anything."""
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    return [p for p in parameters(scene) if wanted.search(p.path)]


def _parameter(scene: Scene, path: str, spec: Spec) -> Parameter:
    play = paths.soft_range(scene, path) if spec.range else None
    return Parameter(
        path=path,
        address=address_of(path),
        kind=spec.kind,
        low=spec.range.low if spec.range else None,
        high=spec.range.high if spec.range else None,
        play=(play.low, play.high) if play else None,
        unit=spec.unit,
        choices=spec.choices,
        default=spec.default,
        value=paths.get(scene, path),
        doc=spec.doc,
    )
