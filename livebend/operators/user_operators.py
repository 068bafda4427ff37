"""A performer's own operators: a Python file given on the command line, and nowhere else.

    from livebend.core.ranges import Unit
    from livebend.operators import operator

    @operator("mine", amounts=["amount"])
    def ghost(x, *, amount: Unit = 0.0):
        '''Lay the picture's mirror image over it: y = (1 − a)·x + a·flip(x).'''
        return x + amount * (x.flip(3) - x)

The file is a program that runs with all rights of the user, so neither a preset nor a message over
the network can name one.
"""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch

from livebend.core.errors import OperatorError, one_line
from livebend.core.specs import ParameterValue
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator

PROBE = (2, 8, 16, 16)
MODULE = "livebend_own_operators"


def load_operators(file: Path) -> list[str]:
    """Register the `@operator` functions of a Python file; return their names.

    Each is tried on a small tensor, at its defaults and with its main parameter moved. If anything
    is wrong, none is registered. Raises: OperatorError with file, line and what is wrong.
    """
    registered = all_operators()
    before = dict(registered)
    try:
        _run(file)
        own = [operator for name, operator in registered.items() if name not in before]
        if not own:
            raise OperatorError(f"{file}: no function in it is decorated with @operator(...)")
        for operator in own:
            _try(file, operator)
    except OperatorError:
        registered.clear()
        registered.update(before)
        raise
    return [operator.name for operator in own]


def _run(file: Path) -> None:
    """Import the file as a module, so that tracebacks have its line numbers."""
    if not file.is_file():
        raise OperatorError(f"{file}: {'is a folder' if file.is_dir() else 'no such file'}")
    spec = importlib.util.spec_from_file_location(MODULE, file)
    if spec is None or spec.loader is None:
        raise OperatorError(f"{file}: expected a Python file that ends in .py")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as why:
        raise OperatorError(f"{file}, line {why.lineno}: {why.msg}") from why
    except Exception as why:
        raise OperatorError(_described(file, why)) from why


def _try(file: Path, operator: Operator) -> None:
    """Raises: OperatorError unless it returns a new, finite tensor of the same shape."""
    where = f"{file}, line {inspect.unwrap(operator.function).__code__.co_firstlineno}"
    loose = [p.name for p in _parameters(operator) if p.kind is not p.KEYWORD_ONLY]
    if len(loose) != 1:
        raise OperatorError(f"{where}: {operator.name}: expected (x, *, parameters)")
    known = {*operator.specs, *operator.given}
    unspecified = [p.name for p in _parameters(operator)[1:] if p.name not in known]
    if unspecified:
        raise OperatorError(
            f"{where}: {operator.name}: {unspecified[0]} has no type that a knob can have;"
            " expected one of livebend.core.ranges, int, bool, str or a Literal"
        )
    unknown = [name for name in operator.amounts if name not in operator.specs]
    if unknown:
        raise OperatorError(f"{where}: {operator.name}: amounts names {unknown[0]!r}, no parameter")
    x = torch.randn(PROBE, generator=torch.Generator().manual_seed(1))
    for values in (operator.defaults, {**operator.defaults} | operator.main_at(0.5)):
        if fault := _fault(file, operator, x, values):
            raise OperatorError(f"{where}: {operator.name}: {fault}")


def _fault(
    file: Path, operator: Operator, x: torch.Tensor, values: Mapping[str, ParameterValue]
) -> str:
    given = x.clone()
    try:
        y = operator.function(given, **values)
    except Exception as why:
        raise OperatorError(_described(file, why)) from why
    if not isinstance(y, torch.Tensor):
        return f"gave a {type(y).__name__}; expected a tensor"
    if y.shape != x.shape:
        return f"made {tuple(y.shape)} of {tuple(x.shape)}; expected the same shape"
    if not torch.equal(given, x):
        return "wrote into its input; expected a new tensor"
    return "" if bool(y.isfinite().all()) else "made values that are not finite"


def _parameters(operator: Operator) -> list[inspect.Parameter]:
    return list(inspect.signature(operator.function).parameters.values())


def _described(file: Path, why: Exception) -> str:
    """The deepest line of the file in the traceback, and the fault's message in one line."""
    lines = [f.lineno for f in traceback.extract_tb(why.__traceback__) if Path(f.filename) == file]
    where = f"{file}, line {lines[-1]}" if lines else str(file)
    return f"{where}: {one_line(why)}"
