"""The registry of operators: each is one decorated function, and everything else is derived.

    @operator("channel", amounts=["angle"], matched=False)
    def rotate(x: Tensor, *, angle: Degrees = 0.0, i: Channel = 1, j: Channel = 2) -> Tensor:
        ...

An operator takes x [B, C, H, W] in float32 and returns a new tensor of that shape; it never writes
in place, never reads a value back to the host and keeps the batch's rows apart. Site, channels,
mix, depth and normalising belong to the bend (`livebend.bending`), not to the operator.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livebend.errors import UnknownName
from livebend.specs import Spec, Value, specs_of

if TYPE_CHECKING:
    from torch import Tensor

Function = Callable[..., "Tensor"]


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
    def doc(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.split("\n", 1)[0]

    def is_neutral(self, values: Mapping[str, Value]) -> bool:
        """Whether these values leave the input as it is."""
        return bool(self.amounts) and all(
            self.specs[name].is_default(values.get(name, self.specs[name].default))
            for name in self.amounts
        )

    def defaults(self) -> dict[str, Value]:
        """The value of every parameter that is not given."""
        return {name: spec.default for name, spec in self.specs.items()}


OPERATORS: dict[str, Operator] = {}


def operator(
    family: str, *, amounts: Sequence[str] = (), matched: bool = True
) -> Callable[[Function], Function]:
    """Register the decorated function as an operator under its own name."""

    def register(function: Function) -> Function:
        name = getattr(function, "__name__", "")
        if name in OPERATORS:
            raise ValueError(f"two operators are called {name!r}")
        OPERATORS[name] = Operator(
            name, family, function, specs_of(function), tuple(amounts), matched
        )
        return function

    return register


def find_operator(name: str) -> Operator:
    """Return the operator of that name.

    Raises: UnknownName, with the nearest name.
    """
    if name not in OPERATORS:
        raise UnknownName("operator", name, OPERATORS)
    return OPERATORS[name]
