"""`livebend limits`: list the most of everything that may come in from outside."""

import argparse

from livebend.cli.printing import markdown_table, print_rows
from livebend.core.limits import TABLE


def run(options: argparse.Namespace) -> int:
    """List the limits."""
    if options.markdown:
        print(limit_table())
        return 0
    rows = [{"most": f"{row.most:g} {row.unit}", "of": row.what} for row in TABLE]
    print_rows(rows, as_json=options.json)
    return 0


def limit_table() -> str:
    """The limits as a Markdown table."""
    return markdown_table(("of", "at most"), [(r.what, f"{r.most:g} {r.unit}") for r in TABLE])
