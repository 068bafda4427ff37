"""Shows in processes of their own, which may be killed. They are forked from one that has imported
everything, since that takes longer than a short show."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import av

from livebend.control.cues import read_cues
from livebend.core.errors import LivebendError
from livebend.scene.commands import Set
from livebend.scene.presets import PresetBank
from tests import ROOT
from tests.fakes.osc import datagram, free_port

PRESET = '[prompt]\ntext = "a red orb"\n[bend.b]\noperator = "{}"\nsite = "{}"\n'
ENDS = 30.0  # s that a process that was killed may take to end

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
        self._server.kill()
        self._server.wait(ENDS)

    def _ask(self, *question: object) -> object:
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


class ShowProcess:
    """A show in a process of its own, with its files."""

    def __init__(
        self,
        processes: Processes,
        folder: Path,
        model: Path,
        *more: str,
        operator: str = "rotate",
        site: str = "latent@1",
        display: str = "",
    ) -> None:
        self.folder, self._processes, self.port = folder, processes, free_port()
        (folder / "plain.toml").write_text(PRESET.format(operator, site))
        arguments = [
            "live", *["--headless"] * (not display), "--model", str(model), "--backend", "torch",
            "--size", "64", "--preset", "plain.toml", "--fps", "8",
            "--osc", f"127.0.0.1:{self.port}", "--record", "film.mp4",
            "--record-cues", "cues.txt", "--stats", "stats.json", *more,
        ]  # fmt: skip
        self.process = processes.start(folder, arguments, display)

    def send(self, address: str, *values: object) -> None:
        """Send a message."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(datagram(address, *values), ("127.0.0.1", self.port))

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process, number)

    def status(self, seconds: float = 20.0) -> int | None:
        """Return the exit status, or None where the show has not ended in so long; it waits for
        less than 5 s, but a machine has more to do."""
        return self._processes.status(self.process, seconds)

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is true of the show."""
        for _ in range(1200):
            if condition():
                return
            assert self.status(0.1) is None, (self.folder / "err.txt").read_text()
        raise AssertionError((self.folder / "err.txt").read_text())

    def seconds(self, name: str = "film.mp4.part") -> float:
        """How much of a film plays."""
        with suppress(OSError, av.FFmpegError), av.open(str(self.folder / name)) as film:
            return max((float(f.pts * f.time_base) for f in film.decode(video=0)), default=0.0)
        return 0.0

    def seeds(self, name: str = "cues.txt") -> list[int]:
        """The seeds that were set, as the cue file has them."""
        with suppress(LivebendError):
            cues = read_cues(self.folder / name, PresetBank().load)
            return [c.command.value for c in cues if isinstance(c.command, Set)]
        return []
