"""The parameter tree as OSCQuery describes it: nodes as JSON, values as OSC messages.

Every parameter is a node at its OSC address, and so is all that is above it. RANGE is what a fader
covers; where values beyond it are taken too, CLIPMODE is "none".
"""

import json
import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from livebend.control.desk import Desk
from livebend.control.osc_packets import BUNDLE
from livebend.control.parameters import Parameter, Tree, Trees, soft_range, value_of
from livebend.core.specs import ParameterValue, Spec

TOP = "/"
IMPULSE = "I"  # the type of a trigger that takes nothing
TYPES = {"float": "f", "int": "i", "bool": "T", "choice": "s", "text": "s"}
LONG = 2**31  # from here on, a whole number takes 64 bits
ACCESS = {"reading": 1, "trigger": 2, "value": 3}
UNITS = {  # as OSCQuery has them; others are told as they are
    "deg": "angle.degree",
    "s": "time.second",
    "ms": "time.millisecond",
    "bpm": "time.bpm",
    "Hz": "time.hertz",
}
ATTRIBUTES = [
    "FULL_PATH",
    "CONTENTS",
    "TYPE",
    "ACCESS",
    "VALUE",
    "RANGE",
    "CLIPMODE",
    "UNIT",
    "DESCRIPTION",
]  # that a node may have
TOLD = [name for name in ATTRIBUTES if name not in ("FULL_PATH", "CONTENTS")]  # optional ones


class Nodes:
    """The nodes of a show at one moment: its scene, and what it measures."""

    def __init__(self, desk: Desk, trees: Trees) -> None:
        self.scene, self.status = desk.scene.get(), desk.status()
        self.tree: Tree = trees.of(self.scene)
        self._desk = desk
        self._known: dict[str, ParameterValue] = {}

    @cached_property
    def _inner(self) -> dict[str, dict[str, None]]:
        return inner(self.tree)

    def __contains__(self, address: str) -> bool:
        return self.leaf(address) is not None or address in self._inner

    def leaf(self, address: str) -> Parameter | None:
        """Return the parameter whose node is at an address; short addresses have none."""
        found = self.tree.addresses.get(address)
        return found if found is not None and found.address == address else None

    def value(self, parameter: Parameter) -> ParameterValue:
        """Return the value of a parameter. Raises: LivebendError for a trigger."""
        known = self._known.get(parameter.path)
        if known is None:
            known = value_of(self._desk, parameter, self.scene, self.status)
            self._known[parameter.path] = known
        return known

    def attribute(self, address: str, name: str) -> Any:
        """Return one attribute of a node as JSON has it, except CONTENTS; None = it has none."""
        parameter = self.leaf(address)
        if name == "FULL_PATH":
            return address
        if parameter is None:
            return 0 if name == "ACCESS" else None
        if name == "VALUE" and parameter.access == "trigger":
            return None
        return self._described(parameter).get(name)

    def text(self, address: str) -> Iterator[str]:
        """Yield a node with all below it as JSON, piece by piece, each quickly made.

        A node's text is never made at once: the whole tree takes longer than a frame may wait.
        """
        parameter = self.leaf(address)
        own = {"FULL_PATH": address, "ACCESS": 0}
        if parameter is not None:
            own |= self._described(parameter)
        text = as_json(own)
        below = self._inner.get(address, {})
        if not below:
            yield text
            return
        yield f'{text[:-1]},"CONTENTS":{{'
        stem = address.rstrip("/")
        for index, name in enumerate(below):
            yield f"{',' if index else ''}{json.dumps(name)}:"
            yield from self.text(f"{stem}/{name}")
        yield "}}"

    def _described(self, parameter: Parameter) -> dict[str, Any]:
        """The attributes of a parameter's node; of a trigger, VALUE is what its arguments are
        where nothing else is known."""
        takes = parameter.takes if parameter.access == "trigger" else (parameter.spec,)
        found: dict[str, Any] = {
            "ACCESS": ACCESS[parameter.access],
            "TYPE": type_of(parameter),
            "DESCRIPTION": parameter.spec.doc,
        }
        if parameter.access == "trigger":
            found["VALUE"] = [_finite(spec.default) for spec in takes] or [None]
        else:
            found["VALUE"] = [_finite(self.value(parameter))]
        ranges = [self._range(parameter, spec) for spec in takes]
        if any(ranges):
            found["RANGE"] = ranges
        if parameter.access == "value" and (clip := self._clip_mode(parameter)):
            found["CLIPMODE"] = [clip]
        if unit := self._unit(parameter):
            found["UNIT"] = [UNITS.get(unit, unit)]
        return found

    def _range(self, parameter: Parameter, spec: Spec) -> dict[str, Any] | None:
        if spec.choices:
            return {"VALS": list(spec.choices)}
        own = spec.range.soft_range if spec.range else None
        covered = own if parameter.access == "trigger" else soft_range(self.scene, parameter)
        if covered is None or spec.kind == "bool":
            return None
        number = int if spec.kind == "int" else float
        return {"MIN": number(covered.low), "MAX": number(covered.high)}

    def _clip_mode(self, parameter: Parameter) -> str:
        covered, whole = soft_range(self.scene, parameter), parameter.spec.range
        if covered is None or whole is None:
            return ""
        is_all = (covered.low, covered.high) == (whole.low, whole.high)
        return "both" if is_all and not whole.wraps else "none"

    def _unit(self, parameter: Parameter) -> str:
        covered = soft_range(self.scene, parameter)
        return covered.unit if covered else ""


def inner(tree: Tree) -> dict[str, dict[str, None]]:
    """Return the names right below each address that has some."""
    found: dict[str, dict[str, None]] = {}
    for parameter in tree.parameters.values():
        stem = TOP
        for name in parameter.address.split("/")[1:]:
            found.setdefault(stem, {})[name] = None
            stem = f"{stem.rstrip('/')}/{name}"
    return found


def type_of(parameter: Parameter) -> str:
    """Return the type tags of the messages of a parameter."""
    if parameter.access == "trigger":
        return "".join(map(_tag, parameter.takes)) or IMPULSE
    return _tag(parameter.spec)


def message(parameter: Parameter, value: ParameterValue) -> bytes:
    """Return the OSC message that reports a value, in the type that TYPE says."""
    builder = OscMessageBuilder(parameter.address)
    tag = _tag(parameter.spec)
    builder.add_arg(value, ("T" if value else "F") if tag == "T" else tag)
    packet: bytes = builder.build().dgram
    return packet


def bundle(messages: Sequence[bytes]) -> bytes:
    """Return the bundle of OSC messages that act at once."""
    sized = (len(one).to_bytes(4, "big") + one for one in messages)
    return BUNDLE + (1).to_bytes(8, "big") + b"".join(sized)


def as_json(value: object) -> str:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def host_info(name: str, osc_port: int, port: int, commands: Sequence[str]) -> dict[str, Any]:
    """Return what HOST_INFO says: both ports, what nodes tell, and the commands of the WebSocket.

    The address is that by which the server was reached.
    """
    return {
        "NAME": name,
        "EXTENSIONS": dict.fromkeys([*TOLD, *commands], True),
        "OSC_PORT": osc_port,
        "OSC_TRANSPORT": "UDP",
        "WS_PORT": port,
    }


def _tag(spec: Spec) -> str:
    is_long = spec.kind == "int" and spec.range is not None and spec.range.high >= LONG
    return "h" if is_long else TYPES[spec.kind]


def _finite(value: ParameterValue) -> ParameterValue | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
