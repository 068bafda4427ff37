"""What each display of a wall has for itself: which it is, its own corners and its light."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from livebend.core.ranges import Unit
from livebend.core.specs import ParameterValue, Several, Spec, specs_of
from livebend.outputs.wall.settings import BlackLevel, Gamma, Pinned

MOST = 4  # that have settings of their own: as many displays as one GPU usually drives
HEAD = "projector"  # of their names among the display's settings: projector.1.gamma


@dataclass(frozen=True)
class Projector(Pinned):
    """A display that the picture is on, whether it projects or not; the neutral one changes
    nothing of the wall's part that it shows."""

    display: Annotated[
        str,
        Several(",", 1, "displays", 100),
        "which display this is, by name; empty = the next one that is new",
    ] = ""
    brightness: Annotated[Unit, "factor on all that this display shows"] = 1.0
    gamma: Annotated[Gamma, "times that of the wall"] = 1.0
    black_level: Annotated[BlackLevel, "beside that of the wall"] = 0.0

    @property
    def is_neutral(self) -> bool:
        """Whether nothing but its name is set."""
        return replace(self, display="") == Projector()


Projectors = tuple[Projector, ...]
IsOne = Callable[[str, str], bool]
NEUTRAL: Projectors = (Projector(),) * MOST


def projector_specs() -> Mapping[str, Spec]:
    """Return the settings of all of them, by their names such as projector.1.gamma."""
    return {
        name: replace(spec, name=name)
        for number in range(1, MOST + 1)
        for leaf, spec in specs_of(Projector).items()
        for name in (f"{HEAD}.{number}.{leaf}",)
    }


def value_in(projectors: Projectors, name: str) -> ParameterValue:
    """Return a setting by its name, which there is."""
    number, leaf = _split(name)
    value: ParameterValue = getattr(projectors[number], leaf)
    return value


def changed_in(projectors: Projectors, name: str, value: ParameterValue) -> Projectors:
    """Return them with a setting, whose name there is, changed."""
    number, leaf = _split(name)
    changed: dict[str, Any] = {leaf: value}
    one = replace(projectors[number], **changed)
    return *projectors[:number], one, *projectors[number + 1 :]


def numbered(projectors: Projectors, shown: Sequence[str], is_one: IsOne) -> Projectors:
    """Return them with a number for each display that the picture is on, as far as they reach: the
    one that has its name, else the first that has none, else the first whose display is not there
    and which is neutral.

    shown: names of displays.
    is_one: whether two names are of one display.
    """
    found = list(projectors)
    for name in shown:
        if any(is_one(one.display, name) for one in found):
            continue
        free = [
            (bool(one.display), index)
            for index, one in enumerate(found)
            if not one.display
            or (one.is_neutral and not any(is_one(one.display, other) for other in shown))
        ]
        if free:
            index = min(free)[1]
            found[index] = replace(found[index], display=name)
    return tuple(found)


def _split(name: str) -> tuple[int, str]:
    _, number, leaf = name.split(".")
    return int(number) - 1, leaf
