"""Operators: what can be done to a tensor inside the network, one decorated function each.

    from livebend.operators import operator

is all that a performer's own file needs. registry (how one is declared) · library (all of them by
name) · user_operators (a performer's own) · the families: pointwise, channel, matrices,
normalising, local, noise, fields, spatial, warps, morphological, spectral, directions, feedback ·
masks (where in the picture a bend acts), drawn_masks · used by several: coordinates, random_draws
"""

from livebend.operators.registry import operator

__all__ = ["operator"]
