"""`livebend operators`: list them as rows or as a table in Markdown, or paint a strip of each."""

import argparse

from livebend.cli.printing import Row, markdown_table, print_notice, print_rows
from livebend.core.specs import Spec
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator


def run(options: argparse.Namespace) -> int:
    """List the operators, or paint a strip of each."""
    if options.image is not None:
        return _paint(options)
    if options.markdown:
        print(operator_table())
        return 0
    if not options.json:
        print("operator, family, parameters (their soft range), what it does")
    print_rows(operator_rows(), as_json=options.json)
    return 0


def _paint(options: argparse.Namespace) -> int:
    from livebend.cli.operator_strips import write_strips  # noqa: PLC0415 - with torch
    from livebend.cli.options import NetworkOptions, options_of  # noqa: PLC0415

    strips = write_strips(options.image, options_of(NetworkOptions, options), print_notice)
    print(f"{strips} strips in {options.image}")
    return 0


def operator_rows() -> list[Row]:
    """Return a row for every operator: name, family, parameters, what it does."""
    return [
        {
            "name": op.name,
            "family": op.family,
            "parameters": "; ".join(f"{s.name} {_allowed(s)}" for s in op.specs.values()),
            "about": op.summary,
        }
        for op in all_operators().values()
    ]


def operator_table() -> str:
    """Return the operators as a Markdown table, family by family."""
    operators = all_operators().values()
    rows: list[tuple[str, str, str]] = []
    for family in dict.fromkeys(op.family for op in operators):
        rows.append((f"**{family}**", "", ""))
        rows += [_cells(op) for op in operators if op.family == family]
    heads = ("operator", "what it does", "parameters (what a fader goes over)")
    return markdown_table(heads, rows)


def _cells(op: Operator) -> tuple[str, str, str]:
    """Return the cells of an operator; one without a main parameter is played by the bend's mix."""
    mix = () if op.main else ("(mix)",)
    parameters = (f"`{spec.name}` {_allowed(spec)}" for spec in op.specs.values())
    return f"`{op.name}`", op.summary.rstrip("."), "; ".join((*mix, *parameters))


def _allowed(spec: Spec) -> str:
    """Return what may be given and, in brackets, the soft range, which a fader covers."""
    soft = spec.range.soft if spec.range else None
    more = f" ({soft[0]:g}..{soft[1]:g})" if soft else ""
    return f"{spec.allowed.removeprefix('one of ')}{more}"
