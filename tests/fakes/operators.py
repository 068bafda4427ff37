"""Values that make any operator act, and a tensor for it to act on."""

import torch
from torch import Tensor

from livebend.core.specs import ParameterValue
from livebend.operators.registry import Operator


def sample(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Standard normal values of a seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def moved(operator: Operator) -> dict[str, ParameterValue]:
    """The operator's parameters with every amount off its neutral value."""
    values = {n: operator.specs[n].range.from_unit(0.7) for n in operator.amounts}
    whole = {n for n in values if operator.specs[n].kind == "int"}
    return {**operator.defaults} | {n: int(v) if n in whole else v for n, v in values.items()}
