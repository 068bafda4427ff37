"""Import a few modules of diffusers and transformers without their neighbours, which cost seconds
at every start.

Four of diffusers' packages import every file they have, dozens of networks that nobody plays here,
and both libraries import what only those need who trace, train, spread a network over machines or
load adapters: torch's tracer and its sharded tensors, losses and single files, and with them all of
scipy. While `lean` is open a bare package stands for each of the four, one with idle decorators for
the tracer, and an idle module for each of the rest, in which there is a class of every name with
nothing in it; afterwards they are gone, and whoever imports the real ones gets them whole.
"""

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
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
IDLE = (  # with all that is in them
    "diffusers.loaders",
    "torch._dynamo._trace_wrapped_higher_order_op",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "transformers.loss",
)


@contextmanager
def lean() -> Iterator[None]:
    """Stand in for what is imported and not needed; what is loaded already stays."""
    made = {name: _bare(name) for name in PACKAGES} | {TRACER: _untraced(TRACER)}
    standing = {name: module for name, module in made.items() if name not in sys.modules}
    idle = _Idling()
    sys.modules.update(standing)
    sys.meta_path.insert(0, idle)
    try:
        yield
    finally:
        sys.meta_path.remove(idle)
        for name, module in (standing | idle.made).items():
            _leave(name, module)


def _leave(name: str, module: ModuleType) -> None:
    """Forget a module that stood in for another."""
    if sys.modules.get(name) is module:
        del sys.modules[name]
    package, _, leaf = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and vars(parent).get(leaf) is module:
        delattr(parent, leaf)


class _Nothing:
    """What the classes of an idle module are."""

    def __init__(self, *_: object, **__: object) -> None:
        pass


class _Idle(ModuleType):
    """A module that has every name: of a class with nothing in it, or in capitals of an empty
    table."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        made: object = {} if name.isupper() else type(name, (_Nothing,), {})
        setattr(self, name, made)
        return made


class _Idling:
    """Finds idle modules for those named above and whatever is asked for in them."""

    def __init__(self) -> None:
        self.made: dict[str, ModuleType] = {}

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,  # noqa: ARG002 - as Python's finders are asked
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return how to load an idle module; None where the name is not for one."""
        asked = any(name == idle or name.startswith(f"{idle}.") for idle in IDLE)
        return ModuleSpec(name, self, is_package=True) if asked else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make an idle module."""
        module = self.made[spec.name] = _Idle(spec.name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it to run."""


def _bare(name: str) -> ModuleType:
    """A package whose files can be imported and which imports none of them itself."""
    root, *rest = name.split(".")
    found = importlib.util.find_spec(root)
    places = (found.submodule_search_locations if found else None) or ()
    package = ModuleType(name)
    package.__path__ = [str(Path(place, *rest)) for place in places]
    return package


def _untraced(name: str) -> ModuleType:
    """The tracer's package with its decorators alone, which leave what they decorate as it is."""

    def left(function: Any = None, *_: Any, **__: Any) -> Any:
        return left if function is None else function

    package: Any = _bare(name)
    package.disable = package.allow_in_graph = package.assume_constant_result = left
    return package  # type: ignore[no-any-return]
