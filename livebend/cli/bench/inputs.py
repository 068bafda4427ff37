"""What is neither network nor bend: a hop of sound, the paper's features, a command."""

from collections.abc import Callable

import numpy as np

from livebend.audio.analyzer import Analyzer
from livebend.core.clock import now
from livebend.flow import Features
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Scene

RATE, HOP = 48_000, 256  # samples a second, and of a hop
RUNS = 400


def time_inputs() -> dict[str, float]:
    """Return medians in microseconds.

    hop_us: of analysing HOP samples of noise; half of what two take, because the pitch is analysed
        at every second hop.
    paper_us: of the founding paper's features, once a frame where a scene follows them.
    command_us: of applying a command to a scene of four bends.
    """
    sound = np.random.default_rng(1).normal(0, 0.1, (RUNS, 2, HOP)).astype(np.float32)
    analyzer, features = Analyzer(HOP), list[Features]()

    def analyse(k: int) -> None:
        for block in sound[k]:
            features.append(analyzer.hear(block, len(features) * HOP / RATE))

    bends = tuple(Bend(f"b{n}", "rotate_pairs", "unet.mid", {"angle": 1.0}) for n in range(4))
    scene = Scene(bends=bends)
    return {
        "hop_us": round(_median_us(analyse) / 2, 1),
        "paper_us": _median_us(lambda k: features[k].paper()),
        "command_us": _median_us(lambda k: Set("bend.b3.angle", float(k)).apply(scene)),
    }


def _median_us(run: Callable[[int], object]) -> float:
    us = []
    for k in range(RUNS):
        begin = now()
        run(k)
        us.append((now() - begin) * 1e6)
    return round(float(np.median(us)), 1)
