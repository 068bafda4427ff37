"""What is neither network nor bend: a hop of sound, a command."""

from collections.abc import Callable

import numpy as np

from livebend.audio.analyzer import Analyzer
from livebend.clock import now
from livebend.commands import Set
from livebend.scene import Bend, Scene

RATE, HOP = 48_000, 256


def time_senses(runs: int = 400) -> dict[str, float]:
    """Return medians in microseconds: `hop_us` of analysing 256 samples of noise at 48 kHz,
    `command_us` of applying one command to a scene of four bends."""
    sound = np.random.default_rng(1).normal(0, 0.1, (runs, HOP)).astype(np.float32)
    analyzer = Analyzer(RATE, HOP)
    bends = tuple(Bend(f"b{n}", "rotate_pairs", "unet.mid", {"angle": 1.0}) for n in range(4))
    scene = Scene(bends=bends)
    return {
        "hop_us": _median(lambda k: analyzer.hear(sound[k], k * HOP / RATE), runs),
        "command_us": _median(lambda k: Set("bend.b3.angle", float(k)).apply(scene), runs),
    }


def _median(run: Callable[[int], object], runs: int) -> float:
    taken = []
    for k in range(runs):
        begin = now()
        run(k)
        taken.append((now() - begin) * 1e6)
    return round(float(np.median(taken)), 1)
