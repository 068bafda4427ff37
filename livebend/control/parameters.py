"""The parameter tree: everything that can be played or watched, whoever asks.

    value     of the scene, or a setting of the display: read and set      bend.swirl.angle
    trigger   does something, and has no value                             panic, bend.add
    reading   what the show measures: read only                            meter.rms, notice

Nothing is declared here. Values come from the scene and the signatures of its operators (`paths`),
settings from the display, triggers and readings from their tables. From the tree come the
addresses of OSC, listings, and whatever else shows or moves parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from livebend.control.desk import Desk
from livebend.control.osc_packets import ROOT
from livebend.control.readings import READINGS
from livebend.control.triggers import TRIGGERS
from livebend.core.errors import Refused, UnknownName
from livebend.core.ranges import Range
from livebend.core.specs import ParameterValue, Spec
from livebend.core.status import Status
from livebend.scene import paths
from livebend.scene.values import Scene

Access = Literal["value", "trigger", "reading"]
OUTPUT = "output"  # the settings of the display
SHORT = {  # addresses beside those that paths give
    f"{ROOT}/prompt": "prompt.text",
    f"{ROOT}/preset": "preset.recall",
    f"{ROOT}/store": "preset.store",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One leaf of the tree.

    spec: its declaration; of a trigger, what it is called and does.
    takes: what a trigger takes, in order; `form` is the same in words.
    """

    path: str
    spec: Spec
    access: Access = "value"
    takes: tuple[Spec, ...] = ()
    form: str = ""

    @property
    def address(self) -> str:
        """Its OSC address."""
        return address_of(self.path)

    @property
    def is_setting(self) -> bool:
        """Whether it belongs to the display, not to the scene."""
        return self.path.startswith(f"{OUTPUT}.")


def address_of(path: str) -> str:
    """Return a path's OSC address.

    >>> address_of("bend.swirl.angle")
    '/livebend/bend/swirl/angle'
    """
    return f"{ROOT}/{path.replace('.', '/')}"


class Tree:
    """Every parameter, by path (`parameters`) and by OSC address (`addresses`), in the order of a
    preset file, then the display's, triggers and readings. It never changes."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = parameters
        self.addresses = {p.address: p for p in parameters.values()}
        self.addresses |= {one: parameters[path] for one, path in SHORT.items()}

    @cached_property
    def owners(self) -> Mapping[tuple[str, str], Sequence[tuple[str, Parameter]]]:
        """The scene's parameters with their leaf, by what `paths.owner_of` finds them at."""
        found: dict[tuple[str, str], list[tuple[str, Parameter]]] = {}
        for parameter in self.values():
            if not parameter.is_setting:
                kind, name, leaf = paths.split(parameter.path)
                found.setdefault((kind, name), []).append((leaf, parameter))
        return found

    @cached_property
    def measured(self) -> Sequence[Parameter]:
        """What has a value that is not the scene's: settings of the display, and readings."""
        return [p for p in self.below("") if p.is_setting or p.access == "reading"]

    def values(self) -> Iterator[Parameter]:
        """Yield what has a value that can be set."""
        return (p for p in self.parameters.values() if p.access == "value")

    def below(self, node: str) -> list[Parameter]:
        """Return what has a value and is at a path or below it; "" is everything."""
        found = (p for p in self.parameters.values() if p.access != "trigger")
        if not node:
            return list(found)
        return [p for p in found if p.path == node or p.path.startswith(f"{node}.")]


class Trees:
    """The tree of each scene that is asked for; the newest is remembered while the parts stay. Any
    thread may use it.

    display: its settings, by name.
    """

    def __init__(self, display: Mapping[str, Spec]) -> None:
        self._display = display
        self._newest: tuple[Scene, object, Tree] | None = None

    def of(self, scene: Scene) -> Tree:
        """Return the tree of a scene."""
        newest = self._newest
        if newest is not None and newest[0] is scene:
            return newest[2]
        parts = _parts(scene)
        same = newest is not None and newest[1] == parts
        tree = newest[2] if newest is not None and same else tree_of(scene, self._display)
        self._newest = scene, parts, tree
        return tree


