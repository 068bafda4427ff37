"""How long a frame takes, by what changed in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import torch

from livebend.clock import now
from livebend.memory import Value
from livebend.network import Network
from livebend.reuse import EXACT, Turn, labels
from livebend.scene import Bend, Reuse, Sampling, Scene

Paint = Callable[[int], object]  # the frame of index k
NONE: Mapping[str, Paint] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of frame: milliseconds, and the stages that ran."""

    kind: str
    median_ms: float
    iqr_ms: float
    share: float  # of a frame in which everything changed
    ran: tuple[str, ...]


def time_frames(
    network: Network, steps: int, frames: int, rounds: int, others: Mapping[str, Paint] = NONE
) -> list[Timing]:
    """Time every kind of frame, and `others` side by side with them."""
    kinds = _kinds(network, Sampling("euler", steps))
    samples: dict[str, list[float]] = {kind: [] for kind in (*kinds, *others)}
    ran: dict[str, tuple[str, ...]] = dict.fromkeys(others, ())
    for _ in range(rounds):
        for kind, paint in {**kinds, **others}.items():
            taken, stages = _time(network, paint, max(frames // rounds, 2))
            samples[kind] += taken
            ran[kind] = stages
    whole = float(np.median(samples["everything"]))
    return [_timing(kind, samples[kind], whole, ran[kind]) for kind in samples]


def _kinds(network: Network, sampling: Sampling) -> dict[str, Paint]:
    text = Value(-1, network.model.encode(["a floating orb"]))
    still = network.noise(1)[0]

    def bent(site: str | None) -> Paint:
        def paint(k: int) -> None:
            turn = {"angle": 1.0 + k % 300}
            bends = () if site is None else (Bend("b", "rotate_pairs", site, turn),)
            network.paint(still, text, bends, sampling)

        return paint

    def everything(k: int, reuse: Reuse = EXACT.reuse) -> None:
        turn = Turn(k, reuse=reuse)
        network.paint(network.noise(k + 2, 0)[0], text, (), sampling, turn=turn)

    named = {
        site: bent(site) for site in ("unet.mid", "unet.up.1", "unet.up.2", "latent@1", "image")
    }
    lossy = {
        f"everything, {', '.join(labels(Scene(reuse=reuse)))}": partial(everything, reuse=reuse)
        for reuse in (Reuse(tween=2), Reuse(deep=2), Reuse(deep=2, tween=2))
    }
    return {"everything": everything, **named, "nothing": bent(None), **lossy}


def _time(network: Network, paint: Paint, frames: int) -> tuple[list[float], tuple[str, ...]]:
    """Prime with three frames of the kind, then time `frames` more."""
    for k in range(3):
        paint(k)
    taken = []
    for k in range(3, 3 + frames):
        network.memory.begin_frame()
        _wait(network)
        begin = now()
        paint(k)
        _wait(network)
        taken.append((now() - begin) * 1e3)
    names = {stage.name for stage in network.stages}
    return taken, tuple(n for n in network.memory.ran.seconds if n in names)


def _wait(network: Network) -> None:
    wait_for(network.model.device)


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def _timing(kind: str, taken: Sequence[float], whole: float, ran: tuple[str, ...]) -> Timing:
    low, median, high = np.percentile(taken, (25, 50, 75))
    return Timing(kind, float(median), float(high - low), float(median) / whole, ran)
