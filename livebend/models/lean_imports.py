"""Import a few modules of diffusers and transformers without their neighbours, which cost seconds
at every start.

Four of diffusers' packages import every file they have, dozens of networks that are not used here.
Both libraries import what only tracing, training, sharding or adapters need: torch's tracer, its
sharded tensors, losses, single files, and with them all of scipy. While `lean` is open, sys.modules
holds stand-ins: a bare package for each of the four, one with decorators that do nothing for the
tracer, and for each of the rest a module that has an empty class of every name. Afterwards they are
removed, and an import gets the real module.
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
IDLE = (  # with their submodules
    "diffusers.loaders",
    "torch._dynamo._trace_wrapped_higher_order_op",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "transformers.loss",
)


@contextmanager
def lean() -> Iterator[None]:
    """Put stand-ins in sys.modules; modules that are loaded already stay."""
    made = {name: _bare(name) for name in PACKAGES} | {TRACER: _untraced(TRACER)}
    bare = {name: module for name, module in made.items() if name not in sys.modules}
    idle = _IdleFinder()
    sys.modules.update(bare)
    sys.meta_path.insert(0, idle)
    try:
        yield
    finally:
        sys.meta_path.remove(idle)
        for name, module in (bare | idle.made).items():
            _remove(name, module)


def _remove(name: str, module: ModuleType) -> None:
    """Remove a stand-in from sys.modules and from its package."""
    if sys.modules.get(name) is module:
        del sys.modules[name]
    package, _, leaf = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and vars(parent).get(leaf) is module:
        delattr(parent, leaf)


class _Empty:
    """The base of every class in an idle module."""

    def __init__(self, *_: object, **__: object) -> None:
        pass


class _Idle(ModuleType):
    """A module that has every name: an empty class, or an empty dictionary for one in capitals."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        made: object = {} if name.isupper() else type(name, (_Empty,), {})
        setattr(self, name, made)
        return made


class _IdleFinder:
    """Finds an idle module for those of IDLE and their submodules."""

    def __init__(self) -> None:
        self.made: dict[str, ModuleType] = {}

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the signature of Python's finders
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the spec of an idle module; None for other names."""
        is_idle = any(name == idle or name.startswith(f"{idle}.") for idle in IDLE)
        return ModuleSpec(name, self, is_package=True) if is_idle else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make an idle module."""
        module = self.made[spec.name] = _Idle(spec.name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is empty."""


def _bare(name: str) -> ModuleType:
    """A package that imports none of its files, but whose files can be imported."""
    root, *rest = name.split(".")
    found = importlib.util.find_spec(root)
    places = (found.submodule_search_locations if found else None) or ()
    package = ModuleType(name)
    package.__path__ = [str(Path(place, *rest)) for place in places]
    return package


def _untraced(name: str) -> ModuleType:
    """The tracer's package with its decorators alone, which return the function unchanged."""

    def unchanged(function: Any = None, *_: Any, **__: Any) -> Any:
        return unchanged if function is None else function

    package: Any = _bare(name)
    package.disable = package.allow_in_graph = package.assume_constant_result = unchanged
    return package  # type: ignore[no-any-return]
