"""`livebend operators`: list them as rows or as a table in Markdown, or paint a strip of each."""

import argparse

from livebend.cli.printing import Row, print_notice, print_rows
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
    from livebend.cli.operator_strips import write_strips  # noqa: PLC0415 - heavy
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    strips = write_strips(
        options.image,
        model_or_default(options.model),
        options.size,
        options.backend,
        dtype=options.dtype,
        tell=print_notice,
    )
    print(f"{strips} strips in {options.image}")
    return 0


def operator_rows() -> list[Row]:
    """One row for every operator: name, family, parameters, what it does."""
    return [
        {
            "name": op.name,
            "family": op.family,
            "parameters": "; ".join(f"{s.name} {_told(s)}" for s in op.specs.values()),
            "about": op.summary,
        }
        for op in all_operators().values()
    ]


def operator_table() -> str:
    """The operators as a Markdown table, in the order of their families."""
    lines = ["| operator | what it does | parameters (what a fader goes over) |", "|---|---|---|"]
    for family in dict.fromkeys(op.family for op in all_operators().values()):
        lines.append(f"| **{family}** | | |")
        lines += [_line(op) for op in all_operators().values() if op.family == family]
    return "\n".join(lines)


def _line(op: Operator) -> str:
    """One line; one without a parameter that makes it act is played by the bend's mix."""
    given = "; ".join(_parameter(spec) for spec in op.specs.values())
    parameters = given if op.main else f"(mix){'; ' if given else ''}{given}"
    summary = op.summary.replace("|", "\\|").rstrip(".")
    return f"| `{op.name}` | {summary} | {parameters} |"


def _parameter(spec: Spec) -> str:
    return f"`{spec.name}` {_told(spec)}".replace("|", "\\|")


def _told(spec: Spec) -> str:
    """What may be given and, in brackets, the part of it that a fader goes over."""
    soft = spec.range.soft if spec.range else None
    more = f" ({soft[0]:g}..{soft[1]:g})" if soft else ""
    return f"{spec.allowed.removeprefix('one of ')}{more}"
