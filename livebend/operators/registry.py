"""The registry of operators: each is one decorated function, and everything else is derived.

    @operator("channel", amounts=["angle"], matched=False)
    def rotate(x: Tensor, *, angle: Degrees = 0.0, i: Channel = 1, j: Channel = 2) -> Tensor:
        ...

An operator takes x [B, C, H, W] in float32 and returns a new tensor of that shape; it never writes
in place, never reads a value back to the host and keeps the batch's rows apart. The network passes
it those of GIVEN that it declares, or None. Site, channels, mix, depth and normalising belong to
the bend (`livebend.bending`), not to the operator.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
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
    """The output of a bend in the last frame."""

    tensor: "Tensor"  # [B, C, H, W]
    seconds: float  # since then


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator as its function declares it.

    amounts: the parameters that make it act; at their defaults it returns its input. Without any
        it always acts, and is neutral at mix 0.
    matched: whether a bend brings the output to the mean and deviation of the input by default.
        Not for operators that keep them anyway, or whose point is to change them.
    """

    name: str
    family: str
    function: Function
    specs: Mapping[str, Spec]
    amounts: tuple[str, ...]
    matched: bool
    given: tuple[str, ...] = field(init=False)  # the names of GIVEN that its function declares
    defaults: Mapping[str, ParameterValue] = field(init=False)  # of every parameter
    scaled: tuple[str, ...] = field(init=False)  # the parameters in deviations of the site

    def __post_init__(self) -> None:
        declared = inspect.signature(self.function).parameters
        derived = {
            "given": tuple(name for name in GIVEN if name in declared),
            "defaults": MappingProxyType({n: spec.default for n, spec in self.specs.items()}),
            "scaled": tuple(n for n, s in self.specs.items() if s.range and s.range.scales),
        }
        for name, value in derived.items():  # every bend of every frame reads them
            object.__setattr__(self, name, value)

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def is_neutral(self, values: Mapping[str, ParameterValue]) -> bool:
        """Whether these values leave the input as it is."""
        return bool(self.amounts) and all(
            self.specs[name].is_default(values.get(name, self.specs[name].default))
            for name in self.amounts
        )

    @property
    def main(self) -> Spec | None:
        """The first amount that is a number; None where it always acts and mix is its amount."""
        numbers = (self.specs[n] for n in self.amounts if self.specs[n].range is not None)
        return next(numbers, None)

    def main_at(self, t: float) -> dict[str, ParameterValue]:
        """The main parameter and its value at t (0..1) of the way from its default to the upper end
        of its soft range; empty without one."""
        spec = self.main
        if spec is None or spec.range is None:
            return {}
        start = float(spec.default)
        value = spec.range.fit(start + t * (spec.range.soft_range.high - start))
        return {spec.name: int(value) if spec.kind == "int" else value}


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
