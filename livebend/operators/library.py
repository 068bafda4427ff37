"""Every operator and every kind of mask, by name.

The families, and with them torch, are imported on first use, so that scenes, presets and
controllers can be named and read without torch.
"""

from collections.abc import Mapping
from functools import cache

from livebend.core.errors import UnknownName
from livebend.core.specs import Spec
from livebend.operators.registry import OPERATORS, Operator


@cache
def _load() -> None:
    """Import every family, in the order in which they are listed; each registers its operators."""
    from livebend.operators import (  # noqa: F401, PLC0415 - with torch
        channel,
        directions,
        feedback,
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


def all_operators() -> dict[str, Operator]:
    """Return every operator by its name: livebend's own, and a performer's once they are loaded.

    Only `user_operators`, and a test, may change the dictionary.
    """
    _load()
    return OPERATORS


def find_operator(name: str) -> Operator:
    """Return the operator of that name. Raises: UnknownName, with the nearest name."""
    found = OPERATORS.get(name) or all_operators().get(name)
    if found is None:
        raise UnknownName("operator", name, OPERATORS)
    return found


def mask_specs() -> Mapping[str, Spec]:
    """Return the parameters of all masks by their names after `mask.`, such as kind and size."""
    from livebend.operators.masks import SPECS  # noqa: PLC0415 - with torch

    return SPECS
