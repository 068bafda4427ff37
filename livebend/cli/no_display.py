"""A start without a display: whether there is one, and what is played where there is none."""

import argparse
import os
import sys
from pathlib import Path

DEMO_FILE = "livebend-demo.mp4"
DEMO_SECONDS = 10.0


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform.startswith("linux"):
        return bool(
            os.environ.get("DISPLAY")
            or os.environ.get("WAYLAND_DISPLAY")
            or os.environ.get("SDL_VIDEODRIVER")
        )
    return True


def go_headless(options: argparse.Namespace) -> None:
    """Make a start without a display record ten seconds instead."""
    options.headless = True
    options.seconds = options.seconds or DEMO_SECONDS
    options.record = options.record or Path(DEMO_FILE)
    print(
        f"no display: recording {options.seconds:g} s into {options.record};"
        " --headless plays on without a window"
    )
