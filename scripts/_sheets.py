"""All there is to look at, painted with the weights that are here.

The README's two pictures (twist.png, presets.png), the paper's twelve figures and moments of its
seven videos, a strip of every operator. Then, in numbers, how evenly figure 1 turns: the distances of the
pictures of neighbouring angles, π/32 apart, down each of its columns.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from livebend.cli.main import main as livebend
from livebend.cli.sweep import axis
from livebend.core.errors import LivebendError
from livebend.flow import Pixels
from livebend.models.default_model import model_or_default
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from livebend.rendering.painter import Painter
from livebend.scene import edit, presets

TURN = "paper/f1"
ANGLES = 64  # steps of a whole turn
TWIST = (
    "storm", "--bend", "swirl@vae.in",
    "--rows", "prompt.text=thunderstorm,aurora,flames", "--columns", "bend.new.angle=0..240/5",
)  # fmt: skip


def main() -> int:
    """Paint and print; return the exit status."""
    wishes = _arguments()
    options = [] if wishes.model is None else ["--model", wishes.model]
    if wishes.size is not None:
        options += ["--size", str(wishes.size)]
    try:
        wishes.folder.mkdir(parents=True, exist_ok=True)
        for command in commands(wishes.folder):
            if status := livebend([*command, *options]):
                return status
        size = None if wishes.size is None else (wishes.size, wishes.size)
        network = open_network(model_or_default(wishes.model), size, "torch", print)
        for line in turns(network):
            print(line)
    except (LivebendError, OSError) as why:
        print(f"sheets: {why}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sheets", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--model", metavar="tiny|FOLDER|HUB ID")
    parser.add_argument("--size", type=int, metavar="N", help="pixels a side")
    return parser.parse_args()


def commands(folder: Path) -> Iterator[list[str]]:
    """Yield what livebend is asked for, one sheet after another."""
    names = [found.name for found in presets.list_presets()]
    figures = [name for name in names if presets.sweep_of(name)]
    videos = [name for name in names if "/" in name and name not in figures]
    for name in figures:
        yield ["sweep", name, "-o", str(folder / f"{name.replace('/', '-')}.png")]
    yield ["sweep", *TWIST, "-o", str(folder / "twist.png")]
    yield ["presets", *videos, "--sheet", str(folder / "videos.png")]
    yield ["presets", "--sheet", str(folder / "presets.png")]
    yield ["operators", "--image", str(folder / "operators")]


def turns(network: Network) -> Iterator[str]:
    """Yield how evenly each column of figure 1 turns, a line each."""
    painter, scene = Painter(network), network.check(presets.load(TURN))
    for site in axis(presets.sweep_of(TURN)["columns"]).values:
        there = edit.put(scene, "bend.turn.site", site)
        angles = (360.0 * k / ANGLES for k in range(ANGLES + 1))
        painted = [painter(edit.put(there, "bend.turn.angle", angle)) for angle in angles]
        yield f"{site}: {evenness(painted)}"


def evenness(pictures: Sequence[Pixels]) -> str:
    """Say how far the last picture is from the first, and how neighbours differ, of 255."""
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
