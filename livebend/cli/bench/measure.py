"""Everything that `livebend bench` measures, in one dictionary."""

import platform
from dataclasses import dataclass
from typing import Any

import torch

from livebend.cli.bench.bends import time_four, time_operators
from livebend.cli.bench.busy import time_beside
from livebend.cli.bench.frames import EVERYTHING, Timing, time_frames
from livebend.cli.bench.inputs import time_inputs
from livebend.cli.bench.overhead import time_overhead
from livebend.cli.bench.peers import peers
from livebend.cli.bench.stages import time_stages
from livebend.cli.options import NetworkOptions
from livebend.core.notify import Notify
from livebend.scene.values import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions(NetworkOptions):
    """What is measured."""

    steps: int = 1  # network calls a frame
    frames: int = 40  # of each kind
    beside: bool = False  # the peers, too
    beside_load: int = 0  # busy processes to be timed beside, too
    stages: bool = False  # every stage alone, too


def bench(options: BenchOptions, notify: Notify) -> dict[str, Any]:
    """Measure; return the figures and what they were taken on. Raises: LivebendError."""
    network = options.network(notify)
    steps, frames = options.steps, max(options.frames, 2)
    others = peers(network, steps) if options.beside else {}
    rows = time_frames(network, steps, frames, others)
    whole = next(row.median_ms for row in rows if row.kind == EVERYTHING)
    inputs = time_inputs()
    overhead = time_overhead(network, steps, max(frames // 2, 2), inputs["hop_us"])
    figures = {
        "model": options.model,
        "size": f"{network.width}x{network.height}",
        "steps": network.calls(Sampling("euler", steps)),
        "backend": options.backend,
        "fallbacks": network.engine.fallbacks,
        "device": network.engine.target.device,
        "dtype": network.model.precision,
        "threads": network.engine.target.threads,
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        **inputs,
        "overhead_percent": round(sum(row["percent"] for row in overhead), 2),
        "four_bends_percent": round(100.0 * time_four(network, frames) / whole, 2),
        "frames": [_row(row) for row in rows],
        "overhead": overhead,
        "operators": time_operators(network, frames, whole),
    }
    if options.beside_load:
        figures["load"] = time_beside(network, steps, frames, options.beside_load)
    return figures | ({"stages": time_stages(network, frames)} if options.stages else {})


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
