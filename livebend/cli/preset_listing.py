"""`livebend presets`: list the presets, all or by name, or paint them."""

import argparse

from livebend.cli.printing import print_notice, print_rows
from livebend.scene import presets


def run(options: argparse.Namespace) -> int:
    """List the presets, or paint a sheet of them."""
    found = presets.list_presets(options.names)
    if options.sheet is not None:
        return _paint(options, [info.name for info in found if "/" not in info.name])
    rows = [
        {
            "name": info.name,
            "title": info.title,
            "reruns": f"{info.cost:.0%}".replace("%", " %"),
            "about": info.about,
        }
        for info in found
    ]
    print_rows(rows, as_json=options.json)
    return 0


def _paint(options: argparse.Namespace, names: list[str]) -> int:
    from livebend.cli.contact_sheet import write_contact_sheet  # noqa: PLC0415 - with torch
    from livebend.cli.options import SceneOptions, options_of  # noqa: PLC0415

    opened, shown = options_of(SceneOptions, options), options.names or names
    pictures = write_contact_sheet(options.sheet, shown, opened, print_notice)
    print(f"{pictures} pictures in {options.sheet}")
    return 0
