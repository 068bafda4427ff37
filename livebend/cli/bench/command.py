"""`livebend bench`: time frames by what changed in them, or the phases of a start."""

import argparse
import json

from livebend.cli.printing import print_notice, print_rows

TABLES = ("frames", "overhead", "stages", "operators")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.start:
        return _start(options)
    from livebend.cli.bench.measure import bench  # noqa: PLC0415 - heavy
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    figures = bench(
        model_or_default(options.model),
        options.size,
        options.steps,
        options.backend,
        dtype=options.dtype,
        beside=options.beside,
        stages=options.stages,
        frames=max(options.frames, 2),
        tell=print_notice,
    )
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

    model = {} if options.model is None else {"model": options.model}
    size = {} if options.size is None else {"size": options.size}
    engine = {"backend": options.backend, "dtype": options.dtype}
    print_rows(time_start({**model, **size, **engine}), as_json=options.json)
    return 0
