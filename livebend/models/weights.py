"""Weights: read from files, and put into modules that are made without any.

Pickled files (`.bin`, `.ckpt`) are read as plain tensors only: one that brings code is refused.
"""

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from livebend.core.errors import ModelError, one_line
from livebend.core.files import short
from livebend.models.weight_files import check_whole, read_header

State = Mapping[str, Tensor]
T = TypeVar("T")
DRAWS = tuple(
    draw for name, draw in vars(nn.init).items() if name.endswith(("normal_", "uniform_"))
)
DRAWING = frozenset((Tensor.normal_, Tensor.uniform_, *DRAWS))


def read_weights(files: Iterable[Path]) -> dict[str, Tensor]:
    """Return the tensors in files, by name. Raises: ModelError, whichever library failed."""
    state: dict[str, Tensor] = {}
    for file in files:
        state.update(_read(file))
    return state


def read_table(file: Path) -> Any:
    """Return what a file of weights holds: tensors by name, or what a pickle has beside or around
    them. Raises: ModelError, whichever library failed."""
    if file.suffix == ".safetensors":
        return _read(file)
    check_whole(file)
    return _tried(file, lambda: _loaded(file))


def _read(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        read_header(file)
        return _tried(file, lambda: safetensors.torch.load_file(file))
    check_whole(file)
    return _tried(file, lambda: _unpickled(file))


def _tried(file: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except ModelError:
        raise
    except Exception as error:  # every library has its own
        if "Weights only load failed" in str(error):
            raise ModelError(
                f"{short(file)} brings code along, which is not run: use a .safetensors file"
            ) from error
        raise ModelError(f"{short(file)} is damaged or cut short: {one_line(error)}") from error


def _unpickled(file: Path) -> dict[str, Tensor]:
    return dict(_tensors(_loaded(file)))


def _loaded(file: Path) -> Any:
    zipped = zipfile.is_zipfile(file)
    return torch.load(file, map_location="cpu", weights_only=True, mmap=zipped)


def _tensors(loaded: Any) -> Iterable[tuple[str, Tensor]]:
    """Yield the tensors of a state, which a training may have put one level deeper."""
    table = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    for name, value in table.items():
        if isinstance(value, Tensor):
            yield name, value


class _Undrawn(TorchFunctionMode):
    """While it is entered, this thread makes tensors in a precision, and draws no random numbers
    into them, which takes seconds for a large network.

    Tensors on torch's device `meta` would not be drawn either, but torch computes what they would
    be in Python, and imports all of sympy for it.
    """

    def __init__(self, dtype: torch.dtype | None) -> None:
        super().__init__()
        self._dtype = dtype

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a function of torch; return the tensor of one that draws as it is."""
        named = dict(named or {})
        if function in DRAWING:
            return arguments[0] if arguments else named["tensor"]
        if function is torch.empty and named.get("dtype") is None:
            named["dtype"] = self._dtype
        return function(*arguments, **named)


@torch.no_grad()
def empty(
    make: Callable[[], nn.Module], device: torch.device, dtype: torch.dtype | None
) -> nn.Module:
    """Make a module without its slow initialisation, whose parameters are yet to be filled."""
    with torch.device(device), _Undrawn(dtype):
        return nn.Module.to(make(), device, dtype)


@torch.no_grad()
def fill(net: nn.Module, state: State, part: str) -> nn.Module:
    """Copy weights into a module's parameters; what it has no place for is left out.

    part: what it is called in a message. Raises: ModelError where a weight is missing, of another
    shape, or not finite.
    """
    wanted = dict(net.named_parameters())
    missing = [name for name in wanted if name not in state]
    if missing:
        raise ModelError(f"{part} lacks {len(missing)} of {len(wanted)} weights: {_few(missing)}")
    for name, parameter in wanted.items():
        if parameter.shape != state[name].shape:
            got, asked = (list(shape) for shape in (state[name].shape, parameter.shape))
            raise ModelError(f"{part}: {name} is {got}: expected {asked} by its config.json")
        parameter.copy_(state[name])
    check_finite(net, part)
    return net


def check_finite(net: nn.Module, part: str) -> None:
    """Refuse weights that are not finite: they would be blamed on bends. Raises: ModelError."""
    ends = [torch.stack(torch.aminmax(p)).float().sum() for p in net.parameters() if p.numel()]
    if not ends or bool(torch.stack(ends).isfinite().all()):
        return
    bad = [n for n, p in net.named_parameters() if not bool(p.isfinite().all())]
    dtype = next(net.parameters()).dtype
    raise ModelError(
        f"{part}: {len(bad)} weights are not finite in {str(dtype).removeprefix('torch.')}:"
        f" {_few(bad)}: the model is damaged, or too large for this --dtype"
    )


def _few(names: Sequence[str]) -> str:
    more = ", …" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more
