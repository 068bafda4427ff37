"""`livebend bench`: time frames by what changed in them, or the phases of a start."""

import argparse
import json

from livebend.cli.printing import print_notice, print_rows

TABLES = ("frames", "load", "overhead", "stages", "operators")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.start:
        return _start(options)
    from livebend.cli.bench.measure import BenchOptions, bench  # noqa: PLC0415 - with torch
    from livebend.cli.options import options_of  # noqa: PLC0415

    figures = bench(options_of(BenchOptions, options), print_notice)
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    tables = [figures.pop(name) for name in TABLES if name in figures]
    print(", ".join(f"{key} {value}" for key, value in figures.items()))
    for rows in tables:
        print_rows([{name: name for name in rows[0]}, *rows])
    return 0


def _start(options: argparse.Namespace) -> int:
    from livebend.cli.bench.start import time_start  # noqa: PLC0415

    names = ("model", "size", "backend", "dtype")
    given = {name: getattr(options, name) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    print_rows(time_start(given), as_json=options.json)
    return 0
