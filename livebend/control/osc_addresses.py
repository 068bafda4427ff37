"""What each OSC message means: a table from addresses to commands, without a socket.

    /livebend/prompt s                     /livebend/bend/add NAME OPERATOR SITE [key value …]
    /livebend/<path with slashes> v        /livebend/bend/replace NAME OPERATOR SITE [key value …]
    /livebend/<path with slashes>/play f   /livebend/output/<setting of the display> [v]
    /livebend/preset s|i [f]               /livebend/bend/remove NAME
    /livebend/blackout [i]                 /livebend/route/add NAME SOURCE TARGET [key value …]
    /livebend/freeze [i]                   /livebend/route/remove NAME
    /livebend/panic    /livebend/undo      /livebend/tap    /livebend/store i
    /livebend/preset/radio i               /livebend/prompt/mix/add NAME TEXT [key value …]
                                           /livebend/prompt/mix/remove NAME

A number's address with /play takes a fader's position 0..1 in its soft range, which is narrower
than its whole range. A parameter's address without an argument, or with "?", asks for its value.
Blackout, freeze and the display's other switches toggle without an argument, and output/display
goes on to the next. Numbers, booleans and numbers in strings stand for one another; of several
numbers the last counts; a number out of range is clamped and reported; any other type is refused.
The 0 that a button sends when it is released does nothing; preset/radio takes the index of a radio
button, from 0. Addresses that end in /_… belong to other programs and are ignored, and so is the /z
of a fader that is touched.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType

from livebend.control.desk import Action, Bank, SetDisplay, Tap, preset
from livebend.control.osc_packets import ROOT, Strange
from livebend.control.osc_patterns import matching
from livebend.core import limits
from livebend.core.errors import OutOfRange
from livebend.core.ranges import Range
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.core.texts import NUMBER, plain_text
from livebend.scene import paths
from livebend.scene.commands import Add, Command, Panic, Remove, Replace, Set, Store, Undo
from livebend.scene.tables import READERS, REQUIRED, part_from
from livebend.scene.values import Bend, Lora, MixedPrompt, Part, Recall, Route, Scene

FADE = specs_of(Recall)["fade"]
POSITION = Spec("position", "float", 0.0, Range(0, 1))  # of a fader
SWITCH = Spec("switch", "bool", default=False)
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
    """Return address -> (path, spec) of every parameter; cached while the parts stay."""
    bends = tuple((bend.name, bend.operator) for bend in scene.bends)
    others = (scene.routes, scene.loras, scene.mix)
    return _leaves(bends, *(tuple(part.name for part in parts) for parts in others))


@lru_cache(maxsize=16)
def _leaves(
    bends: tuple[tuple[str, str], ...],
    routes: tuple[str, ...],
    loras: tuple[str, ...],
    mix: tuple[str, ...],
) -> Leaves:
    scene = Scene(
        bends=tuple(Bend(name, operator, "") for name, operator in bends),
        routes=tuple(Route(name, "constant", "") for name in routes),
        loras=tuple(Lora(name) for name in loras),
        mix=tuple(MixedPrompt(name, "") for name in mix),
    )
    tree = {address_of(path): (path, spec) for path, spec in paths.every(scene)}
    return tree | {address: (path, tree[address_of(path)][1]) for address, path in ALIASES.items()}


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


def named(address: str, known: Leaves, output: Mapping[str, Spec]) -> list[str]:
    """Return the addresses of parameters, faders and settings that one with wildcards matches;
    buttons and commands are pressed by their own name only. Raises: OutOfRange for too many."""
    stem = address.removesuffix(FADER)
    names = known if stem != address else {**output, **known}
    found = [one + address[len(stem) :] for one in matching(stem, names) if one not in ALIASES]
    if len(found) > limits.MATCHES:
        raise OutOfRange(f"{address} names {len(found)}: expected up to {limits.MATCHES}")
    return found


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
    arguments = [_checked(address, argument) for argument in arguments]
    if address in COMMANDS:
        return COMMANDS[address]([a for a in arguments if a is not None], bank)
    if address in output:
        return _output(output[address], arguments)
    if address in known:
        return _parameter(*known[address], arguments)
    stem, _, last = address.rpartition("/")
    if f"/{last}" == FADER and stem in known:
        return _fader(*known[stem], arguments)
    return None


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
    return Request(Set(path, spec.understand(_one(spec, arguments), path)))


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
    position = float(POSITION.understand(_one(POSITION, arguments), f"{path}{FADER}"))
    clamped = min(max(position, 0.0), 1.0)
    notice = f"{path}{FADER} = {position:g}: clamped to {clamped:g}"
    return Request(FaderMove(path, clamped), "" if clamped == position else notice)


def _clamp_notice(spec: Spec, path: str, given: object, value: ParameterValue) -> str:
    """Return what to report if `value` is a number that was clamped, else ""."""
    range_ = spec.range
    given = spec.understand(given, path)
    if range_ is None or range_.wraps or isinstance(given, str) or given == value:
        return ""
    return f"{path} = {given:g}: clamped to {value}"


def _button(command: Action, arguments: Arguments, _: Bank) -> Request:
    """A button that is pressed, not released: no argument, or anything but 0."""
    on = not arguments or bool(SWITCH.fit(arguments[-1], "a button"))
    return Request(command if on else None)


def _output(spec: Spec, arguments: Arguments) -> Request:
    where = f"output.{spec.name}"
    if not arguments and spec.kind in ("bool", "int"):
        return Request(SetDisplay(spec.name))
    if not arguments:
        raise OutOfRange(f"{where}: no value: expected {spec.allowed}")
    given = _one(spec, arguments)
    value = spec.fit(given, where)
    return Request(SetDisplay(spec.name, value), _clamp_notice(spec, where, given, value))


def _show(what: str, arguments: Arguments, _: Bank) -> Request:
    on = SWITCH.fit(arguments[-1], what) if arguments else None
    return Request(SetDisplay(what, on))


def _preset(arguments: Arguments, bank: Bank) -> Request:
    match [_number(a) for a in arguments]:
        case [str(name), *more] if len(more) < 2:
            return Request(preset(bank, name.strip(), _seconds(more)))
        case [int() | float() as slot] if slot == 0:
            return Request()
        case [int() | float() as slot, *more] if float(slot).is_integer() and len(more) < 2:
            return Request(preset(bank, int(slot), _seconds(more)))
    raise OutOfRange("preset: expected a preset's name, or its number from 1, and seconds")


def _radio(arguments: Arguments, bank: Bank) -> Request:
    match [_number(a) for a in arguments]:
        case [*_, int() | float() as index] if float(index).is_integer():
            return Request(preset(bank, int(index) + 1))
    raise OutOfRange("preset/radio: expected a radio button's number, from 0")


def _store(arguments: Arguments, _: Bank) -> Request:
    match [_number(a) for a in arguments]:
        case [int() | float() as slot] if float(slot).is_integer():
            return Request(Store(int(slot)) if slot else None)
    raise OutOfRange("store: expected a slot's number")


def _number(argument: object) -> object:
    """The number in a string, or the argument as it is."""
    text = argument.strip() if isinstance(argument, str) else ""
    return float(text) if NUMBER.fullmatch(text) else argument


def _seconds(given: Arguments) -> float | None:
    """The time in which a preset crosses over, if it is given."""
    return float(FADE.fit(given[0], "preset.fade")) if given else None


def _put_part(make: Callable[[Part], Command], kind: str, arguments: Arguments, _: Bank) -> Request:
    keys = REQUIRED[kind]
    count = len(keys)
    form = f"NAME {' '.join(keys).upper()} [key value …]"
    name, *rest = arguments or ("",)
    if len(rest) < count or (len(rest) - count) % 2 or not isinstance(name, str):
        raise OutOfRange(f"{kind}: expected {form}")
    more = dict(zip(rest[count::2], rest[count + 1 :: 2], strict=True))
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


def _remove(what: str, arguments: Arguments, _: Bank) -> Request:
    match list(arguments):
        case [str(name)]:
            return Request(Remove(what, name))
    raise OutOfRange(f"{what.replace('.', '/')}/remove: expected NAME")


PART_VERBS: Mapping[str, Callable[[str, Arguments, Bank], Request]] = {
    "add": partial(_put_part, Add),
    "replace": partial(_put_part, Replace),
    "remove": _remove,
}
PART_COMMANDS: Mapping[str, Reader] = {
    f"{address_of(kind)}/{verb}": partial(reader, kind)
    for kind in READERS
    for verb, reader in PART_VERBS.items()
}
COMMANDS: Mapping[str, Reader] = {
    f"{ROOT}/preset": _preset,
    f"{ROOT}/preset/radio": _radio,
    f"{ROOT}/store": _store,
    f"{ROOT}/panic": partial(_button, Panic()),
    f"{ROOT}/undo": partial(_button, Undo()),
    f"{ROOT}/tap": partial(_button, Tap()),
    f"{ROOT}/blackout": partial(_show, "blackout"),
    f"{ROOT}/freeze": partial(_show, "freeze"),
    **PART_COMMANDS,
}
