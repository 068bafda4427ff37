"""`livebend models`: list the models that are here, and whether they play."""

import argparse
from dataclasses import asdict
from pathlib import Path

from livebend.cli.printing import print_rows
from livebend.models.catalogue import catalogue


def run(options: argparse.Namespace) -> int:
    """List the embedded model, those in the hub's cache, and those in the folders given."""
    found = catalogue(options.folders or [Path()])
    if options.json:
        print_rows([asdict(model) for model in found], as_json=True)
        return 0
    print_rows(
        [
            {
                "model": model.name,
                "family": model.family or "-",
                "size": f"{model.size / 1e9:.2f} GB",
                "plays": f"no: {model.refused}" if model.refused else model.sampled,
            }
            for model in found
        ]
    )
    return 0
