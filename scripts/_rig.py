"""One show in several processes on this machine, under random hands and load.

    first      follows from before the leader is there
    late       joins when a fifth of the time is over
    stranger   has another key
    leader     is killed after three fifths, is gone for a while, and comes back

Every frame that the leader and a follower both painted has to be the same by its hash. The exit
status is 1 where one is not, a follower stood still, did not join again, or a stranger followed.
"""

import argparse
import json
import random
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from pythonosc.udp_client import SimpleUDPClient

from livebend.operators.library import find_operator
from livebend.scene import presets

SHOW = Path(__file__).parent / "_rig_show.py"
GONE = 8.0  # s without a leader
PORT, OSC = 8155, 8455
WORDS = ("ocean waves", "aurora", "flames", "thunderstorm with lightning", "northern lights")


class Seen(NamedTuple):
    """A frame: the leader's number, the hash of its pixels, and when it was there, in s."""

    number: int
    pixels: str
    moment: float


def parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rig", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N")
    parser.add_argument("--fps", type=float, default=10.0, metavar="N")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--busy", type=int, default=1, metavar="N", help="processes beside")
    parser.add_argument("--model", default="tiny")
    return parser.parse_args(given)


class Rig:
    """The processes and their files."""

    def __init__(self, options: argparse.Namespace, folder: Path, ending: ExitStack) -> None:
        self._options, self._folder, self._ending = options, folder, ending
        self.key = folder / "key"
        self.key.write_text(secrets.token_hex())

    def start(self, name: str, osc: int, **more: Any) -> subprocess.Popen[str]:
        """Start a show that writes NAME.log."""
        options = self._options
        given = {
            "log": str(self._folder / f"{name}.log"), "key": str(self.key), "model": options.model,
            "fps": options.fps, "size": [options.size] * 2, "osc": f"127.0.0.1:{osc}",
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, str(SHOW), json.dumps(given | more)],
            stdout=subprocess.PIPE, stderr=(self._folder / f"{name}.err").open("w"), text=True,
        )  # fmt: skip
        self._ending.callback(process.kill)
        return process

    def seen(self, name: str) -> list[Seen]:
        """Return the frames of a show so far."""
        log = self._folder / f"{name}.log"
        rows = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [Seen(int(n), pixels, float(at)) for n, pixels, at in rows if at]

    def said(self, name: str) -> str:
        """Return what a show has printed as notices."""
        return (self._folder / f"{name}.err").read_text()


def plain_presets() -> list[str]:
    """Return the presets whose frames depend on no frame before: one that is slow skips some."""
    found = []
    for name in presets.names():
        scene = presets.load(name)
        past = any("past" in find_operator(bend.operator).given for bend in scene.bends)
        if not past and scene.walk.hold == scene.reuse.deep == scene.reuse.tween == 1:
            found.append(name)
    return [name for name in found if "/" not in name]


