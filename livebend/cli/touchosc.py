"""`livebend touchosc`: write a layout for TouchOSC of what a preset has, or draw it."""

import argparse

from livebend.cli.printing import print_notice
from livebend.core.errors import Refused
from livebend.core.files import check_place, write_file, write_text
from livebend.scene import presets

DRAWING = ".svg"


def run(options: argparse.Namespace) -> int:
    """Write the layout of a preset, as a drawing into an .svg. Raises: Refused, PresetError."""
    check_place(options.output, "-o")
    scene = presets.load(options.preset)
    try:
        from livebend.cli.touchosc_layout import drawing, layout  # noqa: PLC0415 - an extra, may be missing
    except ImportError as why:
        raise Refused("touchosc: needs py2tosc: pip install 'livebend[touchosc]'") from why
    document = layout(scene)
    if faults := [issue for issue in document.validate() if issue.severity == "error"]:
        raise Refused(f"{options.output}: TouchOSC would not read it: {faults[0]}")
    is_drawing = options.output.suffix.lower() == DRAWING
    try:
        if is_drawing:
            write_text(options.output, drawing(scene))
        else:
            write_file(options.output, lambda part: document.save(str(part)))
    except OSError as why:
        raise Refused(f"-o {options.output}: cannot be written: {why.strerror}") from why
    if is_drawing:
        return 0
    print_notice(
        f"{options.output}: open it in TouchOSC; connection 1: UDP to this computer, send 8000,"
        " receive 9000"
    )
    return 0
