"""Shows in processes of their own, which may be killed. They are forked from one that has imported
everything, since that takes longer than a short show."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import ROOT

SERVER = """
import json, os, signal, sys, time
from livebend.cli.main import main
import livebend.cli.live_show
from livebend.models.parts import libraries
libraries()

def start(folder, arguments, display):
    if child := os.fork():
        return child
    if display:
        os.environ.pop("SDL_VIDEODRIVER", None)
        os.environ["DISPLAY"] = display
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(folder)
    for stream, name in ((1, "out.txt"), (2, "err.txt")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), stream)
    sys.exit(main(arguments))

def wait(child, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)

print("ready", flush=True)
for line in sys.stdin:
    what, *given = json.loads(line)
    print(json.dumps({"start": start, "wait": wait}[what](*given)), flush=True)
"""


class Processes:
    """Starts shows, each in a folder of its own with what it prints in out.txt and err.txt."""

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self._server.stdout.readline() == "ready\n"

    def start(self, folder: Path, arguments: Sequence[str], display: str = "") -> int:
        """Run a command in a folder, on the X server of that name; return its process."""
        child = self._ask("start", str(folder), list(arguments), display)
        self._children.add(child)
        return child

    def status(self, child: int, seconds: float) -> int | None:
        """Return the exit status, −N for signal N; None where it has not ended in so long."""
        found = self._ask("wait", child, seconds)
        if found is not None:
            self._children.discard(child)
        return found

    def close(self) -> None:
        """End all that are left."""
        for child in self._children:
            os.kill(child, signal.SIGKILL)
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()

    def _ask(self, *question: object) -> object:
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())
