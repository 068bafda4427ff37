"""Import a few modules of diffusers and transformers without their neighbours, which cost seconds
at every start.

Four of diffusers' packages import every file they have, dozens of networks that nobody plays here,
and both libraries import torch's tracer for decorators that matter to that tracer alone. While
`lean` is open a bare package stands for each of the four, and one with idle decorators for the
tracer; afterwards they are gone, and whoever imports the real ones gets them whole.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = (
    "diffusers.hooks",
    "diffusers.models.autoencoders",
    "diffusers.models.transformers",
    "diffusers.models.unets",
)
TRACER = "torch._dynamo"


@contextmanager
def lean() -> Iterator[None]:
    """Stand in for what is imported and not needed; what is loaded already stays."""
    made = {name: _bare(name) for name in PACKAGES} | {TRACER: _idle(TRACER)}
    standing = {name: module for name, module in made.items() if name not in sys.modules}
    sys.modules.update(standing)
    try:
        yield
    finally:
        for name, module in standing.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _bare(name: str) -> ModuleType:
    """A package whose files can be imported and which imports none of them itself."""
    root, *rest = name.split(".")
    found = importlib.util.find_spec(root)
    places = (found.submodule_search_locations if found else None) or ()
    package = ModuleType(name)
    package.__path__ = [str(Path(place, *rest)) for place in places]
    return package


def _idle(name: str) -> ModuleType:
    """The tracer's package with its decorators alone, which leave what they decorate as it is."""

    def left(function: Any = None, *_: Any, **__: Any) -> Any:
        return left if function is None else function

    package: Any = _bare(name)
    package.disable = package.allow_in_graph = package.assume_constant_result = left
    return package  # type: ignore[no-any-return]
