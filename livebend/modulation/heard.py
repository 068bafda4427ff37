"""Features as a record: every number of them, the paper's too where they are asked for."""

from collections.abc import Mapping
from dataclasses import fields
from functools import partial

from livebend.core.errors import OutOfRange
from livebend.core.records import Foreign
from livebend.core.specs import ParameterValue
from livebend.flow import Features, PaperFeatures
from livebend.scene.values import Scene

PAPER = "paper"  # the field that is computed on its first read
DEFAULTS: Mapping[str, ParameterValue] = {
    one.name: getattr(Features(), one.name) for one in fields(Features) if one.name != PAPER
}
Heard = tuple[float | int | bool, ...]  # in the order of the fields, then the paper's, if any


def heard(features: Features, *, paper: bool = True) -> Heard:
    """Return the numbers of features; without those of the paper where nobody reads them, since
    they are the most work."""
    own = tuple(getattr(features, name) for name in DEFAULTS)
    return (*own, *features.paper()) if paper else own


def features_of(numbers: Heard) -> Features:
    """Return the features that such numbers are. Raises: OutOfRange."""
    own, paper = numbers[: len(DEFAULTS)], numbers[len(DEFAULTS) :]
    if len(own) < len(DEFAULTS) or len(paper) not in (0, len(PaperFeatures._fields)):
        raise OutOfRange(f"sound of {len(numbers)} numbers: expected {len(DEFAULTS)}")
    for (name, default), number in zip(DEFAULTS.items(), own, strict=True):
        if isinstance(default, bool) is not isinstance(number, bool):
            raise OutOfRange(f"{name} = {number!r}: expected {type(default).__name__}")
    values = dict(zip(DEFAULTS, own, strict=True))
    return Features(**values, paper=partial(PaperFeatures, *paper))  # type: ignore[arg-type]


def reads_paper(scene: Scene) -> bool:
    """Whether a route of the scene, on either side, or of one that it comes from reads the paper's
    features."""
    sides = (scene, scene.other) if scene.other else (scene,)
    return any(route.source.startswith(PAPER) for side in sides for route in side.routes)


HEARD = Foreign(Heard, heard, features_of)
