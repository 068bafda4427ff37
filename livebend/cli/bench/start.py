"""Where the time of a start goes: from the new process to the first frame that is presented.

A show is started in a new Python process, with a window (on SDL's dummy display where there is no
other), the demo track and the default preset, and ends with its first frame. The modules are
imported one by one in the order of a real start, so that each has its line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from livebend.cli.starting import starting
from livebend.core.clock import now
from livebend.core.errors import LivebendError
from livebend.models.backends.read_ahead import ReadAhead

IMPORTS = (
    ("torch", "torch"),
    ("livebend", "livebend.cli.live_show"),
    ("pygame", "livebend.outputs.window"),
)
TIMEOUT = 600.0  # s

Row = dict[str, Any]


def time_start(options: dict[str, Any]) -> list[Row]:
    """Start a show with these fields of `LiveOptions`; return a row for each phase, in s, the last
    for the whole. Raises: LivebendError where no frame came."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    code = f"import sys; from {__name__} import child; child(float(sys.argv[1]), sys.argv[2])"
    command = [sys.executable, "-c", code, repr(now()), json.dumps(options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as late:
        raise LivebendError(f"bench: no frame within {TIMEOUT:.0f} s of the start") from late
    if done.returncode:
        errors = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise LivebendError(f"bench: the start failed: {errors[-1]}")
    marks: list[tuple[str, float]] = json.loads(done.stdout.splitlines()[-1])
    rows, before = [], 0.0
    for phase, moment in marks:
        rows.append({"phase": phase, "s": round(moment - before, 3)})
        before = moment
    return [*rows, {"phase": "first frame presented", "s": round(before, 3)}]


def child(begin: float, given: str) -> None:
    """Start the show and print its marks: (phase, seconds since `begin`, before the process)."""
    marks: list[tuple[str, float]] = []

    def mark(phase: str) -> None:
        marks.append((phase, now() - begin))

    mark("python")
    options = json.loads(given)
    with starting(options) as ahead:
        for phase, module in IMPORTS:
            import_module(module)
            mark(phase)
        import_module("livebend.models.parts").libraries()
        mark("diffusers, transformers")
        _play(options, mark, ahead)
    print(json.dumps(marks))


def _play(given: dict[str, Any], mark: Callable[[str], None], ahead: ReadAhead) -> None:
    """Play up to the first frame on the display, with a mark after each phase of the start."""
    live: Any = import_module("livebend.cli.live_options")
    live_show: Any = import_module("livebend.cli.live_show")
    size = given.pop("size", None)
    options = live.LiveOptions(**given, size=tuple(size) if size else None, osc="127.0.0.1:0")

    def on_phase(phase: str) -> None:
        if not show.stop.is_set():
            mark(phase)
        if phase == live_show.FIRST_FRAME:
            show.stop.set()

    show = live_show.LiveShow(options, on_phase=on_phase, ahead=ahead)
    show.play()
