"""A show that is flooded with datagrams by another process: what it loses, and what it costs.

    quiet   nothing is sent
    junk    broken datagrams, with a real message in every hundred: each moves the seed by one
    valid   faders, more than the show can take; black is sent behind them, on and off

Quiet and junk take turns, so that a machine that others use too is as busy in the one as in the
other.

The show is the real one: its own threads, the demo track, a window on SDL's dummy display. A frame
is counted from one on the display to the next. The exit status is 1 if a real message was lost, a
part of the show failed, memory grew by more than the limit, or black did not come.
"""

import argparse
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from _datagrams import EVERY, message
from _soak import played, resident

LIMIT = 32.0  # MB: a show's own caches fill in its first minutes
BEGINNING = 60.0  # s that the first frame may take
SETTLING = 5.0  # s
PATIENCE = 60.0  # s until what waits has been acted on
BLACKS = 10  # times that black is asked for
SENDER = Path(__file__).parent / "_datagrams.py"


def parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flood", description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=25, metavar="N", help="of quiet and junk")
    parser.add_argument("--quiet", type=float, default=4.0, metavar="S", help="a turn")
    parser.add_argument("--junk", type=int, default=1_000_000, metavar="N", help="datagrams")
    parser.add_argument("--junk-rate", type=int, default=4000, metavar="N", help="a second")
    parser.add_argument("--valid", type=float, default=60.0, metavar="S", help="of valid messages")
    parser.add_argument("--valid-rate", type=int, default=20_000, metavar="N", help="a second")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="MB")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--backend", default="auto")
    return parser.parse_args(given)


class Flooded:
    """A show, and what is seen of it from outside. Its main thread plays; another one floods."""

    def __init__(self, options: argparse.Namespace, **more: str) -> None:
        """`more` are options of the show."""
        from livebend.cli.live_options import LiveOptions  # noqa: PLC0415
        from livebend.cli.live_show import LiveShow  # noqa: PLC0415
        from livebend.core.clock import now  # noqa: PLC0415 - after the environment is set

        self._now, self._moments = now, list[float]()
        self.first = threading.Event()
        self.show = LiveShow(LiveOptions(
            input="demo", model=options.model, size=(options.size, options.size),
            backend=options.backend, osc="127.0.0.1:0", **more,
        ))  # fmt: skip
        self.show.seen = self._see

    def _see(self, _: object) -> None:
        self._moments.append(self._now())
        self.first.set()

    @property
    def port(self) -> int:
        return self.show.osc.address[1]

    @contextmanager
    def counted(self, into: "Counted") -> Iterator[None]:
        """Count what happens inside: frames, memory, and what was heard."""
        counts, begin = self.show.osc.counts, self._now()
        before = counts.messages, counts.garbage, counts.refused
        into.memory.append(resident())
        yield
        into.memory.append(resident())
        into.seconds += self._now() - begin
        moments = [moment for moment in tuple(self._moments) if moment >= begin]
        into.apart += [(b - a) * 1e3 for a, b in pairwise(moments)]
        after = counts.messages, counts.garbage, counts.refused
        into.heard = [n + b - a for n, a, b in zip(into.heard, before, after, strict=True)]

    def send(self, what: str, count: int, rate: int) -> subprocess.Popen[str]:
        """Start a process that sends."""
        command = [sys.executable, str(SENDER), what, str(self.port), str(count), str(rate)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def until(self, holds: Callable[[], bool], seconds: float) -> float | None:
        """Wait until something holds; return after how many s, or None where it did not."""
        begin = self._now()
        while not holds():
            if self._now() - begin > seconds or self.show.stop.wait(0.001):
                return None
        return self._now() - begin

    def play(
        self, phases: Sequence[Callable[[], dict[str, object]]], notify: Callable[[str], None]
    ) -> dict[str, object]:
        """Play the show while phases of it come one after the other; return their figures."""
        figures: dict[str, object] = {}

        def work() -> None:
            try:
                if not self.first.wait(BEGINNING):
                    return
                self.show.stop.wait(SETTLING)
                for phase in phases:
                    found = phase()
                    notify(json.dumps(found))
                    figures.update(found)
            finally:
                self.show.stop.set()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        report = self.show.play()
        thread.join(PATIENCE)
        faults = [notice["text"] for notice in report["notices"] if notice["level"] == "error"]
        return figures | {"faults": faults, "engine": report["engine"]}


@dataclass
class Counted:
    """What was counted while something was sent, over all its turns."""

    seconds: float = 0.0
    apart: list[float] = field(default_factory=list)  # ms from a frame on the display to the next
    memory: list[float] = field(default_factory=list)  # MB, before and after each turn
    heard: list[int] = field(default_factory=lambda: [0, 0, 0])
    sent: int = 0
    sending: float = 0.0  # s

    def took(self, sender: subprocess.Popen[str]) -> None:
        """Wait until a sender has ended, and count what it has sent."""
        sent, took = sender.communicate()[0].split()
        self.sent, self.sending = self.sent + int(sent), self.sending + float(took)

    def figures(self) -> dict[str, object]:
        """Return what is printed."""
        p50, p95, p99 = np.percentile(self.apart, (50, 95, 99)) if self.apart else (0.0,) * 3
        found = {
            "seconds": round(self.seconds, 1),
            "frames": len(self.apart),
            "frame_ms": {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)},
            "memory_mb": [round(self.memory[0], 1), round(self.memory[-1], 1)],
        }
        if self.sent:
            found |= dict(zip(("heard", "garbage", "refused"), self.heard, strict=True))
            found |= {"sent": self.sent, "rate": round(self.sent / self.sending)}
        return found


