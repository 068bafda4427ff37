"""`livebend sources`: list what a route can follow, and what can shape it on the way."""

import argparse

from livebend.cli.printing import Row, markdown_table, print_rows
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
    """One row for every source, curve and edge: what it is, its name, how it acts, what it does."""
    sources = [_row("source", name, s.doc, KINDS[s.kind]) for name, s in SOURCES.items()]
    curves = [_row("curve", name, curve.doc) for name, curve in CURVES.items()]
    edges = [_row("edge", name, doc) for name, doc in EDGES.items()]
    return [*sources, *curves, *edges]


def source_tables() -> str:
    """The three as Markdown tables, one after another."""
    return "\n\n".join(_table(title) for title in TITLES)


def _row(use: str, name: str, doc: str, acts: str = "") -> Row:
    return {"for": use, "name": name, "acts": acts, "about": doc}


def _table(title: str) -> str:
    rows = [row for row in source_rows() if row["for"] == title]
    if title == "source":
        lines = [(f"`{row['name']}`", row["acts"], row["about"]) for row in rows]
        return markdown_table((title, "on its way", "what it is"), lines)
    return markdown_table((title, "what it is"), [(f"`{r['name']}`", r["about"]) for r in rows])