def hands(seed: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield what is played, without end."""
    draw, names = random.Random(seed), plain_presets()
    while True:
        yield draw.choice((
            ("/livebend/preset", [draw.choice(names), draw.choice((0.0, 1.5, 4.0))]),
            ("/livebend/prompt", [draw.choice(WORDS)]),
            ("/livebend/prompt/fade", [draw.choice((0.0, 2.0))]),
            ("/livebend/walk/radius/play", [draw.random()]),
            ("/livebend/crossfade/position", [draw.random()]),
            ("/livebend/crossfade/to", [draw.choice(names)]),
            ("/livebend/bend/add", ["twist", "swirl", "vae.in", "angle", draw.uniform(-90, 90)]),
            ("/livebend/bend/twist/angle/play", [draw.random()]),
            ("/livebend/bend/remove", ["twist"]),
            ("/livebend/route/add", ["kick", "low", "walk.radius", "high", 0.5]),
            ("/livebend/tempo/bpm", [draw.choice((0.0, 120.0))]),
            ("/livebend/tap", []),
            ("/livebend/undo", []),
            ("/livebend/panic", []),
        ))  # fmt: skip


def play_hands(seconds: float, seed: int) -> None:
    """Play the leader for so long."""
    osc, end, every = SimpleUDPClient("127.0.0.1", OSC), time.monotonic() + seconds, hands(seed)
    while time.monotonic() < end:
        osc.send_message(*next(every))
        time.sleep(random.Random(seed).uniform(0.02, 0.4))
        seed += 1


def compared(leader: list[Seen], follower: list[Seen], fps: float) -> dict[str, Any]:
    """Return how the frames of a follower are beside its leader's."""
    theirs = {one.number: one for one in leader}
    both = [(theirs[one.number], one) for one in follower if one.number in theirs]
    late = sorted((b.moment - a.moment) * 1e3 for a, b in both)
    different = [a.number for a, b in both if a.pixels != b.pixels]
    begin, end = (both[0][0].number, both[-1][0].number) if both else (0, 0)
    span = [one for one in leader if begin <= one.number <= end]
    return {
        "both painted": len(both), "skipped": len(span) - len(both),
        "different": len(different), "first different": different[:5],
        "ms behind": {"p50": round(statistics.median(late), 1) if late else None,
                      "p95": round(late[int(0.95 * len(late))], 1) if late else None},
        "within a frame": round(
            sum(abs(ms) < 1e3 / fps for ms in late) / max(len(late), 1), 4
        ),
    }  # fmt: skip


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """End a show; return its report."""
    process.send_signal(signal.SIGTERM)
    try:
        out, _ = process.communicate(timeout=60)
        found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        return {}
    return found


def run(options: argparse.Namespace, folder: Path, ending: ExitStack) -> dict[str, Any]:
    rig, whole = Rig(options, folder, ending), options.minutes * 60.0
    for _ in range(options.busy):
        busy = subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"])
        ending.callback(busy.kill)
    follow = {"follow": f"127.0.0.1:{PORT}"}
    first = rig.start("first", OSC + 1, **follow)
    time.sleep(2.0)
    leader = rig.start("leader-1", OSC, lead=f"127.0.0.1:{PORT}", preset="storm")
    while not rig.seen("leader-1") or leader.poll() is not None:
        time.sleep(0.2)
    play_hands(0.2 * whole, 1)
    late = rig.start("late", OSC + 2, **follow)
    other = folder / "other"
    other.write_text(secrets.token_hex())
    stranger = rig.start("stranger", OSC + 3, **follow | {"key": str(other)})
    play_hands(0.15 * whole, 2)
    strange = ended(stranger)
    play_hands(0.25 * whole, 3)
    leader.kill()
    killed = time.perf_counter()
    time.sleep(GONE)
    leader = rig.start("leader-2", OSC, lead=f"127.0.0.1:{PORT}", preset="tide")
    while not rig.seen("leader-2"):
        time.sleep(0.2)
    back = rig.seen("leader-2")[0].moment
    play_hands(0.4 * whole, 4)
    reports = {"first": ended(first), "late": ended(late), "leader": ended(leader)}
    result: dict[str, Any] = {"stranger": strange.get("notices", []), "reports": reports}
    strangers = rig.seen("stranger")
    result["stranger followed"] = sum(one.number >= 0 for one in strangers)
    for name in ("first", "late"):
        frames = rig.seen(name)
        before = [one for one in frames if one.moment < killed]
        after = [one for one in frames if one.moment >= back]
        alone = [one for one in frames if killed <= one.moment < back and one.number < 0]
        joined = next((one.moment for one in after if one.number >= 0), None)
        result[name] = {
            "with the first leader": compared(rig.seen("leader-1"), before, options.fps),
            "with the second": compared(rig.seen("leader-2"), after, options.fps),
            "alone": {"frames": len(alone), "after s": round(alone[0].moment - killed, 2)
                      if alone else None},
            "joined again after s": None if joined is None else round(joined - back, 2),
        }  # fmt: skip
    return result


def main(given: list[str]) -> int:
    options = parse(given)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        result = run(options, Path(folder), ending)
    print(json.dumps(result, indent=2))
    bad = result["stranger followed"]
    for name in ("first", "late"):
        one = result[name]
        pairs = one["with the first leader"], one["with the second"]
        bad += sum(pair["different"] + (not pair["both painted"]) for pair in pairs)
        bad += not one["alone"]["frames"] or one["joined again after s"] is None
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
