"""A show that a crowd looks at, and that broken requests come to, from another process.

    quiet   nobody is connected
    crowd   200 WebSockets listen, one of which reads nothing, and three pages look at the picture
    fuzz    broken requests and frames, from strangers and from a page that is paired

Quiet and crowd take turns, so that a machine that others use too is as busy in the one as in the
other. The show is the real one, as in `_flood.py`. The exit status is 1 if a part of the show or of
the remote failed, a listener lost its socket, memory grew by more than the limit, or somebody was
still connected at the end.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _flood import PATIENCE, Counted, Flooded
from _soak import played

CLIENTS = Path(__file__).parent / "_crowd_clients.py"
LIMIT = 32.0  # MB


def parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crowd", description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=6, metavar="N", help="of quiet and crowd")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="a turn")
    parser.add_argument("--listeners", type=int, default=200, metavar="N")
    parser.add_argument("--fuzz", type=int, default=100_000, metavar="N", help="requests, frames")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="MB")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--backend", default="auto")
    return parser.parse_args(given)


def clients(flooded: Flooded, what: str, count: int) -> subprocess.Popen[str]:
    """Start a process of clients."""
    remote = flooded.show.remote
    command = [sys.executable, str(CLIENTS), what, str(remote.address[1]), remote.pairing.code]
    return subprocess.Popen(
        [*command, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def quiet_and_crowd(flooded: Flooded, options: argparse.Namespace) -> dict[str, object]:
    """Play alone and before a crowd, by turns."""
    quiet, crowd, got = Counted(), Counted(), Counter[str]()
    for _ in range(options.turns):
        with flooded.counted(quiet):
            flooded.show.stop.wait(options.seconds)
        process = clients(flooded, "listen", options.listeners)
        assert process.stdout is not None
        process.stdout.readline()  # ready
        with flooded.counted(crowd):
            flooded.show.stop.wait(options.seconds)
        got.update(json.loads(process.communicate()[0]))
    return {"quiet": quiet.figures(), "crowd": crowd.figures() | {"got": dict(got)}}


def fuzzed(flooded: Flooded, count: int) -> dict[str, object]:
    """Play while broken requests and frames come."""
    counted = Counted()
    with flooded.counted(counted):
        sent = int(clients(flooded, "fuzz", count).communicate()[0])
    counts = flooded.show.remote.counts
    told = {"sent": sent, "requests": counts.requests, "refused": counts.refused,
            "faults": counts.faults}  # fmt: skip
    return {"fuzz": counted.figures() | told}


def crowded(options: argparse.Namespace, notify: Callable[[str], None]) -> dict[str, object]:
    """Play before a crowd; return the figures."""
    flooded = Flooded(options, remote="auto")
    phases = (
        partial(quiet_and_crowd, flooded, options),
        partial(fuzzed, flooded, options.fuzz),
        partial(left, flooded),
    )
    return flooded.play(phases, notify)


def left(flooded: Flooded) -> dict[str, object]:
    """Wait until all that were connected are gone; return how many are not."""
    connections = flooded.show.remote._connections
    flooded.until(lambda: connections.has_room("127.0.0.1") and not connections, PATIENCE)
    return {"left": len(connections)}


def failed(figures: dict[str, object], options: argparse.Namespace) -> list[str]:
    """Return what is not as it must be."""
    if not {"quiet", "crowd", "fuzz", "left"} <= figures.keys():
        return ["the show ended before the crowd did"]
    found = [f"fault: {fault}" for fault in figures["faults"]]
    if figures["fuzz"]["faults"]:
        found.append(f"the remote had {figures['fuzz']['faults']} faults")
    got = figures["crowd"]["got"]
    if got.get("closed", 0) or got["sockets"] != (options.listeners - 1) * options.turns:
        found.append(f"listeners lost their sockets: {got}")
    for name in ("crowd", "fuzz"):
        before, after = figures[name]["memory_mb"]
        if after - before > options.limit:
            found.append(f"{name}: memory grew by {after - before:.1f} MB")
    if figures["left"]:
        found.append(f"{figures['left']} are still connected")
    return found


def main(given: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if given is None else given)
    faults = failed(played(partial(crowded, options)), options)
    for fault in faults:
        print(f"crowd: {fault}", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
