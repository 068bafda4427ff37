"""What each OSC message means, without a socket: addresses of the parameter tree, and their values.

    /livebend/<path with slashes> v         set a parameter, a setting or do what a trigger does
    /livebend/<path with slashes>/play f    move a fader, 0..1
    /livebend/<path with slashes> ?         ask for a value; also without an argument
    /livebend/<path with slashes> + v       change a number; also - and *, in one word +=v, or a v

A number's address with /play takes a fader's position 0..1 in its soft range, which is narrower
than its whole range. Switches of the display toggle without an argument, and output/display goes on
to the next. Numbers, booleans and numbers in strings stand for one another; of several numbers the
last counts; a number out of range is clamped and reported; any other type is refused. The 0 that a
button sends when it is released does nothing; preset/radio takes the index of a radio button, from
0. Addresses that end in /_… belong to other programs and are ignored, and so is the /z of a fader
that is touched.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from livebend.control.desk import (
    Bank,
    FaderMove,
    Query,
    Request,
    SetDisplay,
    clamp_notice,
)
from livebend.control.osc_packets import Strange
from livebend.control.osc_patterns import matching
from livebend.control.parameters import Parameter, Tree
from livebend.control.triggers import TRIGGERS
from livebend.core import limits
from livebend.core.errors import OutOfRange
from livebend.core.ranges import Range
from livebend.core.specs import Spec
from livebend.core.texts import plain_text
from livebend.scene.commands import Change, Set

POSITION = Spec("position", "float", 0.0, Range(0, 1))  # of a fader
STEP = Spec("step", "float", 0.0)  # of a change
FADER = "/play"
ABSOLUTE = "a"  # before a value that is set as it is, as Resolume has it
RELATIVE = re.compile(r"([-+*])=(.+)")  # +=0.1 in one word

Arguments = Sequence[object]


@lru_cache(maxsize=4096)
def normal(address: str) -> str:
    """Return an address as the tables have it: small letters, one slash before each part.

    >>> normal("LiveBend/Seed/")
    '/livebend/seed'
    """
    return "/" + "/".join(part for part in address.lower().split("/") if part)


def is_private(address: str) -> bool:
    """Whether the address belongs to another program, such as TouchDesigner's /_samplerate, or
    says that a control is touched, as TouchOSC's /z."""
    last = address.rpartition("/")[2]
    return last.startswith("_") or last == "z"


def named(address: str, tree: Tree) -> list[str]:
    """Return the addresses of parameters, faders and settings that one with wildcards matches;
    triggers are pulled by their own name only. Raises: OutOfRange for too many."""
    stem = address.removesuffix(FADER)
    settings = [p.address for p in tree.values() if p.is_setting and stem == address]
    names = [*settings, *(p.address for p in tree.values() if not p.is_setting)]
    found = [one + address[len(stem) :] for one in matching(stem, names)]
    if len(found) > limits.MATCHES:
        raise OutOfRange(f"{address} names {len(found)}: expected up to {limits.MATCHES}")
    return found


def read(address: str, arguments: Arguments, tree: Tree, bank: Bank) -> Request | None:
    """Return what a message asks for; None for an unknown address.

    tree: the scene's parameters.
    bank: where presets are recalled from.
    Raises: LivebendError for arguments that cannot be used.
    """
    arguments = [_checked(address, argument) for argument in arguments]
    parameter = tree.addresses.get(address)
    if parameter is not None:
        return _read_own(parameter, arguments, bank)
    stem, _, last = address.rpartition("/")
    fader = tree.addresses.get(stem) if f"/{last}" == FADER else None
    if fader is not None and fader.access == "value" and not fader.is_setting:
        return _fader(fader.path, fader.spec, arguments)
    return None


def _read_own(parameter: Parameter, arguments: Arguments, bank: Bank) -> Request:
    if parameter.access == "trigger":
        given = [argument for argument in arguments if argument is not None]
        return TRIGGERS[parameter.path].read(given, bank)
    if list(arguments) == ["?"]:
        return Request(Query(parameter.path))
    if parameter.access == "reading":
        if arguments:
            raise OutOfRange(f"{parameter.path}: it is measured, and cannot be set")
        return Request(Query(parameter.path))
    if parameter.is_setting:
        return _output(parameter.spec, arguments)
    return _parameter(parameter.path, parameter.spec, arguments)


