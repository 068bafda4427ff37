"""Every stage alone: milliseconds, operations, and their rate relative to the measured peak."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from livebend.core.clock import now
from livebend.device.gpu import wait_for
from livebend.device.memory import Versioned
from livebend.models.backends.engine import Engine
from livebend.models.backends.protocol import Inputs, Runner, plain
from livebend.models.stages import Stage
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Sampling

SIDE = 1024  # of the matrices whose product measures the peak


def time_stages(network: Network, frames: int) -> list[dict[str, Any]]:
    """Paint fresh frames and return a row for each stage. `peak` is its rate of operations relative
    to that of a product of two SIDE×SIDE matrices of the network's type in the same run; only the
    multiplications and additions of convolutions, products and attention count."""
    text = Versioned(-1, network.model.encode([""]))
    sampling = Sampling("euler", 1)
    operations = _operations(network, text, sampling)
    seconds: dict[str, list[float]] = {stage.name: [] for stage in network.stages}
    gemm: list[float] = []
    a = torch.randn(SIDE, SIDE).to(network.model.device, network.model.dtype)
    for k in range(frames + 2):
        begin = now()
        a @ a
        wait_for(a.device)
        gemm.append(now() - begin)
        network.frame()
        with network.unjoined():
            network.paint(network.noise(k, 0)[0], text, (), sampling)
        for name, of_stage in seconds.items():
            of_stage.append(network.memory.ran.seconds[name])
    peak = 2.0 * SIDE**3 / min(gemm)  # operations a second
    return [_row(name, s, operations[name], peak) for name, s in seconds.items()]


class _Counting(Engine):
    """Torch, counting the operations of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: dict[str, int] = {}

    def runner(
        self, stage: Stage, read: Sequence[Versioned], size: tuple[int, ...] | None = None
    ) -> Runner:
        tensors = tuple(value.tensor for value in read)
        with FlopCounterMode(display=False) as flops:
            plain(stage, Inputs(tensors, size))(*tensors)
        self.counted[stage.name] = flops.get_total_flops()
        return super().runner(stage, read, size)


def _operations(network: Network, text: Versioned, sampling: Sampling) -> dict[str, int]:
    """Return the operations of each stage in a frame."""
    engine = _Counting()
    counting = Network(network.model, network.width, network.height, Setup(engine))
    counting.paint(counting.noise(0)[0], text, (), sampling)
    return engine.counted


def _row(name: str, values: list[float], operations: int, peak: float) -> dict[str, Any]:
    seconds = float(np.median(values[2:]))
    return {
        "stage": name,
        "ms": round(seconds * 1e3, 3),
        "mflop": round(operations / 1e6, 1),
        "peak": float(f"{operations / seconds / peak:.3g}"),
    }
