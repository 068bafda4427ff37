"""A long show under random OSC messages: its memory, its frame times, what was refused.

The show is the real one: its own threads, the demo track or a sound file, a window on SDL's dummy
display, and an OSC client over UDP that moves parameters and masks, adds and removes bends and
routes, and sends presets with and without a fade, prompts, undo and panic. Every few seconds the
resident size is read. With --record-every it is recorded in turns, one film after the other, and
each is read to its end afterwards. The exit status is 1 if the size rises by more than the limit, a
frame was black, or a film is not as long as it was recorded.
"""

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

LIMIT = 1.0  # MB a minute
SETTLING = 0.25  # fraction of the show, at most SETTLED s, in which caches fill: not measured
SETTLED = 240.0
FILM = 2.0  # s by which a film may differ from the time it was recorded
BLACK = 8  # of 255: a picture with no value above this is black
NAMES = ("a", "b", "c", "d")  # of bends and routes
PRESETS = ("default", "storm", "tide", "city", "glass", "north", "embers", "mesh", "tunnel")
WORDS = ("flames", "ocean waves", "aurora", "forest", "mountains at sunset", "crystals", "fish")
SOURCES = ("rms", "low", "onset.pulse", "beat.phase", "lfo.sine", "flux")
PARAMETERS = {
    "walk/radius": (0.0, 1.5), "walk/period": (0.0, 30.0), "seed": (0, 5000), "prompt/fade": (0, 3),
    "preset/fade": (0.0, 2.0), "agc/ceiling": (1.0, 20.0),
}  # fmt: skip
MASKS = ("none", "disc", "rectangle", "gradient", "clouds", "scanline")

Message = tuple[str, tuple[object, ...]]


@dataclass
class RandomController:
    """Random messages, the same for the same seed.

    operators: the name of each operator's main parameter, and its largest value.
    sites: where bends act; not the decoder or the image, where a bend alone may make a picture
        black.
    """

    operators: dict[str, tuple[str, float]]
    sites: list[str]
    seed: int = 1
    rng: random.Random = field(init=False)
    bends: dict[str, str] = field(default_factory=dict)  # operator by name

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def message(self) -> Message:
        """Return the next message."""
        kinds = (self._parameter, self._bend_parameter, self._part, self._prompt, self._scene)
        address, values = self.rng.choices(kinds, (30, 40, 20, 5, 5))[0]()
        return f"/livebend/{address}", values

    def _parameter(self) -> Message:
        name, (low, high) = self.rng.choice(list(PARAMETERS.items()))
        whole = isinstance(low, int) and isinstance(high, int)
        value = self.rng.randint(low, high) if whole else self.rng.uniform(low, high)
        return name, (value,)

    def _bend_parameter(self) -> Message:
        name = self.rng.choice(NAMES)
        main, most = self.operators[self.bends.get(name, next(iter(self.operators)))]
        leaf = self.rng.choice((main, main, "mix", "mask/size", "mask/kind"))
        if leaf == "mask/kind":
            return f"bend/{name}/{leaf}", (self.rng.choice(MASKS),)
        return f"bend/{name}/{leaf}", (self.rng.uniform(0.0, most if leaf == main else 0.8),)

    def _part(self) -> Message:
        name, draw = self.rng.choice(NAMES), self.rng.random()
        if draw < 0.3:
            return "bend/remove", (name,)
        if draw < 0.7:
            operator, site = self.rng.choice([*self.operators]), self.rng.choice(self.sites)
            self.bends[name] = operator
            return "bend/replace", (name, operator, site, "mix", 0.3)
        if draw < 0.8:
            return "route/remove", (name,)
        target = f"bend.{self.rng.choice(NAMES)}.mix"
        return "route/replace", (name, self.rng.choice(SOURCES), target, "high", 0.5)

    def _prompt(self) -> Message:
        text = f"{self.rng.choice(WORDS)} {self.rng.choice(WORDS)} {self.rng.random():.4f}"
        return "prompt", (text,)

    def _scene(self) -> Message:
        command = self.rng.choice(("preset", "preset", "panic", "undo"))
        return command, (self.rng.choice(PRESETS),) if command == "preset" else ()


def resident() -> float:
    """Return this process's resident size in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("soak: this system does not say how much memory a process has")


def slope(points: list[tuple[float, float]]) -> float:
    """Return the rise of (seconds, MB) in MB a minute: the median of the slopes of all pairs, which
    an outlier does not move. Source: Theil 1950, Sen 1968."""
    from statistics import median  # noqa: PLC0415

    rises = [
        (b - a) / (t - s) * 60.0
        for n, (s, a) in enumerate(points)
        for t, b in points[n + 1 :]
        if t > s
    ]
    return median(rises) if rises else 0.0


def settled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points without the beginning, in which caches fill."""
    begin, end = points[0][0], points[-1][0]
    until = begin + min(SETTLING * (end - begin), SETTLED)
    return [point for point in points if point[0] >= until]


def parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="read the size")
    parser.add_argument("--rate", type=float, default=10.0, metavar="N", help="messages a second")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="MB", help="a minute")
    parser.add_argument("--input", default="demo", metavar="demo|FILE")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fps", type=float, default=60.0, metavar="N", help="at most")
    parser.add_argument("--record-every", type=float, default=0.0, metavar="S",
                        help="record for so long, then pause as long; 0 = nothing")  # fmt: skip
    return parser.parse_args(given)


