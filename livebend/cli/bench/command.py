"""`livebend bench`: time frames by what changed in them, a start, hands, or the wall."""

import argparse
import json
from typing import Any

from livebend.cli.printing import print_notice, print_rows

TABLES = ("frames", "load", "overhead", "stages", "operators")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.wall is not None:
        from livebend.cli.bench.wall import time_wall  # noqa: PLC0415 - without torch

        return _print(time_wall(options.wall), options)
    if options.farm is not None:
        from livebend.cli.bench.farm import time_farm  # noqa: PLC0415 - with torch

        return _print(time_farm(options, options.farm, print_notice), options)
    if options.start or options.hands is not None:
        return _show(options)
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


def _show(options: argparse.Namespace) -> int:
    """Measure with a show: its start, or how fast it follows hands."""
    names = ("model", "size", "backend", "dtype")
    given = {name: getattr(options, name) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    if options.start:
        from livebend.cli.bench.start import time_start  # noqa: PLC0415 - before anything else

        rows = time_start(given)
    else:
        from livebend.cli.bench.hands import time_hands  # noqa: PLC0415 - with torch

        return _print(time_hands(given, options.hands), options)
    print_rows(rows, as_json=options.json)
    return 0


def _print(rows: list[dict[str, Any]], options: argparse.Namespace) -> int:
    rows = rows if options.json else [{name: name for name in rows[0]}, *rows]
    print_rows(rows, as_json=options.json)
    return 0
