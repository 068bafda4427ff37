"""No operator without a formula of its own in a test, on both shapes."""

import ast
from pathlib import Path

from livebend.operators.library import all_operators


def compared():
    """The operators that a test with a `shape` names: run("name", shape, …), OPERATORS["name"]."""
    for file in Path(__file__).parent.glob("test_*.py"):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            if "shape" in [argument.arg for argument in function.args.args]:
                named = (n.value for n in ast.walk(function) if isinstance(n, ast.Constant))
                yield from (name for name in named if isinstance(name, str))


def test_every_operator_is_compared_with_a_formula():
    assert set(all_operators()) - set(compared()) == set()
