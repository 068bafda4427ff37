"""What the command line lists of operators: rows, and the README's table, from the registry."""

from typing import Any

from livebend.core.specs import Spec
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator


def operator_rows() -> list[dict[str, Any]]:
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
    played = spec.range.play if spec.range else None
    more = f" ({played[0]:g}..{played[1]:g})" if played else ""
    return f"{spec.allowed.removeprefix('one of ')}{more}"
