"""What each OSC message means: a table from addresses to commands, without a socket.

    /livebend/prompt s                     /livebend/bend/add NAME OPERATOR SITE [key value …]
    /livebend/<path with slashes> v        /livebend/bend/replace NAME OPERATOR SITE [key value …]
    /livebend/<path with slashes>/play f   /livebend/output/<setting of the display> [v]
    /livebend/preset s|i [f]               /livebend/bend/remove NAME
    /livebend/blackout [i]                 /livebend/route/add NAME SOURCE TARGET [key value …]
    /livebend/freeze [i]                   /livebend/route/remove NAME
    /livebend/panic    /livebend/undo    /livebend/tap    /livebend/store i

A number's address with /play takes a fader's position 0..1 in its soft range, which is narrower
than its whole range. A parameter's address without an argument, or with "?", asks for its value.
Blackout, freeze and the display's other switches toggle without an argument, and output/display
goes on to the next. Integers, floats and booleans stand for one another; a number out of range is
clamped and reported; any other type is refused. The 0 that a button sends when it is released does
nothing. Addresses that end in /_… belong to other programs and are ignored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Literal

from livebend.control.desk import Action, Bank, SetDisplay, Store, Tap, preset
from livebend.core.errors import OutOfRange
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.scene import paths
from livebend.scene.commands import Add, Command, Panic, Remove, Replace, Set, Undo
from livebend.scene.tables import REQUIRED, part_from
from livebend.scene.values import Bend, Part, Recall, Route, Scene

ROOT = "/livebend"
LONGEST = 2000  # characters of a text
FADE = specs_of(Recall)["fade"]
FADER = "/play"
ALIASES = {f"{ROOT}/prompt": "prompt.text"}

Arguments = Sequence[object]


@dataclass(frozen=True, slots=True)
class Query:
    """Reply with a parameter's value."""

    path: str


@dataclass(frozen=True, slots=True)
class FaderMove:
    """Set a number by a fader's position 0..1; without one, reply with its position."""

    path: str
    position: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a message asks for (None = nothing), and a notice if a number in it was clamped."""

    action: Action | Query | FaderMove | None = None
    clamped: str = ""


Reader = Callable[[Arguments, Bank], Request]
Leaves = Mapping[str, tuple[str, Spec]]
NONE: Mapping[str, Spec] = MappingProxyType({})


def address_of(path: str) -> str:
    """Return a path's OSC address.

    >>> address_of("bend.swirl.angle")
    '/livebend/bend/swirl/angle'
    """
    return f"{ROOT}/{path.replace('.', '/')}"


def leaves(scene: Scene) -> Leaves:
    """Return address -> (path, spec) of every parameter; cached while bends and routes stay."""
    bends = tuple((bend.name, bend.operator) for bend in scene.bends)
    return _leaves(bends, tuple(route.name for route in scene.routes))


@lru_cache(maxsize=16)
def _leaves(bends: tuple[tuple[str, str], ...], routes: tuple[str, ...]) -> Leaves:
    scene = Scene(
        bends=tuple(Bend(name, operator, "") for name, operator in bends),
        routes=tuple(Route(name, "constant", "") for name in routes),
    )
    tree = {address_of(path): (path, spec) for path, spec in paths.every(scene)}
    return tree | {address: (path, tree[address_of(path)][1]) for address, path in ALIASES.items()}


def is_private(address: str) -> bool:
    """Whether the address belongs to another program, such as TouchDesigner's /_samplerate."""
    return address.rpartition("/")[2].startswith("_")


def outputs(specs: Mapping[str, Spec]) -> Mapping[str, Spec]:
    """Return address -> spec of every setting of the display."""
    return {f"{ROOT}/output/{name}": spec for name, spec in specs.items()}


def read(
    address: str, arguments: Arguments, known: Leaves, bank: Bank, output: Mapping[str, Spec] = NONE
) -> Request | None:
    """Return what a message asks for; None for an unknown address.

    known: the scene's parameters, see `leaves`.
    bank: where presets are recalled from.
    output: the display's settings, see `outputs`.
    Raises: LivebendError for arguments that cannot be used.
    """
    for argument in arguments:
        _check_argument(address, argument)
    if address in COMMANDS:
        return COMMANDS[address](arguments, bank)
    if address in output:
        return _output(output[address], arguments)
    if address in known:
        return _parameter(*known[address], arguments)
    stem, _, last = address.rpartition("/")
    if f"/{last}" == FADER and stem in known:
        return _fader(*known[stem], arguments)
    return None


def _check_argument(address: str, argument: object) -> None:
    """Refuse what no parameter takes, before a message about it repeats it."""
    if isinstance(argument, float) and math.isnan(argument):
        raise OutOfRange(f"{address}: not a number")
    if isinstance(argument, str):
        if len(argument) > LONGEST:
            raise OutOfRange(f"{address}: {len(argument)} characters: expected up to {LONGEST}")
        if not argument.isprintable():
            raise OutOfRange(f"{address} = {argument[:80]!r}: expected printable text")
    elif not isinstance(argument, (int, float)):
        raise OutOfRange(f"{address}: expected numbers and text, got {_kind(argument)}")


def _kind(argument: object) -> str:
    return {"NoneType": "nil", "list": "an array"}.get(type(argument).__name__, "something else")


def _parameter(path: str, spec: Spec, arguments: Arguments) -> Request:
    if not arguments or list(arguments) == ["?"]:
        return Request(Query(path))
    if len(arguments) != 1:
        raise OutOfRange(f"{path}: {len(arguments)} values: expected one, {spec.allowed}")
    return Request(Set(path, spec.check_type(arguments[0], path)))


