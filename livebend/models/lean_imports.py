"""Import a few modules of diffusers and transformers without their neighbours, which cost seconds
at every start.

Their packages import what they list, dozens of networks that are not used here, or scan their own
files and those of every installed package for it. Both libraries import what only tracing,
training, sharding, adapters, chats or uploads need: torch's tracer, its sharded tensors, losses,
single files, and with them all of scipy. While `lean` is open, sys.modules holds stand-ins: for
each of PACKAGES one that imports a file of it when a name from there is asked for, one with
decorators that do nothing for the tracer, and for each of IDLE a module that has an empty class of
every name. Afterwards they are removed, and an import gets the real module.
"""

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = (
    "diffusers",
    "diffusers.hooks",
    "diffusers.models",
    "diffusers.models.autoencoders",
    "diffusers.models.transformers",
    "diffusers.models.unets",
    "diffusers.quantizers",
    "diffusers.utils",
    "transformers",
    "transformers.distributed",
    "transformers.generation",
    "transformers.integrations",
    "transformers.models",
    "transformers.models.auto",
    "transformers.models.clip",
    "transformers.quantizers",
    "transformers.utils",
)
TRACER = "torch._dynamo"
IDLE = (  # with their submodules
    "diffusers.image_processor",
    "diffusers.loaders",
    "diffusers.quantizers.auto",
    "huggingface_hub._snapshot_download",
    "huggingface_hub.hf_api",
    "huggingface_hub.repocard",
    "huggingface_hub.repocard_data",
    "torch._dynamo._trace_wrapped_higher_order_op",
    "torch.distributed._functional_collectives",
    "torch.distributed.checkpoint",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "transformers.generation.continuous_batching",
    "transformers.loss",
    "transformers.processing_utils",
    "transformers.utils.auto_docstring",
    "transformers.utils.chat_parsing",
    "transformers.utils.chat_template_utils",
)


@contextmanager
def lean() -> Iterator[None]:
    """Put stand-ins in sys.modules; modules that are loaded already stay."""
    made = {name: _package(name) for name in (*PACKAGES, TRACER)}
    bare = {name: module for name, module in made.items() if name not in sys.modules}
    idle = _IdleFinder()
    distributions = importlib.metadata.packages_distributions
    importlib.metadata.packages_distributions = lambda: _Distributions(distributions)
    sys.modules.update(bare)
    for name in PACKAGES:
        package, _, leaf = name.rpartition(".")
        if package in bare:
            setattr(bare[package], leaf, sys.modules[name])
    sys.meta_path.insert(0, idle)
    try:
        yield
    finally:
        sys.meta_path.remove(idle)
        importlib.metadata.packages_distributions = distributions
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

    def __class_getitem__(cls, _: object) -> type["_Empty"]:
        return cls

    def __init__(self, *_: object, **__: object) -> None:
        pass


class _Distributions(Mapping[str, list[str]]):
    """What `packages_distributions` returns, read when it is looked into: it reads the list of
    files of every package that is installed."""

    def __init__(self, read: Callable[[], Mapping[str, list[str]]]) -> None:
        self._read = cache(read)

    def __getitem__(self, name: str) -> list[str]:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


class _Idle(ModuleType):
    """A module that has every name: an empty class, for one in lower case a decorator that does
    nothing, and an empty dictionary for one in capitals."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.islower():
            made: object = _unchanged
        else:
            made = {} if name.isupper() else type(name, (_Empty,), {})
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


class _Package(ModuleType):
    """A package that imports a file of its own when a name that is from there is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        root, *rest = name.split(".")
        found = importlib.util.find_spec(root)
        places = (found.submodule_search_locations if found else None) or ()
        self.__path__ = [str(Path(place, *rest)) for place in places]
        self.__spec__ = ModuleSpec(name, None, is_package=True)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        found = self._found(name)
        setattr(self, name, found)
        return found

    def _found(self, name: str) -> object:
        """Raises: AttributeError."""
        if name in self._texts:
            return self._texts[name]
        if name in self._origins:
            return getattr(import_module(self._origins[name]), name)
        if name in self._values:
            return self._values[name]
        if any(Path(self.__path__[0], f"{name}{end}").exists() for end in ("", ".py")):
            raise AttributeError(name)  # a file of its own, which Python imports next
        return getattr(self._whole(), name)

    def _whole(self) -> ModuleType:
        """The real package, whose own code makes a name: slow, but right."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)

    @cached_property
    def _source(self) -> str:
        return Path(self.__path__[0], "__init__.py").read_text(encoding="utf-8")

    @cached_property
    def _texts(self) -> dict[str, str]:
        """The texts that the real package gives names to, such as its version."""
        return dict(re.findall(r"^(\w+) = \"([^\"\\]*)\"$", self._source, re.MULTILINE))

    @cached_property
    def _statements(self) -> Sequence[ast.AST]:
        return list(ast.walk(ast.parse(self._source)))

    @cached_property
    def _origins(self) -> dict[str, str]:
        """The module of each name, by the import statements of the real package."""
        return {
            alias.name: importlib.util.resolve_name(
                "." * node.level + (node.module or ""), self.__name__
            )
            for node in self._statements
            if isinstance(node, ast.ImportFrom) and node.level
            for alias in node.names
            if node.module or node.level > 1
        }

    @cached_property
    def _values(self) -> dict[str, object]:
        """The lists that the real package gives names to."""
        return {
            target.id: ast.literal_eval(node.value)
            for node in self._statements
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
            for target in node.targets
            if isinstance(target, ast.Name) and _is_plain(node.value)
        }


def _is_plain(node: ast.expr) -> bool:
    """Whether a list holds constants and lists alone."""
    known = (ast.List, ast.Load, ast.Constant)
    return all(isinstance(inner, known) for inner in ast.walk(node))


@cache
def _package(name: str) -> ModuleType:
    """The stand-in for a package; the tracer's has its decorators alone."""
    package: Any = _Package(name)
    if name == TRACER:
        package.disable = package.allow_in_graph = package.assume_constant_result = _unchanged
    return package  # type: ignore[no-any-return]


def _unchanged(function: Any = None, *_: Any, **__: Any) -> Any:
    """As a decorator, with arguments or without, return the function unchanged."""
    return _unchanged if function is None else function