def tree_of(scene: Scene, display: Mapping[str, Spec]) -> Tree:
    """Return the tree of a scene and of the display's settings."""
    found = [Parameter(path, spec) for path, spec in paths.every(scene)]
    found += [Parameter(f"{OUTPUT}.{name}", spec) for name, spec in display.items()]
    for path, trigger in TRIGGERS.items():
        spec = Spec(path.rpartition(".")[2], "text", "", doc=trigger.doc)
        found.append(Parameter(path, spec, "trigger", trigger.takes, trigger.form))
    found += [Parameter(path, reading.spec, "reading") for path, reading in READINGS.items()]
    return Tree({parameter.path: parameter for parameter in found})


def _parts(scene: Scene) -> object:
    """What decides which parameters a scene has."""
    bends = tuple((bend.name, bend.operator) for bend in scene.bends)
    others = (scene.routes, scene.loras, scene.mix, scene.loops)
    return bends, *(tuple(part.name for part in parts) for parts in others)


# ---- changes of structure ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """A node of the tree, such as bend.swirl, that came, went, or has other parameters now."""

    what: Literal["added", "removed", "changed"]
    node: str


def events(before: Tree, after: Tree) -> list[Event]:
    """Return what became of the structure from one tree to another, what went first."""
    if before is after:
        return []
    old, new = _nodes(before), _nodes(after)
    found = [Event("removed", node) for node in old if node not in new]
    for node, leaves in new.items():
        if node not in old:
            found.append(Event("added", node))
        elif leaves != old[node]:
            found.append(Event("changed", node))
    return found


def _nodes(tree: Tree) -> dict[str, dict[str, Spec]]:
    nodes: dict[str, dict[str, Spec]] = {}
    for parameter in tree.values():
        nodes.setdefault(node_of(parameter.path), {})[parameter.path] = parameter.spec
    return nodes


def node_of(path: str) -> str:
    """Return what has a parameter: a part of the scene or a group; "" for the scene itself.

    >>> node_of("bend.swirl.mask.size"), node_of("walk.radius"), node_of("seed")
    ('bend.swirl', 'walk', '')
    """
    kind, name, _ = paths.split(path)
    return f"{kind}.{name}" if name else kind or path.rpartition(".")[0]


# ---- values --------------------------------------------------------------------------------------


def value_of(
    desk: Desk, parameter: Parameter, scene: Scene | None = None, status: Status | None = None
) -> ParameterValue:
    """Return the value that a parameter has now, or had in a scene and a state of the show.

    Raises: LivebendError where it has none.
    """
    if parameter.access == "trigger":
        raise Refused(f"{parameter.path}: it is done, and has no value")
    if parameter.access == "reading":
        status = desk.status() if status is None else status
        return READINGS[parameter.path].read(status, status.features)
    if parameter.is_setting:
        return desk.view(parameter.spec.name)
    return paths.get(desk.scene.get() if scene is None else scene, parameter.path)


def soft_range(scene: Scene, parameter: Parameter) -> Range | None:
    """Return what a fader of a parameter covers; None for what is no number."""
    if parameter.spec.range is None or parameter.access == "trigger":
        return None
    if parameter.access == "value" and not parameter.is_setting:
        try:
            return paths.soft_range(scene, parameter.path)
        except UnknownName:  # a route whose target is gone
            pass
    return parameter.spec.range.soft_range


def described(scene: Scene, parameter: Parameter, value: ParameterValue | None) -> dict[str, Any]:
    """Return all there is to know about a parameter, ready for JSON; None = it does not apply."""
    spec, soft = parameter.spec, soft_range(scene, parameter)
    is_trigger = parameter.access == "trigger"
    return {
        "path": parameter.path,
        "address": parameter.address,
        "access": parameter.access,
        "type": None if is_trigger else spec.kind,
        "value": value,
        "default": spec.default if parameter.access == "value" else None,
        "low": spec.range.low if spec.range else None,
        "high": spec.range.high if spec.range else None,
        "soft": [soft.low, soft.high] if soft else None,
        "unit": (soft.unit if soft else spec.unit) or None,
        "curve": spec.range.curve if spec.range else None,
        "choices": list(spec.choices) or None,
        "takes": parameter.form if is_trigger else None,
        "about": spec.doc,
    }