def _fader(path: str, spec: Spec, arguments: Arguments) -> Request:
    if spec.range is None:
        raise OutOfRange(f"{path}{FADER}: expected a number's path; {path} is {spec.allowed}")
    if not arguments or list(arguments) == ["?"]:
        return Request(FaderMove(path))
    match list(arguments):
        case [int() | float() as position]:
            clamped = min(max(float(position), 0.0), 1.0)
            notice = f"{path}{FADER} = {position:g}: clamped to {clamped:g}"
            return Request(FaderMove(path, clamped), "" if clamped == position else notice)
    raise OutOfRange(f"{path}{FADER}: expected one number, 0..1")


def _clamp_notice(spec: Spec, path: str, given: object, value: ParameterValue) -> str:
    """Return what to report if `value` is a number that was clamped, else ""."""
    limits = spec.range
    if limits is None or limits.wraps or not isinstance(given, (int, float)) or given == value:
        return ""
    return f"{path} = {given:g}: clamped to {value}"


def _pressed(arguments: Arguments) -> bool:
    """Whether a button is pressed, not released: no argument, or anything but 0."""
    return not arguments or bool(arguments[0])


def _button(command: Action, arguments: Arguments, _: Bank) -> Request:
    return Request(command if _pressed(arguments) else None)


def _output(spec: Spec, arguments: Arguments) -> Request:
    where = f"output.{spec.name}"
    if not arguments and spec.kind in ("bool", "int"):
        return Request(SetDisplay(spec.name))
    if len(arguments) != 1:
        raise OutOfRange(f"{where}: {len(arguments)} values: expected one, {spec.allowed}")
    value = spec.fit(arguments[0], where)
    return Request(SetDisplay(spec.name, value), _clamp_notice(spec, where, arguments[0], value))


def _show(what: str, arguments: Arguments, _: Bank) -> Request:
    if not arguments:
        return Request(SetDisplay(what))
    if len(arguments) > 1 or isinstance(arguments[0], str):
        raise OutOfRange(f"{what}: expected nothing, or 0 or 1")
    return Request(SetDisplay(what, bool(arguments[0])))


def _preset(arguments: Arguments, bank: Bank) -> Request:
    match list(arguments):
        case [str(name), *more] if len(more) < 2:
            return Request(preset(bank, name, _seconds(more)))
        case [int() | float() as slot] if slot == 0:
            return Request()
        case [int() | float() as slot, *more] if float(slot).is_integer() and len(more) < 2:
            return Request(preset(bank, int(slot), _seconds(more)))
    raise OutOfRange("preset: expected a preset's name, or its number from 1, and seconds")


def _store(arguments: Arguments, _: Bank) -> Request:
    match list(arguments):
        case [int() | float() as slot] if float(slot).is_integer():
            return Request(Store(int(slot)) if slot else None)
    raise OutOfRange("store: expected a slot's number")


def _seconds(given: Arguments) -> float | None:
    """The time in which a preset crosses over, if it is given."""
    return FADE.fit(given[0], "preset.fade") if given else None  # type: ignore[return-value]


def _put_part(
    make: Callable[[Part], Command], kind: Literal["bend", "route"], arguments: Arguments, _: Bank
) -> Request:
    keys = REQUIRED[kind]
    form = f"NAME {' '.join(keys).upper()} [key value …]"
    name, *rest = arguments or ("",)
    if len(rest) < 2 or len(rest) % 2 or not isinstance(name, str):
        raise OutOfRange(f"{kind}: expected {form}")
    more = dict(zip(rest[2::2], rest[3::2], strict=True))
    if not all(isinstance(key, str) for key in more):
        raise OutOfRange(f"{kind}.{name}: expected {form}")
    table = {str(key): value for key, value in more.items()} | dict(zip(keys, rest, strict=False))
    part = part_from(kind, name, table, fit=True)
    return Request(make(part), _part_notice(part, table))


def _part_notice(part: Part, given: Mapping[str, object]) -> str:
    stem = f"{part.kind}.{part.name}"
    notices = (
        _clamp_notice(spec, f"{stem}.{key}", given[key], paths.value_of(part, key, spec))
        for key, spec in paths.specs_of_part(part).items()
        if key in given
    )
    return "; ".join(notice for notice in notices if notice)


def _remove(what: Literal["bend", "route"], arguments: Arguments, _: Bank) -> Request:
    match list(arguments):
        case [str(name)]:
            return Request(Remove(what, name))
    raise OutOfRange(f"{what}/remove: expected NAME")


COMMANDS: Mapping[str, Reader] = {
    f"{ROOT}/preset": _preset,
    f"{ROOT}/store": _store,
    f"{ROOT}/panic": partial(_button, Panic()),
    f"{ROOT}/undo": partial(_button, Undo()),
    f"{ROOT}/tap": partial(_button, Tap()),
    f"{ROOT}/blackout": partial(_show, "blackout"),
    f"{ROOT}/freeze": partial(_show, "freeze"),
    f"{ROOT}/bend/add": partial(_put_part, Add, "bend"),
    f"{ROOT}/bend/replace": partial(_put_part, Replace, "bend"),
    f"{ROOT}/bend/remove": partial(_remove, "bend"),
    f"{ROOT}/route/add": partial(_put_part, Add, "route"),
    f"{ROOT}/route/replace": partial(_put_part, Replace, "route"),
    f"{ROOT}/route/remove": partial(_remove, "route"),
}
