"""Everything that `livebend bench` measures, in one dictionary."""

import platform
from typing import Any

import torch

from livebend.cli.bench.bends import time_four, time_operators
from livebend.cli.bench.frames import EVERYTHING, Timing, time_frames
from livebend.cli.bench.overhead import time_overhead
from livebend.cli.bench.peers import peers
from livebend.cli.bench.senses import time_senses
from livebend.cli.bench.stages import time_stages
from livebend.core.notify import Notify
from livebend.rendering.open_network import open_network
from livebend.scene.values import Sampling


def bench(
    model: str,
    size: tuple[int, int] | None,
    steps: int,
    backend: str = "torch",
    *,
    dtype: str = "auto",
    beside: bool = False,
    stages: bool = False,
    frames: int = 40,
    rounds: int = 4,
    tell: Notify = print,
) -> dict[str, Any]:
    """Measure; return the figures and what they were taken on. `beside` adds the peers, `stages`
    the stages. Raises: LivebendError."""
    network = open_network(model, size, backend, tell, dtype=dtype)
    others = peers(network, steps) if beside else {}
    rows = time_frames(network, steps, frames, rounds, others)
    whole = next(row.median_ms for row in rows if row.kind == EVERYTHING)
    senses = time_senses()
    overhead = time_overhead(network, steps, max(frames // 2, 2), senses["hop_us"])
    figures = {
        "model": model,
        "size": f"{network.width}x{network.height}",
        "steps": network.calls(Sampling("euler", steps)),
        "backend": backend,
        "fallbacks": network.engine.fallbacks,
        "device": str(network.model.device),
        "dtype": network.model.precision,
        "threads": network.setup.conditions.threads,
        "layout": network.setup.conditions.layout,
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        **senses,
        "overhead_percent": round(sum(row["percent"] for row in overhead), 2),
        "four_bends_percent": round(100.0 * time_four(network, frames) / whole, 2),
        "frames": [_row(row) for row in rows],
        "overhead": overhead,
        "operators": time_operators(network, frames, whole),
    }
    return figures | ({"stages": time_stages(network, frames)} if stages else {})


def _row(timing: Timing) -> dict[str, Any]:
    return {
        "kind": timing.kind,
        "ms": round(timing.median_ms, 2),
        "iqr": round(timing.iqr_ms, 2),
        "stages_ms": round(timing.stages_ms, 2),
        "share": round(timing.share, 3),
        "stages": len(timing.ran),
        "first": timing.ran[0] if timing.ran else "",
    }
