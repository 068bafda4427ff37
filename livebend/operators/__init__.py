"""Operators: what can be done to a tensor inside the network. Importing this fills the registry.

pointwise · channel · spatial · morphological
"""

from livebend.operators import channel, morphological, pointwise, spatial
from livebend.operators.registry import OPERATORS, Operator, find_operator, operator

__all__ = [
    "OPERATORS",
    "Operator",
    "channel",
    "find_operator",
    "morphological",
    "operator",
    "pointwise",
    "spatial",
]
