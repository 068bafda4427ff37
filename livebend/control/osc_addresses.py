"""What each OSC message means: a table from addresses to commands, without a socket.

    /livebend/prompt s                     /livebend/bend/add NAME OPERATOR SITE [key value …]
    /livebend/<path with slashes> v        /livebend/bend/replace NAME OPERATOR SITE [key value …]
    /livebend/<path with slashes>/play f   /livebend/output/<setting of the display> [v]
    /livebend/preset s|i [f]               /livebend/bend/remove NAME
    /livebend/blackout [i]                 /livebend/route/add NAME SOURCE TARGET [key value …]
    /livebend/freeze [i]                   /livebend/route/remove NAME
    /livebend/panic    /livebend/undo    /livebend/tap    /livebend/store i

A number's address with /play takes a fader's 0..1 over what is played of its range, which is less
than it may be. A parameter's address without an argument, or with "?", asks for its value.
Blackout, freeze and the display's other switches toggle without an argument, and output/display
goes on to the next. Integers, floats and booleans stand in for one
another; a number out of range is clamped and said so; any other type is refused. A button's
0, sent as it is let go, does nothing. Addresses that end in /_… are other programs' own and are
ignored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Literal

from livebend.control.desk import Bank, SetDisplay, Store, Tap, Wish, preset
from livebend.core.errors import OutOfRange
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.scene import paths
from livebend.scene.commands import Add, Command, Panic, Remove, Replace, Set, Undo
from livebend.scene.paths import specs_of_bend, specs_of_route
from livebend.scene.tables import bend_from, route_from
from livebend.scene.values import Bend, Part, Recall, Route, Scene

ROOT = "/livebend"
LONGEST = 2000
FADE = specs_of(Recall)["fade"]
FADER = "/play"
ALIASES = {f"{ROOT}/prompt": "prompt.text"}

Arguments = Sequence[object]


@dataclass(frozen=True, slots=True)
class Query:
    """A wish to hear a parameter's value."""

    path: str


@dataclass(frozen=True, slots=True)
class FaderMove:
    """A wish for a number to go to a fader's place, 0..1; without one, to hear where it is."""

    path: str
    position: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a message asks for (None = nothing), and what was brought inside its range for it."""

    wish: Wish | Query | FaderMove | None = None
    fitted: str = ""


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
    """Return address -> (path, spec) of every parameter; kept while bends and routes stay."""
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
    """Whether the address is another program's own, such as TouchDesigner's /_samplerate."""
    return address.rpartition("/")[2].startswith("_")


def outputs(specs: Mapping[str, Spec]) -> Mapping[str, Spec]:
    """Return address -> spec of every setting of the display."""
    return {f"{ROOT}/output/{name}": spec for name, spec in specs.items()}


def read(
    address: str, arguments: Arguments, known: Leaves, bank: Bank, output: Mapping[str, Spec] = NONE
) -> Request | None:
    """Return what a message asks for; None where nobody knows the address. `output` are the
    settings of the display by their addresses.

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
    """Refuse what no parameter takes, before it is shown to anybody."""
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
            inside = min(max(float(position), 0.0), 1.0)
            note = f"{path}{FADER} = {position:g}: clamped to {inside:g}"
            return Request(FaderMove(path, inside), "" if inside == position else note)
    raise OutOfRange(f"{path}{FADER}: expected one number, 0..1")


def _fitted(spec: Spec, path: str, given: object, value: ParameterValue) -> str:
    limits = spec.range
    if limits is None or limits.wraps or not isinstance(given, (int, float)) or given == value:
        return ""
    return f"{path} = {given:g}: clamped to {value}"


def _pressed(arguments: Arguments) -> bool:
    """Whether a button goes down: no argument, or anything but 0."""
    return not arguments or bool(arguments[0])


def _button(command: Wish, arguments: Arguments, _: Bank) -> Request:
    return Request(command if _pressed(arguments) else None)


def _output(spec: Spec, arguments: Arguments) -> Request:
    where = f"output.{spec.name}"
    if not arguments and spec.kind in ("bool", "int"):
        return Request(SetDisplay(spec.name))
    if len(arguments) != 1:
        raise OutOfRange(f"{where}: {len(arguments)} values: expected one, {spec.allowed}")
    value = spec.fit(arguments[0], where)
    return Request(SetDisplay(spec.name, value), _fitted(spec, where, arguments[0], value))


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
    """The time in which a preset takes over, where it is given."""
    return FADE.fit(given[0], "preset.fade") if given else None  # type: ignore[return-value]


def _put(
    make: Callable[[Part], Command], kind: Literal["bend", "route"], arguments: Arguments, _: Bank
) -> Request:
    keys = {"bend": ("operator", "site"), "route": ("source", "target")}[kind]
    form = f"NAME {' '.join(keys).upper()} [key value …]"
    name, *rest = arguments or ("",)
    if len(rest) < 2 or len(rest) % 2 or not isinstance(name, str):
        raise OutOfRange(f"{kind}: expected {form}")
    more = dict(zip(rest[2::2], rest[3::2], strict=True))
    if not all(isinstance(key, str) for key in more):
        raise OutOfRange(f"{kind}.{name}: expected {form}")
    table = {str(key): value for key, value in more.items()} | dict(zip(keys, rest, strict=False))
    part = _made(kind, name, table)
    return Request(make(part), _fitted_part(part, table))


def _made(kind: str, name: str, table: Mapping[str, object]) -> Part:
    return (bend_from if kind == "bend" else route_from)(name, table, fit=True)


def _fitted_part(part: Part, table: Mapping[str, object]) -> str:
    specs = specs_of_bend(part) if isinstance(part, Bend) else specs_of_route()
    notes = (
        _fitted(spec, f"{part.kind}.{part.name}.{key}", table[key], paths.value_of(part, key, spec))
        for key, spec in specs.items()
        if key in table
    )
    return "; ".join(note for note in notes if note)


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
    f"{ROOT}/bend/add": partial(_put, Add, "bend"),
    f"{ROOT}/bend/replace": partial(_put, Replace, "bend"),
    f"{ROOT}/bend/remove": partial(_remove, "bend"),
    f"{ROOT}/route/add": partial(_put, Add, "route"),
    f"{ROOT}/route/replace": partial(_put, Replace, "route"),
    f"{ROOT}/route/remove": partial(_remove, "route"),
}
