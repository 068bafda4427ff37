"""The registry of operators: each is one decorated function, and everything else is derived.

    @operator("channel", amounts=["angle"], matched=False)
    def rotate(x: Tensor, *, angle: Degrees = 0.0, i: Channel = 1, j: Channel = 2) -> Tensor:
        ...

An operator takes x [B, C, H, W] in float32 and returns a new tensor of that shape; it never writes
in place, never reads a value back to the host and keeps the batch's rows apart. One that names a
parameter of GIVEN is given it by the network, or None. Site, channels,
mix, depth and normalising belong to the bend (`livebend.bending`), not to the operator.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from livebend.core.errors import OperatorError
from livebend.core.specs import ParameterValue, Spec, specs_of

if TYPE_CHECKING:
    from torch import Tensor

Function = Callable[..., "Tensor"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
GIVEN = ("past", "toward")  # a Past; the step from the first prompt to the second [B, C, 1, T]


@dataclass(frozen=True, slots=True)
class Past:
    """What a bend made in the last frame, [B, C, H, W], and the seconds since then."""

    tensor: "Tensor"
    seconds: float


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator as its function declares it.

    `amounts` names the parameters that make it act: at their defaults it returns its input.
    One without amounts always acts, and is neutral at mix 0. What `matched` operators make is given
    the mean and deviation of what they got, unless the bend says otherwise; those that keep them
    anyway, or whose point is to change them, are not matched.
    """

    name: str
    family: str
    function: Function
    specs: Mapping[str, Spec]
    amounts: tuple[str, ...]
    matched: bool

    @property
    def given(self) -> tuple[str, ...]:
        """What it asks of the network besides x: of GIVEN, those that its signature names."""
        return _given_to(self.function)

    @property
    def doc(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.split("\n", 1)[0]

    def is_neutral(self, values: Mapping[str, ParameterValue]) -> bool:
        """Whether these values leave the input as it is."""
        return bool(self.amounts) and all(
            self.specs[name].is_default(values.get(name, self.specs[name].default))
            for name in self.amounts
        )

    @property
    def main(self) -> Spec | None:
        """The number that makes it act most; None where it always acts and mix is its amount."""
        numbers = (self.specs[n] for n in self.amounts if self.specs[n].range is not None)
        return next(numbers, None)

    def main_at(self, t: float) -> dict[str, ParameterValue]:
        """The main parameter at t (0..1) of the way from its default to the upper end of its soft
        range; empty where there is none."""
        spec = self.main
        if spec is None or spec.range is None:
            return {}
        start = float(spec.default)
        value = spec.range.fit(start + t * (spec.range.soft_range.high - start))
        return {spec.name: int(value) if spec.kind == "int" else value}

    def defaults(self) -> dict[str, ParameterValue]:
        """The value of every parameter that is not given."""
        return {name: spec.default for name, spec in self.specs.items()}


@cache
def _given_to(function: Function) -> tuple[str, ...]:
    asked = inspect.signature(function).parameters
    return tuple(name for name in GIVEN if name in asked)


OPERATORS: dict[str, Operator] = {}


def operator(
    family: str, *, amounts: Sequence[str] = (), matched: bool = True
) -> Callable[[Function], Function]:
    """Register the decorated function as an operator under its own name.

    Raises: OperatorError where the name is taken or cannot be one step of a path.
    """

    def register(function: Function) -> Function:
        name = getattr(function, "__name__", "")
        if not NAME.fullmatch(name):
            raise OperatorError(f"operator name {name!r}: expected a-z, 0-9 and _")
        if name in OPERATORS:
            raise OperatorError(f"two operators are called {name!r}")
        OPERATORS[name] = Operator(
            name, family, function, specs_of(function), tuple(amounts), matched
        )
        return function

    return register
