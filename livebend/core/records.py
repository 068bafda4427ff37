"""Objects as JSON and back: dataclasses, by what their fields are annotated with.

    {"objects": [[0.5, 1.25], ["flames", 0]], "root": 1}

Every object is a list of its fields, which refers to others by their places in front of it, so what
is shared stays shared. The text names no class and nothing in it is called: what a value may be is
read from the annotations, from the class that the reader asks for downwards. Fields that are not
given to `__init__` are left out.
"""

import base64
import json
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from livebend.core.errors import LivebendError, Refused, shown

T = TypeVar("T")
SCALARS = (bool, int, float, str, NoneType)
ROWS: Mapping[type, Callable[[Sequence[Any]], Any]] = {
    list: list, deque: deque, frozenset: frozenset, set: set, Sequence: tuple,
}  # fmt: skip


class Foreign(NamedTuple):
    """How a class that is no dataclass is written, as a dataclass or plain values, and read back.

    kind: what it is written as.
    """

    kind: Any
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


Foreigners = Mapping[type, Foreign]
BYTES = Foreign(
    str, lambda b: base64.b64encode(b).decode(), lambda s: base64.b64decode(s, validate=True)
)


def record_of(value: object, foreigners: Foreigners | None = None) -> str:
    """Return an object as text. Raises: Refused for what cannot be written."""
    writer = _Writer({bytes: BYTES, **(foreigners or {})})
    root = writer.written(value)
    try:
        return json.dumps(
            {"objects": writer.objects, "root": root}, separators=(",", ":"), allow_nan=False
        )
    except ValueError as why:
        raise Refused(f"{type(value).__name__}: {why}") from why


def record_in(text: str | bytes, kind: type[T], foreigners: Foreigners | None = None) -> T:
    """Return the object of that class in a text. Raises: Refused where there is none."""
    what = f"no {kind.__name__}"
    try:
        found = json.loads(text, parse_constant=_no_number)
        reader = _Reader(found["objects"], {bytes: BYTES, **(foreigners or {})})
        return cast(T, reader.read(found["root"], kind))
    except LivebendError as why:
        raise Refused(f"{what}: {why}") from why
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as why:
        raise Refused(f"{what}: {str(why).partition(chr(10))[0][:100]}") from why


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


class _Writer:
    def __init__(self, foreigners: Foreigners) -> None:
        self.objects: list[list[Any]] = []
        self._foreigners = foreigners
        self._places: dict[int, int] = {}
        self._kept: list[object] = []  # so that no other object gets the place of one that was made

    def written(self, value: Any) -> Any:
        if value is None or type(value) in SCALARS:
            return value
        if (place := self._places.get(id(value))) is not None:
            return place
        if (foreign := self._foreigners.get(type(value))) is not None:
            made = self.written(foreign.write(value))
            return made if foreign.kind is str else self._placed(value, [made])
        if is_dataclass(value):
            kind: type = type(value)
            row = [self.written(getattr(value, name)) for name in _carried(kind)]
            return self._placed(value, row)
        if isinstance(value, Mapping):
            return [[self.written(key), self.written(each)] for key, each in value.items()]
        if isinstance(value, (tuple, list, deque, frozenset, set)):
            return [self.written(each) for each in value]
        raise Refused(f"{type(value).__name__}: cannot be written")

    def _placed(self, value: object, row: list[Any]) -> int:
        self.objects.append(row)
        self._kept.append(value)
        self._places[id(value)] = len(self.objects) - 1
        return len(self.objects) - 1


class _Reader:
    def __init__(self, objects: Any, foreigners: Foreigners) -> None:
        self._rows, self._foreigners = objects, foreigners
        self._end = len(objects)  # an object refers to those in front of it alone
        self._made: dict[int, Any] = {}

    def read(self, data: Any, kind: Any) -> Any:
        """Return the value of a kind. Raises: ValueError, TypeError, LookupError, LivebendError."""
        origin, inner = get_origin(kind), get_args(kind)
        if kind in SCALARS or origin is Literal:
            return _scalar(data, kind, inner)
        if kind in (object, Hashable, Any):
            return _plain(data)
        if origin in (Union, UnionType):
            return self._either(data, inner)
        if kind in self._foreigners:
            return self._foreign(data, kind, self._foreigners[kind])
        if is_dataclass(kind):
            return self._object(data, kind, lambda row: self._filled(row, cast(type, kind)))
        return self._container(data, origin or kind, inner)

    def _foreign(self, data: Any, kind: type, foreign: Foreign) -> Any:
        if foreign.kind is str:
            return foreign.read(_scalar(data, str))
        return self._object(data, kind, lambda row: foreign.read(self.read(row[0], foreign.kind)))

    def _either(self, data: Any, kinds: Sequence[Any]) -> Any:
        plain = [one for one in kinds if one in SCALARS]
        others = [one for one in kinds if one not in SCALARS]
        if data is None and NoneType in plain:
            return None
        if others:
            return self.read(data, others[0])
        if type(data) in plain or (type(data) is int and float in plain):
            return data
        raise ValueError(f"{shown(data)}: expected another type")

    def _container(self, data: Any, kind: Any, inner: Sequence[Any]) -> Any:
        if type(data) is not list:
            raise ValueError(f"{shown(data)}: expected a list")
        if kind is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
            return tuple(self.read(each, one) for each, one in zip(data, inner, strict=True))
        if kind is tuple:
            return tuple(self.read(each, inner[0]) for each in data)
        if kind in ROWS:
            return ROWS[kind]([self.read(each, inner[0]) for each in data])
        if isinstance(kind, type) and issubclass(kind, Mapping):
            return {self.read(key, inner[0]): self.read(each, inner[1]) for key, each in data}
        raise TypeError(f"{kind}: cannot be read")

    def _object(self, place: Any, kind: Any, make: Callable[[Any], Any]) -> Any:
        if type(place) is not int or not 0 <= place < len(self._rows):
            raise ValueError(f"{shown(place)}: expected the place of an object")
        if place in self._made:
            made = self._made[place]
            if not isinstance(made, kind):
                raise ValueError(f"object {place} is of another class")
            return made
        if place >= self._end:
            raise ValueError(f"object {place} refers to itself, or to one behind it")
        before, self._end = self._end, place
        try:
            made = self._made[place] = make(self._rows[place])
        finally:
            self._end = before
        return made

    def _filled(self, row: Any, kind: type) -> Any:
        hints = _carried(kind)
        if type(row) is not list or len(row) != len(hints):
            raise ValueError(f"{kind.__name__}: expected {len(hints)} fields")
        values = zip(row, hints.items(), strict=True)
        return kind(**{name: self.read(data, hint) for data, (name, hint) in values})


@cache
def _carried(kind: type) -> Mapping[str, Any]:
    """What the fields of a dataclass are annotated with, by their names, of those that are
    written."""
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind) if one.init}


def _scalar(data: Any, kind: Any, choices: Sequence[Any] = ()) -> Any:
    if choices:
        return _chosen(data, choices)
    wanted = (int, float) if kind is float else (kind,)
    if type(data) not in wanted:
        raise ValueError(f"{shown(data)}: expected {getattr(kind, '__name__', 'nothing')}")
    return data


def _chosen(data: Any, choices: Sequence[Any]) -> Any:
    if type(data) is str and data in choices:
        return data
    raise ValueError(f"{shown(data)}: expected {choices[0]} or another")


def _plain(data: Any) -> Any:
    """Nested tuples of scalars."""
    if isinstance(data, list):
        return tuple(map(_plain, data))
    if type(data) in SCALARS:
        return data
    raise ValueError(f"{shown(data)}: expected plain values")
