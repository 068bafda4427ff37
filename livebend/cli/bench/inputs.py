"""What is neither network nor bend: a hop of sound, the paper's features, a command."""

from collections.abc import Callable

import numpy as np

from livebend.audio.analyzer import PITCH_HOPS, Analyzer, hop_for
from livebend.audio.sound import RATE
from livebend.core.clock import now
from livebend.flow import Features
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Scene

FPS = 20.0  # a second, of the frames that hops fall on
HOP = hop_for(FPS)  # samples
HOPS = RATE / HOP  # a second
CHANNELS = 2
RUNS = 400


def time_inputs() -> dict[str, float]:
    """Return medians in microseconds.

    hop_us: of analysing a hop of noise on two channels; the mean of PITCH_HOPS, because the pitch
        is analysed once in them.
    paper_us: of the founding paper's features, once a frame where a scene follows them.
    command_us: of applying a command to a scene of four bends.
    """
    noise = np.random.default_rng(1).normal(0, 0.1, (RUNS, PITCH_HOPS, CHANNELS, HOP))
    sound = noise.astype(np.float32)
    analyzer, features = Analyzer(HOP, FPS), list[Features]()

    def analyse(k: int) -> None:
        for block in sound[k]:
            features.append(analyzer.hear(block, len(features) / HOPS))

    bends = tuple(Bend(f"b{n}", "rotate_pairs", "unet.mid", {"angle": 1.0}) for n in range(4))
    scene = Scene(bends=bends)
    return {
        "hop_us": round(_median_us(analyse) / PITCH_HOPS, 1),
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
