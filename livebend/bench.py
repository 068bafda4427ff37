"""How long a frame takes, by what changed in it.

The contract: one process, nothing else running; each kind of frame is primed until only what it
names runs, and the stages that ran are checked, not supposed; median and interquartile range of
`frames` frames, the device's queue emptied inside the timing; seeds, versions, threads and size are
part of the result. Kinds are timed in turn, round after round, so that a drifting machine moves
them all alike.
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livebend import bending
from livebend.clock import now
from livebend.errors import UnknownName
from livebend.memory import Value
from livebend.models import load_model
from livebend.network import Network
from livebend.operators import OPERATORS, Past
from livebend.scene import Bend, Sampling
from livebend.sweep import played

Paint = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of frame: milliseconds, and the stages that ran."""

    kind: str
    median_ms: float
    iqr_ms: float
    share: float  # of a frame in which everything changed
    ran: tuple[str, ...]


def bench(
    model: str, size: tuple[int, int] | None, steps: int, frames: int = 40, rounds: int = 4
) -> dict[str, Any]:
    """Time every kind of frame; return the figures and what they were taken on."""
    loaded = load_model(model)
    width, height = size or (loaded.native, loaded.native)
    network = Network(loaded, width, height)
    kinds = _kinds(network, Sampling("euler", steps))
    samples: dict[str, list[float]] = {kind: [] for kind in kinds}
    ran: dict[str, tuple[str, ...]] = {}
    for _ in range(rounds):
        for kind, paint in kinds.items():
            taken, stages = _time(network, paint, max(frames // rounds, 2))
            samples[kind] += taken
            ran[kind] = stages
    whole = float(np.median(samples["everything"]))
    rows = [_timing(kind, samples[kind], whole, ran[kind]) for kind in kinds]
    return {
        "model": model,
        "size": f"{width}x{height}",
        "steps": network.calls(Sampling("euler", steps)),
        "device": str(loaded.device),
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "frames": [_row(row) for row in rows],
        "four_bends_percent": round(100.0 * _four(network, frames) / whole, 2),
        "operators": _operators(network, frames, whole),
    }


def _kinds(network: Network, sampling: Sampling) -> dict[str, Paint]:
    text = Value(-1, network.model.encode(["a floating orb"]))
    still = network.noise(1)[0]

    def bent(site: str | None) -> Paint:
        def paint(k: int) -> None:
            turn = {"angle": 1.0 + k % 300}
            bends = () if site is None else (Bend("b", "rotate_pairs", site, turn),)
            network.paint(still, text, bends, sampling)

        return paint

    def everything(k: int) -> None:
        network.paint(network.noise(k + 2, 0)[0], text, (), sampling)

    named = {site: bent(site) for site in ("unet.mid", "unet.up.1", "unet.up.2", "latent@1")}
    return {"everything": everything, **named, "nothing": bent(None)}


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
    _wait_for(network.model.device)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _timing(kind: str, taken: Sequence[float], whole: float, ran: tuple[str, ...]) -> Timing:
    low, median, high = np.percentile(taken, (25, 50, 75))
    return Timing(kind, float(median), float(high - low), float(median) / whole, ran)


def _row(timing: Timing) -> dict[str, Any]:
    return {
        "kind": timing.kind,
        "ms": round(timing.median_ms, 2),
        "iqr": round(timing.iqr_ms, 2),
        "share": round(timing.share, 3),
        "stages": len(timing.ran),
    }


# ---- what bends add --------------------------------------------------------------------------

FOUR = {"latent@1": "rotate", "unet.skip.1": "bands", "unet.mid": "direction", "unet.up.1": "add"}


def _four(network: Network, frames: int) -> float:
    """Milliseconds that four moving bends at mixed sites add to a frame."""
    return sum(
        _bend_ms(played(Bend("b", operator, site), 0.7), _tensor(network, site), frames)
        for site, operator in FOUR.items()
    )


def _operators(network: Network, frames: int, whole: float) -> list[dict[str, Any]]:
    """What every operator adds at the last block of the way up, the widest there is."""
    site = max(s for s in network.sites if s.startswith("unet.up."))
    x = _tensor(network, site)
    rows = []
    for name in OPERATORS:
        ms = _bend_ms(played(Bend("b", name, site), 0.7), x, frames)
        rows.append({"operator": name, "ms": round(ms, 3), "percent": round(100 * ms / whole, 2)})
    return rows


def _tensor(network: Network, site: str) -> Tensor:
    """What stands at a site; the last picture painted is still remembered."""
    if site.startswith("latent"):
        return network.noise(1)[0].tensor
    for stage in network.stages:
        if site in stage.writes:
            return network.memory.newest(stage.name)[stage.writes.index(site)].tensor
    raise UnknownName("site", site, network.sites)


@torch.inference_mode()
def _bend_ms(bend: Bend, x: Tensor, frames: int) -> float:
    taken = []
    for k in range(frames + 3):
        _wait_for(x.device)
        begin = now()
        bending.apply(bend, x, None, {"past": Past(x, 0.05)})
        _wait_for(x.device)
        taken += [(now() - begin) * 1e3] if k >= 3 else []
    return float(np.median(taken))
