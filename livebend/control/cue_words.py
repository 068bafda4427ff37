"""Commands in the words of a cue file, and back. Nothing in them is evaluated."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from livebend.core.errors import OutOfRange, Refused, UnknownName, shown
from livebend.core.specs import ParameterValue, specs_of
from livebend.core.texts import NUMBER, one_line_text
from livebend.scene.commands import (
    Add,
    Command,
    Load,
    LoadOther,
    LoadStored,
    Move,
    Panic,
    Redo,
    Remove,
    Replace,
    Set,
    Undo,
)
from livebend.scene.show_values import Recall, TimeUnit
from livebend.scene.tables import READERS, REQUIRED, part_from, part_table
from livebend.scene.values import Part, Scene

WORDS = ("preset", "cross", "add", "replace", "remove", "move", "panic", "undo", "redo")
ALONE: Mapping[str, Command] = {"panic": Panic(), "undo": Undo(), "redo": Redo()}
LOADS: Mapping[str, type[Load] | type[LoadOther]] = {"preset": Load, "cross": LoadOther}
TOKEN = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*(?:"|\\?$))+')  # an open quote goes to the end
PLACE = re.compile(r"[1-9][0-9]{0,3}")
BARE = re.compile(r"[^\s\"=]+")

FADE, UNIT = (specs_of(Recall)[name] for name in ("fade", "unit"))

LoadPreset = Callable[[str], Scene]


def words_of(command: Command) -> str:
    """Return a command in the words of a cue. Raises: Refused for one that has none."""
    match command:
        case Set(path, value):
            return f"{path} {_written(value)}"
        case Load() | LoadOther() | LoadStored() if command.preset:
            return _load_words(command)
        case Add(part) | Replace(part):
            return f"{_verb(command)} {_part_words(part)}"
        case Remove(what, name):
            return f"remove {what} {name}"
        case Move(what, name, place):
            return f"move {what} {name} {place}"
        case Panic() | Undo() | Redo():
            return _verb(command)
    raise Refused(f"{type(command).__name__} without a preset's name cannot be written as a cue")


def _load_words(command: Load | LoadOther | LoadStored) -> str:
    words = [_word_of(LoadOther if command.other else Load), _preset_name(command.preset)]
    if command.fade is not None:
        words.append(repr(command.fade))
        if command.unit != UNIT.default:
            words.append(command.unit)
    return " ".join(words)


def _word_of(kind: type[Load] | type[LoadOther]) -> str:
    return next(word for word, made in LOADS.items() if made is kind)


def _preset_name(name: str) -> str:
    """Return a preset's name, quoted if its last words could be read as a time."""
    plain = '"' not in name and _parted(name)[0] == name
    return name if plain else json.dumps(name)


def _parted(text: str) -> tuple[str, list[str]]:
    """Return the name in a text and the words of the time after it."""
    tokens = TOKEN.findall(text)
    after = [tokens.pop()] if len(tokens) > 2 and tokens[-1] in UNIT.choices else []
    if len(tokens) > 1 and NUMBER.fullmatch(tokens[-1]):
        after.insert(0, tokens.pop())
    elif after:
        return text, []
    for word in reversed(after):
        text = text.removesuffix(word).rstrip()
    return text, after


def _load(word: str, text: str, load: LoadPreset) -> Load | LoadOther:
    text, time = _parted(text)
    fade = cast(float, FADE.check(float(time[0]), "preset.fade")) if time else None
    unit = cast(TimeUnit, time[1] if time[1:] else UNIT.default)
    name = str(_value(text)) if text.startswith('"') else text
    return LOADS[word](load(name), name, fade, unit)


def _verb(command: Command) -> str:
    return type(command).__name__.lower()


def _part_words(part: Part) -> str:
    table = part_table(part)
    first = [_written(table.pop(key), bare=True) for key in REQUIRED[part.kind]]
    more = [f"{key}={_written(value, bare=True)}" for key, value in table.items()]
    return " ".join((part.kind, part.name, *first, *more))


def _written(value: ParameterValue, *, bare: bool = False) -> str:
    """Return a value as text, quoted except for a plain word where it may be `bare`."""
    if isinstance(value, str):
        plain = bare and BARE.fullmatch(value) and _value(value) == value
        return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())
    return json.dumps(value)


def command_of(text: str, load: LoadPreset) -> Command:
    """Return the command that words stand for; `load` finds a preset by name.

    Raises: LivebendError.
    """
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    if word in ALONE and not rest:
        return ALONE[word]
    if word in LOADS and rest:
        return _load(word, rest, load)
    if word in ("add", "replace"):
        part = _part(TOKEN.findall(rest))
        return Add(part) if word == "add" else Replace(part)
    match word, rest.split():
        case "remove", [what, name] if what in READERS:
            return Remove(what, name)
        case "move", [what, name, place] if what in READERS and PLACE.fullmatch(place):
            return Move(what, name, int(place))
    if ("." in word or word == "seed") and rest:
        return Set(word, _value(rest))
    if "." in word or word in (*WORDS, "seed"):
        raise OutOfRange(f"{shown(text)}: incomplete")
    raise UnknownName("cue", word, WORDS)


def _part(tokens: Sequence[str]) -> Part:
    match tokens:
        case [kind, name, *values] if kind in READERS and len(values) >= len(REQUIRED[kind]):
            keys = dict(zip(REQUIRED[kind], map(_value, values), strict=False))
            more = dict(_pair(token) for token in values[len(keys) :])
            return part_from(kind, name, more | keys)
    forms = (f"{kind} NAME {' '.join(REQUIRED[kind]).upper()}" for kind in READERS)
    raise OutOfRange(f"expected {' or '.join(forms)}, then key=value")


def _pair(token: str) -> tuple[str, ParameterValue]:
    key, equals, value = token.partition("=")
    if not (key and equals and value):
        raise OutOfRange(f"{shown(token)}: expected key=value")
    return key, _value(value)


def _value(text: str) -> ParameterValue:
    """Read a number, true, false or text, quoted or not; nothing is evaluated."""
    if text.startswith('"'):
        try:
            return one_line_text(str(json.loads(text)))
        except json.JSONDecodeError as why:
            raise OutOfRange(f"{shown(text)}: {why.msg}") from why
    if text in ("true", "false"):
        return text == "true"
    if NUMBER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return one_line_text(text)
