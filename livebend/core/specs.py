"""A parameter as its annotation declares it: one declaration, every use derived.

    def rotate(x, *, angle: Annotated[Degrees, "turn of the plane"] = 0.0, ...)

gives the preset key and its check, the OSC address, a fader's scale, the listing and the tests.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from livebend.core import limits
from livebend.core.errors import OutOfRange, UnknownName, shown
from livebend.core.ranges import Range
from livebend.core.texts import NUMBER, plain_text

ParameterValue = float | int | bool | str

LARGEST = 2**64  # of a whole number: what OSC can send


@dataclass(frozen=True, slots=True)
class Several:
    """A text that holds several: what separates them, the most there may be, what they are, and the
    most characters of all."""

    separator: str
    most: int
    what: str
    length: int = limits.TEXT


@dataclass(frozen=True, slots=True)
class OneOf:
    """The choices of a text, where a table has them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """One parameter: what it is called, what it may be, and what it does."""

    name: str
    kind: Literal["float", "int", "bool", "choice", "text"]
    default: ParameterValue
    range: Range | None = None
    choices: tuple[str, ...] = ()
    doc: str = ""
    several: Several | None = None

    def check_type(self, value: object, where: str) -> ParameterValue:
        """Return `value` if its type suits this parameter, in range or not; text on one line.

        Numbers and booleans stand in for one another, since controllers send either.
        Raises: OutOfRange or UnknownName, naming `where`, what was given and what is allowed.
        """
        if self.kind in ("choice", "text"):
            if not isinstance(value, str):
                raise OutOfRange(f"{where} = {shown(value)}: expected {self.allowed}")
            return self._check_choice(value, where) if self.choices else self._text(value, where)
        if not isinstance(value, (int, float)) or not -LARGEST < value < LARGEST:
            if isinstance(value, float) and self.range is not None:
                return value  # infinite or beyond any range: clamped, or refused by the range
            raise OutOfRange(f"{where} = {shown(value)}: expected {self.allowed}")
        return value

    def _check_choice(self, value: str, where: str) -> str:
        if value not in self.choices:
            raise UnknownName(where, value, self.choices)
        return value

    def _text(self, value: str, where: str) -> str:
        longest = limits.TEXT
        if self.several is not None:
            longest = self.several.length
            separator, most, what = self.several.separator, self.several.most, self.several.what
            if value.count(separator) >= most:
                count = value.count(separator) + 1
                raise OutOfRange(f"{where}: {count} {what}: expected up to {most}")
        return plain_text(value, where, longest)

    def understand(self, value: object, where: str) -> ParameterValue:
        """Return a value as a controller may send it in a type that suits: a number in a string,
        on and off in words, a choice by its index from 0, as radio buttons do.

        Raises: as `check_type`.
        """
        if self.kind == "choice" and isinstance(value, (int, float)):
            index = int(value) if 0 <= value < len(self.choices) else -1
            if isinstance(value, bool) or index != value:
                last = len(self.choices) - 1
                raise OutOfRange(f"{where} = {shown(value)}: expected 0..{last} or {self.allowed}")
            return self.choices[index]
        if isinstance(value, str) and self.kind in ("float", "int", "bool"):
            return self.check_type(_in_words(value, self.kind), where)
        return self.check_type(value, where)

    def check(self, value: object, where: str) -> ParameterValue:
        """Return `value` in this parameter's type. Raises: as `check_type`, and OutOfRange for a
        number outside its range."""
        given = self.check_type(value, where)
        if self.range is not None and not isinstance(given, str):
            given = self.range.check(given, where)
        return self._cast(given)

    def fit(self, value: object, where: str) -> ParameterValue:
        """Return `value`, as a controller may send it, in this parameter's type, a number out of
        range clamped, an angle by whole turns. Raises: as `check_type`."""
        given = self.understand(value, where)
        if self.range is not None and not isinstance(given, str):
            given = self.range.fit(float(given))
        return self._cast(given)

    def _cast(self, value: ParameterValue) -> ParameterValue:
        if isinstance(value, str):
            return value
        if self.kind == "bool":
            return bool(value)
        return int(value) if self.kind == "int" else float(value)

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.range is not None:
            return str(self.range)
        return {"bool": "true or false", "text": "text"}.get(self.kind, f"a {self.kind}")

    @property
    def unit(self) -> str:
        """The unit of a number, or ""."""
        return self.range.unit if self.range is not None else ""

    def is_default(self, value: ParameterValue) -> bool:
        """Whether the value does the same as the default; also whole turns away on a circle."""
        if self.range is not None and self.range.wraps:
            return (float(value) - float(self.default)) % 360.0 == 0.0
        return value == self.default


SWITCHES = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


def _in_words(text: str, kind: str) -> object:
    """Return what a string says, a decimal comma included; itself where it says no number."""
    word = text.strip().lower()
    if kind == "bool" and word in SWITCHES:
        return SWITCHES[word]
    number = word.replace(",", ".", 1)
    return float(number) if NUMBER.fullmatch(number) else text


def specs_of(declared: Callable[..., Any] | type) -> Mapping[str, Spec]:
    """Return the specs of a dataclass's annotated fields or a function's keyword-only parameters.

    Fields that are not numbers, booleans, choices or text are left out.
    """
    return _cached_specs(declared)


@cache
def _cached_specs(declared: Callable[..., Any] | type) -> Mapping[str, Spec]:
    hints = typing.get_type_hints(declared, include_extras=True)
    specs = (_spec(name, hints[name], default) for name, default in _defaults(declared).items())
    return MappingProxyType({spec.name: spec for spec in specs if spec is not None})


def _defaults(declared: Callable[..., Any] | type) -> dict[str, Any]:
    if is_dataclass(declared):
        return {f.name: f.default for f in fields(declared)}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = inspect.signature(declared).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is keyword}


def _spec(name: str, hint: Any, default: Any) -> Spec | None:
    extras: tuple[Any, ...] = ()
    if typing.get_origin(hint) is Annotated:
        hint, *rest = typing.get_args(hint)
        extras = tuple(rest)
    within = next((e for e in extras if isinstance(e, Range)), None)
    doc = next((e for e in extras if isinstance(e, str)), "")
    several = next((e for e in extras if isinstance(e, Several)), None)
    one_of = next((e for e in extras if isinstance(e, OneOf)), None)
    if one_of is not None:
        first = one_of.names[0] if default is MISSING else default
        return Spec(name, "choice", first, None, one_of.names, doc)
    if typing.get_origin(hint) is Literal:
        choices = tuple(str(c) for c in typing.get_args(hint))
        first = choices[0] if default is MISSING else default
        return Spec(name, "choice", first, None, choices, doc)
    kinds = {float: "float", int: "int", bool: "bool", str: "text"}
    if hint not in kinds:
        return None
    kind = typing.cast(Literal["float", "int", "bool", "text"], kinds[hint])
    return Spec(name, kind, "" if default is MISSING else default, within, (), doc, several)
