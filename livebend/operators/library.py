"""Every operator and every kind of mask, by name.

The families, and with them torch, are imported on first use, so that scenes, presets and
controllers can be named and read without torch.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from livebend.core.errors import UnknownName
from livebend.core.specs import Spec
from livebend.operators.registry import OPERATORS, Operator

FAMILIES = (
    "channel", "directions", "feedback", "fields", "local", "matrices", "morphological", "noise",
    "normalising", "pointwise", "spatial", "spectral", "warps",
)  # fmt: skip


@cache
def _load() -> None:
    """Import every family; each registers its operators. They are listed family by family, whatever
    was imported before."""
    own = [import_module(f"{__package__}.{family}").__name__ for family in FAMILIES]
    place = {name: place for place, name in enumerate(own)}
    listed = sorted(OPERATORS.items(), key=lambda o: place.get(o[1].function.__module__, len(own)))
    OPERATORS.clear()
    OPERATORS.update(listed)


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