def quiet_and_junk(flooded: Flooded, options: argparse.Namespace) -> dict[str, object]:
    """Play without messages, and with broken ones and real ones among them, by turns; count which
    of the real ones the scene shows."""
    quiet, junk, each = Counted(), Counted(), options.junk // options.turns
    before = flooded.show.scenes.get().seed
    for _ in range(options.turns):
        with flooded.counted(quiet):
            flooded.show.stop.wait(options.quiet)
        with flooded.counted(junk):
            junk.took(flooded.send("junk", each, options.junk_rate))
    real = each // EVERY * options.turns
    moved = lambda: flooded.show.scenes.get().seed - before  # noqa: E731 - it changes
    flooded.until(lambda: moved() >= real, PATIENCE)
    shown = {"real_sent": real, "real_shown": moved()}
    return {"quiet": quiet.figures(), "junk": junk.figures() | shown}


def valid(flooded: Flooded, seconds: float, rate: int) -> dict[str, object]:
    """Send more faders than can be taken, and black behind them."""
    counted = Counted()
    with flooded.counted(counted):
        sender = flooded.send("valid", round(seconds * rate), rate)
        blacks = _blacks(flooded, seconds)
        counted.took(sender)
    return {"valid": counted.figures() | {"blackout_ms": blacks}}


def _blacks(flooded: Flooded, seconds: float) -> list[float]:
    """Switch black on and off; return the ms until each was obeyed, -1 where it was not."""
    display, found = flooded.show.display, []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", flooded.port))
        for turn in range(2 * BLACKS):
            flooded.show.stop.wait(seconds / (2 * BLACKS + 2))
            on = turn % 2 == 0
            out.send(message("/livebend/blackout", int(on)))
            taken = flooded.until(lambda on=on: display.view.blackout == on, PATIENCE)
            found.append(-1.0 if taken is None else round(taken * 1e3, 1))
    return found


def flood(options: argparse.Namespace, notify: Callable[[str], None]) -> dict[str, object]:
    """Play and flood; return the figures."""
    flooded = Flooded(options)
    phases = (
        partial(quiet_and_junk, flooded, options),
        partial(valid, flooded, options.valid, options.valid_rate),
    )
    return flooded.play(phases, notify)


def failed(figures: dict[str, object], limit: float) -> list[str]:
    """Return what is not as it must be."""
    if not {"quiet", "junk", "valid"} <= figures.keys():
        return ["the show ended before the flood did"]
    found = [f"fault: {fault}" for fault in figures["faults"]]
    real, shown = figures["junk"]["real_sent"], figures["junk"]["real_shown"]
    if real != shown:
        found.append(f"of {real} real messages {shown} were heard")
    for name in ("junk", "valid"):
        before, after = figures[name]["memory_mb"]
        if after - before > limit:
            found.append(f"{name}: memory grew by {after - before:.1f} MB")
    if min(figures["valid"]["blackout_ms"]) < 0:
        found.append("black did not come")
    return found


def main(given: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if given is None else given)
    figures = played(partial(flood, options))
    faults = failed(figures, options.limit)
    for fault in faults:
        print(f"flood: {fault}", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