def soak(options: argparse.Namespace, notify: Callable[[str], None]) -> dict[str, object]:
    """Play; return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        return _soak(options, notify, Path(folder) / "soak.mp4")


def _soak(
    options: argparse.Namespace, notify: Callable[[str], None], film: Path
) -> dict[str, object]:
    from livebend.cli.live_options import LiveOptions  # noqa: PLC0415
    from livebend.cli.live_show import LiveShow  # noqa: PLC0415
    from livebend.core.clock import now  # noqa: PLC0415 - after the environment is set
    from livebend.operators.library import all_operators  # noqa: PLC0415

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    live = LiveOptions(
        input=options.input, model=options.model, size=(options.size, options.size),
        backend=options.backend, seconds=options.minutes * 60, osc=f"127.0.0.1:{port}",
        fps=options.fps, record=film if options.record_every else None,
    )  # fmt: skip
    show = LiveShow(live)
    first, black, counted = threading.Event(), [], show.statistics.shown
    points: list[tuple[float, float]] = []
    recorded: list[float] = []  # s of each film, by the clock

    def shown(frame) -> None:
        counted(frame)
        if frame.pixels.max() <= BLACK and not show.display.view.blackout:
            black.append(frame.index)
        first.set()

    show.statistics.shown = shown
    mains = {n: [*o.main_at(1.0).items()] for n, o in all_operators().items() if not o.given}
    operators = {name: main[0] for name, main in mains.items() if main}
    controller = RandomController(operators, sites(), options.seed)

    def has_begun() -> bool:
        while not first.wait(0.1):
            if show.stop.is_set():
                return False
        return True

    def play() -> None:
        from pythonosc.udp_client import SimpleUDPClient  # noqa: PLC0415

        client = SimpleUDPClient("127.0.0.1", port)
        while has_begun() and not show.stop.wait(1.0 / options.rate):
            client.send_message(*controller.message())

    def watch() -> None:
        while has_begun() and not show.stop.wait(options.every):
            points.append((now(), resident()))
            notify(f"{points[-1][0] - points[0][0]:6.0f} s  {points[-1][1]:8.1f} MB")

    def record() -> None:
        if options.record_every and has_begun():
            recorded.extend(take_turns(show, options.record_every, now))

    works = (play, watch, record)
    workers = [threading.Thread(target=work, daemon=True) for work in works]
    for worker in workers:
        worker.start()
    try:
        report = show.play()
    finally:
        show.stop.set()
    for worker in workers:
        worker.join(10.0)
    films = [film_seconds(file) for file in sorted(film.parent.glob("*.mp4"), key=birth)]
    lasted = {"film_s": films, "recorded_s": [round(seconds, 2) for seconds in recorded]}
    return figures(report, points, black, show) | (lasted if options.record_every else {})


def take_turns(show, every: float, now: Callable[[], float]) -> Iterator[float]:
    """End and begin films by turns until the show ends; yield how long each was recorded, in s."""
    while True:
        begin = now()
        ends = show.stop.wait(every)
        yield now() - begin
        if ends:
            return
        show.display.set("record", False)
        if show.stop.wait(every):
            return
        show.display.set("record", True)


def birth(film: Path) -> int:
    """Return the number of a film: 1 for soak.mp4, 2 for soak-2.mp4."""
    return int(film.stem.partition("-")[2] or 1)


def film_seconds(film: Path) -> float:
    """Read every picture of a film; return how long it plays."""
    import av  # noqa: PLC0415

    last, period = 0.0, 0.0
    with av.open(str(film)) as file:
        for frame in file.decode(video=0):
            period, last = frame.time - last, frame.time
    return round(last + period, 2)


def torn(found: dict[str, object]) -> bool:
    """Whether films are missing, or differ from the time that they were recorded."""
    films, recorded = found.get("film_s", []), found.get("recorded_s", [])
    assert isinstance(films, list)
    assert isinstance(recorded, list)
    pairs = zip(films, recorded, strict=False)
    return len(films) != len(recorded) or any(abs(a - b) > FILM for a, b in pairs)


def sites() -> list[str]:
    """Return the sites for bends: along the whole unet, but not after the last latent."""
    blocks = [f"unet.{side}.{n}" for side in ("down", "up") for n in range(4)]
    return [*blocks, "unet.in", "unet.mid", "unet.skip.1", "unet.text", "latent@0.5", "latent@1"]


def figures(report, points, black, show) -> dict[str, object]:
    """Return what is printed."""
    rise = slope(settled(points)) if len(points) > 3 else 0.0
    engine = show.status.get()
    return {
        "slope_mb_per_minute": round(rise, 3),
        "resident_mb": [round(size, 1) for _, size in points],
        "black_frames": len(black),
        "nonfinite_frames": report["nonfinite_frames"],
        "refused": report["commands_refused"],
        "commands": report["commands_received"],
        "messages": show.osc.counts.messages,
        "engine": report["engine"],
        "notices": [notice.text for notice in engine.notices],
        "frames": report["frames_generated"],
        "fps": round(report["fps"], 2),
        "frame_ms": report["frame_ms"],
    }


def played(play: Callable[[Callable[[str], None]], dict[str, Any]]) -> dict[str, Any]:
    """Play a show without a screen, with notices on stderr; print its figures and return them."""
    from livebend.cli.main import limit_spinning  # noqa: PLC0415

    limit_spinning()
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    found = play(lambda line: print(line, file=sys.stderr, flush=True))
    json.dump(found, sys.stdout, indent=2)
    print()
    return found


def main(given: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if given is None else given)
    found = played(partial(soak, options))
    grew = float(found["slope_mb_per_minute"]) > options.limit
    if grew:
        print(f"soak: grows by more than {options.limit:g} MB a minute", file=sys.stderr)
    if found["black_frames"]:
        print("soak: there were black frames", file=sys.stderr)
    if torn(found):
        print("soak: a film is not as long as it was recorded", file=sys.stderr)
    return int(grew or bool(found["black_frames"]) or torn(found))


if __name__ == "__main__":
    sys.exit(main())
