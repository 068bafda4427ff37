"""Measure how well the picture of a preset follows a piece of music.

    scripts/motion SONG.ogg default storm --begin 30 --seconds 20

Every route from the sound is left out once, and held at its end once: `follows` is the correlation
of what the route adds to its parameter with how far the picture has gone from the one without it
to the one at its end, frame by frame; `moves` is the farthest that it goes, of 255. Then the whole:
how far the picture goes from frame to frame (median, 95th percentile, most), `flicker`, the share
of that way that it goes back in the next frame, and the frames that flash so much that the strobe
limit would hold them.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from livebend.audio.open_input import open_sound, pull_sound
from livebend.core.clock import OfflineClock
from livebend.core.errors import LivebendError
from livebend.core.mailbox import OnDemand
from livebend.core.status import Status
from livebend.flow import Features, Pixels
from livebend.models.default_model import model_or_default
from livebend.modulation.sources import SOURCES
from livebend.outputs.strobe_limit import FlashLimit, points_of
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import offline_renderer
from livebend.scene import edit, presets
from livebend.scene.values import Scene


class Film(NamedTuple):
    """A film as it was painted, and what each route added to its parameter in every frame."""

    pictures: list[Pixels]
    added: dict[str, list[float]]


def parse(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="motion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sound", help="demo or a sound file")
    parser.add_argument("presets", nargs="*", default=["default"], metavar="PRESET")
    parser.add_argument("--begin", type=float, default=0.0, metavar="S", help="where to begin")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S")
    parser.add_argument("--fps", type=float, default=20.0)
    parser.add_argument("--model", metavar="tiny|FOLDER|HUB ID")
    return parser.parse_args(given)


def hear(options: argparse.Namespace) -> list[Features]:
    """Return the features at every frame, with all of the sound before them heard."""
    sound = pull_sound(open_sound(options.sound), frame_rate=options.fps)
    clock = OfflineClock(options.fps, options.begin + options.seconds)
    heard = [sound.at(tick.time) for tick in clock]
    return heard[round(options.fps * options.begin) :]


def play(network: Network, scene: Scene, heard: Sequence[Features], fps: float) -> Film:
    """Paint a film. Raises: LivebendError."""
    seconds = len(heard) / fps
    status = OnDemand(Status())
    prompts = Prompts(network.model.encode)
    render = offline_renderer(network, prompts, duration=seconds, status=status)
    scene, film = network.check(scene), Film([], {route.name: [] for route in scene.routes})
    for tick, features in zip(OfflineClock(fps, seconds), heard, strict=True):
        film.pictures.append(render(scene, features, tick).pixels.copy())
        for route in status.get().routes:
            film.added[route.name].append(route.output)
    return film


def apart(one: Pixels, other: Pixels) -> float:
    """Return how far two pictures are apart: the mean over their places, of 255."""
    return float(np.abs(one.astype(np.float32) - other).mean())


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Pearson's correlation; 0 where one of them does not move."""
    if min(np.std(one), np.std(other)) < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def follows(whole: Film, without: Film, full: Film, route: str) -> str:
    """Describe how the picture follows a route, which is left out `without` and at its end in
    `full`."""
    films = zip(whole.pictures, without.pictures, full.pictures, strict=True)
    ways = [(apart(now, rest), apart(end, rest)) for now, rest, end in films]
    shares = [now / max(end, 1e-9) for now, end in ways]
    driven = np.abs(whole.added[route])
    farthest = max(now for now, _ in ways)
    return f"follows {correlation(driven, shares):.2f}, moves {farthest:.1f}"


def motion(pictures: Sequence[Pixels], fps: float) -> str:
    """Describe how a film moves from frame to frame."""
    steps = [apart(a, b) for a, b in pairwise(pictures)]
    p50, p95 = np.quantile(steps, (0.5, 0.95))
    limit = FlashLimit()
    held = sum(
        limit.part(points_of(picture), index / fps) < 1.0 for index, picture in enumerate(pictures)
    )
    return (
        f"a frame goes {p50:.1f} (p95 {p95:.1f}, most {max(steps):.1f});"
        f" flicker {flicker(pictures):.2f}; {held} of {len(pictures)} frames flash too much"
    )


def flicker(pictures: Sequence[Pixels]) -> float:
    """Return the share of the way from frame to frame that the picture goes back in the next one:
    0 for what moves on, 1 for what goes to and fro."""
    steps = [b.astype(np.float32) - a for a, b in pairwise(pictures)]
    back = sum(float(np.minimum(np.abs(a), np.abs(b))[a * b < 0].sum()) for a, b in pairwise(steps))
    return back / max(sum(float(np.abs(step).sum()) for step in steps[1:]), 1e-9)


def measure(network: Network, name: str, heard: Sequence[Features], fps: float) -> list[str]:
    """Return lines about a preset. Raises: LivebendError."""
    scene = presets.load(name)
    whole = play(network, scene, heard, fps)
    lines = [f"{name}: {motion(whole.pictures, fps)}"]
    for route in scene.routes:
        if SOURCES[route.source].kind != "time":
            muted = edit.put(scene, f"route.{route.name}.mute", value=True)
            held = edit.put(scene, f"route.{route.name}.low", route.high)
            both = (play(network, other, heard, fps) for other in (muted, held))
            said = follows(whole, *both, route.name)
            lines.append(f"  {route.name}: {route.source} to {route.target}: {said}")
    return lines


def main(given: Sequence[str]) -> int:
    """Measure and print; return the exit status."""
    options = parse(given)
    try:
        network = open_network(model_or_default(options.model), None, "torch", print)
        heard = hear(options)
        if not heard:
            raise LivebendError(f"{Path(options.sound).name}: nothing to hear at that time")
        for name in options.presets:
            print("\n".join(measure(network, name, heard, options.fps)), flush=True)
    except (LivebendError, OSError) as why:
        print(f"motion: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
