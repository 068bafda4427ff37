"""Operators: what can be done to a tensor inside the network. Importing this fills the registry.

pointwise · channel · matrices · normalising · local · noise · fields · spatial · warps ·
morphological · spectral
"""

from livebend.operators import (
    channel,
    fields,
    local,
    matrices,
    morphological,
    noise,
    normalising,
    pointwise,
    spatial,
    spectral,
    warps,
)
from livebend.operators.registry import OPERATORS, Operator, find_operator, operator

__all__ = [
    "OPERATORS",
    "Operator",
    "channel",
    "fields",
    "find_operator",
    "local",
    "matrices",
    "morphological",
    "noise",
    "normalising",
    "operator",
    "pointwise",
    "spatial",
    "spectral",
    "warps",
]