def _checked(address: str, argument: object) -> object:
    """Return an argument, text on one line. Raises: OutOfRange for what no parameter takes, before
    a message about it repeats it."""
    if isinstance(argument, float) and math.isnan(argument):
        raise OutOfRange(f"{address}: not a number")
    if isinstance(argument, str):
        return plain_text(argument, address)
    if isinstance(argument, Strange):
        raise OutOfRange(f"{address}: expected numbers and text, got {argument.kind}")
    return argument


def _is_question(arguments: Arguments) -> bool:
    return not arguments or list(arguments) == ["?"]


def _parameter(path: str, spec: Spec, arguments: Arguments) -> Request:
    if _is_question(arguments):
        return Request(Query(path))
    change = _change(path, spec, arguments)
    if change is not None:
        return Request(change)
    return Request(Set(path, spec.understand(_one(spec, _absolute(spec, arguments)), path)))


def _absolute(spec: Spec, arguments: Arguments) -> Arguments:
    """The arguments without the word that says that the value is set as it is."""
    return (
        arguments[1:]
        if len(arguments) == 2 and _is_number(spec, arguments, ABSOLUTE)
        else arguments
    )


def _is_number(spec: Spec, arguments: Arguments, signs: str) -> bool:
    """Whether one of these signs stands before a number's value."""
    first = arguments[0]
    return spec.range is not None and isinstance(first, str) and first.strip() in tuple(signs)


def _change(
    path: str, spec: Spec, arguments: Arguments, *, by_fader: bool = False
) -> Change | None:
    """Read + 0.1, - 0.1, * 2 or += 0.1 in one word; None where it is none of them."""
    sign, value = "", arguments[-1]
    if len(arguments) == 2 and _is_number(spec, arguments, "+-*"):
        sign = str(arguments[0]).strip()
    elif len(arguments) == 1 and isinstance(value, str) and spec.range is not None:
        whole = RELATIVE.fullmatch(value.replace(" ", ""))
        sign, value = whole.groups() if whole else ("", "")
    if not sign:
        return None
    by = float(STEP.understand(value, f"{path} {sign}"))
    if sign == "*":
        return Change(path, times=by, by_fader=by_fader)
    return Change(path, plus=-by if sign == "-" else by, by_fader=by_fader)


def _one(spec: Spec, arguments: Arguments) -> object:
    """The argument that counts: the last, as of an XY pad; words make one text."""
    if spec.kind == "text" and all(isinstance(a, str) for a in arguments):
        return " ".join(map(str, arguments))
    if arguments[-1] is None:
        raise OutOfRange(f"{spec.name}: expected {spec.allowed}, got nil")
    return arguments[-1]


def _fader(path: str, spec: Spec, arguments: Arguments) -> Request:
    if spec.range is None:
        raise OutOfRange(f"{path}{FADER}: expected a number's path; {path} is {spec.allowed}")
    if _is_question(arguments):
        return Request(FaderMove(path))
    change = _change(path, spec, arguments, by_fader=True)
    if change is not None:
        return Request(change)
    arguments = _absolute(spec, arguments)
    position = float(POSITION.understand(_one(POSITION, arguments), f"{path}{FADER}"))
    clamped = min(max(position, 0.0), 1.0)
    notice = f"{path}{FADER} = {position:g}: clamped to {clamped:g}"
    return Request(FaderMove(path, clamped), "" if clamped == position else notice)


def _output(spec: Spec, arguments: Arguments) -> Request:
    where = f"output.{spec.name}"
    if not arguments and spec.kind in ("bool", "int"):
        return Request(SetDisplay(spec.name))
    if not arguments:
        raise OutOfRange(f"{where}: no value: expected {spec.allowed}")
    given = _one(spec, arguments)
    value = spec.fit(given, where)
    return Request(SetDisplay(spec.name, value), clamp_notice(spec, where, given, value))
