"""What is neither network nor bend: a hop of sound, the paper's features, a command."""

from collections.abc import Callable

import numpy as np

from livebend.audio.analyzer import Analyzer
from livebend.core.clock import now
from livebend.flow import Features
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Scene

RATE, HOP = 48_000, 256


def time_senses(runs: int = 400) -> dict[str, float]:
    """Return medians in microseconds: `hop_us` of analysing 256 samples of noise at 48 kHz, half
    of what two take, because the pitch is heard at every second; `paper_us` of the founding paper's
    features, once a frame where a scene follows them; `command_us` of applying one command to a
    scene of four bends."""
    sound = np.random.default_rng(1).normal(0, 0.1, (runs, 2, HOP)).astype(np.float32)
    analyzer, heard = Analyzer(RATE, HOP), list[Features]()

    def hear(k: int) -> None:
        for block in sound[k]:
            heard.append(analyzer.hear(block, len(heard) * HOP / RATE))

    bends = tuple(Bend(f"b{n}", "rotate_pairs", "unet.mid", {"angle": 1.0}) for n in range(4))
    scene = Scene(bends=bends)
    return {
        "hop_us": round(_median(hear, runs) / 2, 1),
        "paper_us": _median(lambda k: heard[k].paper(), runs),
        "command_us": _median(lambda k: Set("bend.b3.angle", float(k)).apply(scene), runs),
    }


def _median(run: Callable[[int], object], runs: int) -> float:
    taken = []
    for k in range(runs):
        begin = now()
        run(k)
        taken.append((now() - begin) * 1e6)
    return round(float(np.median(taken)), 1)
