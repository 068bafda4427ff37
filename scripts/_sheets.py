"""Paint everything that can be looked at, with the weights that are here.

The README's pictures (presets.jpg, and show.webp, which moves), twist.png, the paper's twelve
figures and moments of its seven videos, a strip of every operator, and a painting of its own
repainted by more and more of a few steps (repainted.png). Then print how evenly figure 1 rotates:
the distances between the pictures of neighbouring angles, π/32 apart, in each of its columns.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pygame
from PIL import Image

from livebend.audio.open_input import open_sound, pull_sound
from livebend.cli.contact_sheet import painted
from livebend.cli.main import main as livebend
from livebend.cli.sweep import axis
from livebend.core.clock import OfflineClock
from livebend.core.errors import LivebendError
from livebend.flow import Pixels
from livebend.models.default_model import model_or_default
from livebend.outputs.drawing import surface_of
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from livebend.rendering.painter import PLAIN, Painter
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import offline_renderer
from livebend.scene import edit, presets
from livebend.scene.values import Prompt, Scene

FIGURE = "paper/f1"
ANGLES = 64  # steps of a whole rotation
TWIST = (
    "storm", "--bend", "swirl@vae.in",
    "--rows", "prompt.text=thunderstorm,aurora,flames", "--columns", "bend.new.angle=0..240/5",
)  # fmt: skip
REPAINTED = (
    "--set", "prompt.text=ocean waves", "--rows", "sampling.steps=1,2,4",
    "--columns", "picture.strength=0,0.2,0.35,0.5,0.65,0.8,1",
)  # fmt: skip
CLIP = ("default", "glass", "prism", "tide", "tunnel", "north")  # played side by side, in two rows
CLIP_FROM, CLIP_TO, CLIP_FPS = 12.0, 18.0, 12.0  # s of the demo track
CLIP_SIDE = 176  # pixels of each


def main() -> int:
    """Paint and print; return the exit status."""
    options = _options()
    passed_on = [] if options.model is None else ["--model", options.model]
    if options.size is not None:
        passed_on += ["--size", str(options.size)]
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for command in commands(options.folder):
            if status := livebend([*command, *passed_on]):
                return status
        size = None if options.size is None else (options.size, options.size)
        network = open_network(model_or_default(options.model), size, "torch", print)
        clip(network, options.folder / "show.webp")
        for line in rotations(network):
            print(line)
        return livebend([*repainted(network, options.folder), *passed_on])
    except (LivebendError, OSError) as why:
        print(f"sheets: {why}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sheets", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--model", metavar="tiny|FOLDER|HUB ID")
    parser.add_argument("--size", type=int, metavar="N", help="pixels a side")
    return parser.parse_args()


def commands(folder: Path) -> Iterator[list[str]]:
    """Yield livebend's arguments, one sheet after another."""
    names = [found.name for found in presets.list_presets()]
    figures = [name for name in names if presets.sweep_of(name)]
    videos = [name for name in names if "/" in name and name not in figures]
    for name in figures:
        yield ["sweep", name, "-o", str(folder / f"{name.replace('/', '-')}.png")]
    yield ["sweep", *TWIST, "-o", str(folder / "twist.png")]
    yield ["presets", *videos, "--sheet", str(folder / "videos.png")]
    yield ["presets", "--sheet", str(folder / "presets.jpg")]
    yield ["operators", "--image", str(folder / "operators")]


def repainted(network: Network, folder: Path) -> list[str]:
    """Paint a picture, and return the arguments of the sheet that begins at it."""
    forest = replace(PLAIN, prompt=Prompt("forest with river"))
    file = folder / "forest.png"
    pygame.image.save(surface_of(Painter(network)(forest)), file)
    return ["sweep", *REPAINTED, "--picture", str(file), "-o", str(folder / "repainted.png")]


def clip(network: Network, file: Path) -> None:
    """Play presets side by side, as a picture that moves."""
    played = [_played(network, presets.load(name)) for name in CLIP]
    width = len(CLIP) // 2
    frames = [
        Image.fromarray(np.vstack([np.hstack(row) for row in (now[:width], now[width:])]))
        for now in zip(*played, strict=True)
    ]
    first, *rest = frames
    lasts = round(1000 / CLIP_FPS)
    first.save(file, save_all=True, append_images=rest, duration=lasts, loop=0, quality=80)


def _played(network: Network, scene: Scene) -> list[Pixels]:
    """Play a scene to a part of the demo track, and return its frames, CLIP_SIDE a side."""
    scene, clock = network.check(scene), OfflineClock(CLIP_FPS, CLIP_TO)
    sound = pull_sound(open_sound("demo"), frame_rate=CLIP_FPS)
    features = [sound.at(tick.time) for tick in clock]
    wanted = {tick.index for tick in clock if tick.time >= CLIP_FROM}
    render = offline_renderer(network, Prompts(network.model.encode), duration=CLIP_TO)
    side = CLIP_SIDE, CLIP_SIDE
    return [
        np.asarray(Image.fromarray(pixels).resize(side, Image.Resampling.LANCZOS))
        for pixels in painted(render, scene, clock, features, wanted)
    ]


def rotations(network: Network) -> Iterator[str]:
    """Yield a line for each column of figure 1: how evenly it rotates."""
    painter, scene = Painter(network), network.check(presets.load(FIGURE))
    for site in axis(presets.sweep_of(FIGURE)["columns"]).values:
        at_site = edit.put(scene, "bend.turn.site", site)
        angles = (360.0 * k / ANGLES for k in range(ANGLES + 1))
        turned = [painter(edit.put(at_site, "bend.turn.angle", angle)) for angle in angles]
        yield f"{site}: {evenness(turned)}"


def evenness(pictures: Sequence[Pixels]) -> str:
    """Describe how much the last picture differs from the first, and neighbours from each other,
    of 255."""
    whole = [picture.astype(np.float32) for picture in pictures]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(whole)]
    largest, median = max(steps), statistics.median(steps)
    back = np.abs(whole[-1] - whole[0]).max()
    return (
        f"a whole turn is off by {back:g}; largest step {largest:.2f} after"
        f" {steps.index(largest)} of {len(steps)}, {largest / max(median, 1e-9):.1f} times the"
        f" median {median:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
