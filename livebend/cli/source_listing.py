"""`livebend sources`: list what a route can listen to, and what can shape it on the way."""

import argparse

from livebend.cli.printing import Row, print_rows
from livebend.modulation.curves import CURVES, EDGES
from livebend.modulation.sources import KINDS, SOURCES

TITLES = ("source", "curve", "edge")


def run(options: argparse.Namespace) -> int:
    """List the sources, the curves and the edges of routes."""
    if options.markdown:
        print(source_tables())
        return 0
    print_rows(source_rows(), as_json=options.json)
    return 0


def source_rows() -> list[Row]:
    """One row for every source, curve and edge: what it is for, its name, how it acts, what it
    gives."""
    sources = [_row("source", s.name, KINDS[s.kind], s.doc) for s in SOURCES.values()]
    curves = [_row("curve", name, "", doc) for name, (_, doc) in CURVES.items()]
    edges = [_row("edge", name, "", doc) for name, doc in EDGES.items()]
    return [*sources, *curves, *edges]


def source_tables() -> str:
    """The three as Markdown tables, one after another."""
    rows = source_rows()
    return "\n\n".join(_table(title, [r for r in rows if r["for"] == title]) for title in TITLES)


def _row(use: str, name: str, acts: str, doc: str) -> Row:
    return {"for": use, "name": name, "acts": acts, "about": doc.rstrip(".")}


def _table(title: str, rows: list[Row]) -> str:
    acts = any(row["acts"] for row in rows)
    lines = [
        f"| {title} | {'on its way | ' if acts else ''}what it is |",
        f"|---|{'---|' if acts else ''}---|",
    ]
    lines += [
        f"| `{row['name']}` | {row['acts'] + ' | ' if acts else ''}{row['about']} |" for row in rows
    ]
    return "\n".join(lines)
