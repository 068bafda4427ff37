"""Operators: what can be done to a tensor inside the network. Importing this fills the registry.

pointwise · channel · matrices · normalising · local · noise · fields · spatial · warps ·
morphological · spectral · directions · recurrent
"""

from livebend.operators import (
    channel,
    directions,
    fields,
    local,
    matrices,
    morphological,
    noise,
    normalising,
    pointwise,
    recurrent,
    spatial,
    spectral,
    warps,
)
from livebend.operators.registry import OPERATORS, Operator, Past, find_operator, operator

__all__ = [
    "OPERATORS",
    "Operator",
    "Past",
    "channel",
    "directions",
    "fields",
    "find_operator",
    "local",
    "matrices",
    "morphological",
    "noise",
    "normalising",
    "operator",
    "pointwise",
    "recurrent",
    "spatial",
    "spectral",
    "warps",
]
