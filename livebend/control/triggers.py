"""Triggers: what a controller can have done that is no parameter with a value.

Each is declared once, in TRIGGERS: its path, what it takes, what it does, and how it is read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

from livebend.control.desk import (
    BARS,
    Action,
    Automate,
    Bank,
    Learn,
    Listen,
    Request,
    SetDisplay,
    clamp_notice,
    preset,
)
from livebend.control.key_actions import ACTIONS
from livebend.core import limits
from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.ranges import Range
from livebend.core.specs import Spec, specs_of
from livebend.core.texts import NUMBER
from livebend.scene import paths
from livebend.scene.commands import Add, Clear, Command, Move, Remove, Replace, Store
from livebend.scene.show_values import Recall, TimeUnit
from livebend.scene.tables import REQUIRED, part_from
from livebend.scene.values import Bend, Loop, MixedPrompt, Part, Route

Arguments = Sequence[object]
Reader = Callable[[Arguments, Bank], Request]

FADE, UNIT = (specs_of(Recall)[name] for name in ("fade", "unit"))
SWITCH = Spec("switch", "bool", default=False)
NAME = Spec("name", "text", "")
PATH = Spec("path", "text", "")
SLOT = Spec("slot", "int", 1, Range(1, limits.SLOTS, whole=True))
PLACE = Spec("place", "int", 1, Range(1, limits.BENDS, whole=True))
INDEX = Spec("index", "int", 0, Range(0, limits.SLOTS - 1, whole=True))
BAR_COUNT = Spec("bars", "int", BARS, Range(1, 64, "bars", whole=True))
PORT = Spec("port", "int", 9000, Range(0, 65535, whole=True), doc="0 = no more feedback")
LOWEST_PORT = 1024  # below are those of the system's own services
WANTS = ("play", "routes")


@dataclass(frozen=True, slots=True)
class Trigger:
    """What does something when it is sent.

    takes: what it takes, in order; `more` is what may follow, in words.
    """

    doc: str
    read: Reader
    takes: tuple[Spec, ...] = ()
    more: str = ""

    @property
    def form(self) -> str:
        """What it takes, in words."""
        return " ".join([*(spec.name.upper() for spec in self.takes), *filter(None, [self.more])])


def _button(command: Action, arguments: Arguments, _: Bank) -> Request:
    """A button that is pressed, not released: no argument, or anything but 0."""
    on = not arguments or bool(SWITCH.fit(arguments[-1], "a button"))
    return Request(command if on else None)


def _show(what: str, arguments: Arguments, _: Bank) -> Request:
    on = SWITCH.fit(arguments[-1], what) if arguments else None
    return Request(SetDisplay(what, on))


def _preset(other: bool, arguments: Arguments, bank: Bank) -> Request:
    where = "crossfade.to" if other else "preset"
    match [_number(a) for a in arguments]:
        case [str(name), *more] if len(more) < 3:
            return Request(preset(bank, name.strip(), *_time(more), other=other))
        case [int() | float() as slot] if slot == 0:
            return Request()
        case [int() | float() as slot, *more] if float(slot).is_integer() and len(more) < 3:
            return Request(preset(bank, int(slot), *_time(more), other=other))
    raise OutOfRange(f"{where}: expected a preset's name, or its number from 1, and a time")


def _radio(arguments: Arguments, bank: Bank) -> Request:
    match [_number(a) for a in arguments]:
        case [*_, int() | float() as index] if float(index).is_integer():
            return Request(preset(bank, int(index) + 1))
    raise OutOfRange("preset/radio: expected a radio button's number, from 0")


def _slot(make: Callable[[int], Action], arguments: Arguments, _: Bank) -> Request:
    match [_number(a) for a in arguments]:
        case [int() | float() as slot] if float(slot).is_integer():
            return Request(make(int(slot)) if slot else None)
    raise OutOfRange("expected a slot's number")


def _automation(arguments: Arguments, _: Bank) -> Request:
    match [_number(a) for a in arguments]:
        case []:
            return Request(Automate())
        case [str(path)]:
            return Request(Automate(_path(path)))
        case [int() | float() as bars]:
            return Request(Automate(bars=_bars(bars)))
        case [str(path), int() | float() as bars]:
            return Request(Automate(_path(path), _bars(bars)))
    raise OutOfRange("automation/record: expected the path of a parameter, and bars")


def _automation_stop(arguments: Arguments, _: Bank) -> Request:
    match list(arguments):
        case []:
            return Request(Automate(stop=True))
        case [str(path)]:
            return Request(Automate(_path(path), stop=True))
    raise OutOfRange("automation/stop: expected the path of a parameter, or nothing")


def _bars(given: float) -> int:
    return int(BAR_COUNT.check(given, "bars"))


def _path(text: str) -> str:
    """The path that a text names, which may be spelled as an address."""
    return text.strip().strip("/").removeprefix("livebend/").replace("/", ".")


def _number(argument: object) -> object:
    """The number in a string, or the argument as it is."""
    text = argument.strip() if isinstance(argument, str) else ""
    return float(text) if NUMBER.fullmatch(text) else argument


def _time(given: Arguments) -> tuple[float | None, TimeUnit]:
    """The time in which a preset crosses over, if it is given, and what it counts."""
    if not given:
        return None, "seconds"
    unit = cast(TimeUnit, UNIT.understand(given[1], "preset.unit")) if given[1:] else "seconds"
    return float(FADE.fit(given[0], "preset.fade")), unit


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
        clamp_notice(spec, f"{stem}.{key}", given[key], paths.value_of(part, key, spec))
        for key, spec in paths.specs_of_part(part).items()
        if key in given
    )
    return "; ".join(notice for notice in notices if notice)


def _remove(what: str, arguments: Arguments, _: Bank) -> Request:
    match list(arguments):
        case [str(name)]:
            return Request(Remove(what, name))
    raise OutOfRange(f"{what.replace('.', '/')}/remove: expected NAME")


def _move(what: str, arguments: Arguments, _: Bank) -> Request:
    match [arguments[0], *map(_number, arguments[1:])] if arguments else []:
        case [str(name), int() | float() as place] if float(place).is_integer():
            return Request(Move(what, name, int(place)))
    raise OutOfRange(f"{what.replace('.', '/')}/move: expected NAME PLACE, from 1")


def _listen(arguments: Arguments, _: Bank) -> Request:
    port, wants = arguments[0] if arguments else PORT.default, arguments[1:]
    for word in wants:
        if word not in WANTS:
            raise UnknownName("feedback", str(word), WANTS)
    number = int(PORT.check(PORT.understand(port, "feedback"), "feedback"))
    if 0 < number < LOWEST_PORT:
        raise OutOfRange(f"feedback = {number}: expected a port from {LOWEST_PORT}, or 0 for none")
    return Request(Listen(number, frozenset(map(str, wants))))


def _learn(by: Literal["midi", "osc"], forget: bool, arguments: Arguments, _: Bank) -> Request:
    match list(arguments):
        case [str(path)]:
            return Request(Learn(_path(path), forget, by))
        case [] if not forget:
            return Request(Learn(by=by))
    raise OutOfRange(f"{by}: expected the path of a parameter, or an action")


def _of_parts() -> Iterator[tuple[str, Trigger]]:
    """The triggers that add, replace and remove parts, for every kind of part."""
    for kind, (what, made) in PARTS.items():
        takes = (NAME, *(specs_of(made)[key] for key in REQUIRED[kind]))
        add, put = partial(_put_part, Add, kind), partial(_put_part, Replace, kind)
        yield f"{kind}.add", Trigger(f"add {what} at the end", add, takes, MORE)
        yield f"{kind}.replace", Trigger(f"put {what} in the place of that name", put, takes, MORE)
        removed = Trigger(f"remove {what}, with its routes", partial(_remove, kind), (NAME,))
        yield f"{kind}.remove", removed


MORE = "[key value …]"
TIME = "[TIME [UNIT]]"
PARTS: Mapping[str, tuple[str, type[Part]]] = {
    "bend": ("a bend", Bend),
    "route": ("a route", Route),
    "prompt.mix": ("a prompt of the mixer", MixedPrompt),
    "loop": ("a loop", Loop),
}
PART_TRIGGERS: Mapping[str, Trigger] = dict(_of_parts())
BUTTONS = {
    "panic": "back to the preset as it was loaded",
    "undo": "take the last change of structure back, or a recall that waits",
    "redo": "what undo took back, again",
    "tap": "there is a beat now; from the second on, the tempo",
    "resync": "a phrase begins at the nearest beat",
    "half": "half the tempo",
    "double": "twice the tempo",
}
TRIGGERS: Mapping[str, Trigger] = {
    "preset.recall": Trigger(
        "recall a preset by its name or slot", partial(_preset, False), (NAME,), TIME),
    "preset.radio": Trigger("recall a preset by a radio button, from 0", _radio, (INDEX,)),
    "preset.store": Trigger("store the scene in a slot", partial(_slot, Store), (SLOT,)),
    "preset.clear": Trigger(
        "remove what was stored in a slot, with its file", partial(_slot, Clear), (SLOT,)),
    "crossfade.to": Trigger(
        "put a preset, by its name or slot, on the other side of the crossfader",
        partial(_preset, True), (NAME,), TIME),
    "automation.record": Trigger(
        "record a parameter for so many bars and loop it; without a path what was touched last",
        _automation, (), "[PATH] [BARS]"),
    "automation.stop": Trigger(
        "end what is being recorded, and remove the loop of a parameter",
        _automation_stop, (), "[PATH]"),
    **{name: Trigger(doc, partial(_button, ACTIONS[name])) for name, doc in BUTTONS.items()},
    "blackout": Trigger("black, on and off", partial(_show, "blackout"), (), "[SWITCH]"),
    "freeze": Trigger("hold the picture, on and off", partial(_show, "freeze"), (), "[SWITCH]"),
    "midi.learn": Trigger(
        "bind the MIDI control that is moved next; without a path to what was touched last",
        partial(_learn, "midi", False), (), "[PATH]"),
    "midi.forget": Trigger(
        "take its MIDI controls from a parameter", partial(_learn, "midi", True), (PATH,)),
    "osc.learn": Trigger(
        "bind the foreign OSC address that comes next; without a path to what was touched last",
        partial(_learn, "osc", False), (), "[PATH]"),
    "osc.forget": Trigger(
        "take its foreign OSC addresses from a parameter", partial(_learn, "osc", True), (PATH,)),
    **PART_TRIGGERS,
    "bend.move": Trigger(
        "move a bend to another place in the chain, from 1", partial(_move, "bend"), (NAME, PLACE)),
    "feedback": Trigger(
        "send what changes to a port of the sender's machine", _listen, (PORT,),
        "[" + "] [".join(WANTS) + "]"),
}  # fmt: skip
