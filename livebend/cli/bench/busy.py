"""A frame beside busy neighbours: other processes that compute without a pause."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from livebend.core.clock import now
from livebend.core.errors import OutOfRange
from livebend.device.gpu import wait_for
from livebend.device.memory import Versioned
from livebend.rendering.network import Network
from livebend.scene.values import Sampling

MOST = 64  # neighbours
SETTLING = 8  # frames after the neighbours have begun


def time_beside(network: Network, steps: int, frames: int, count: int) -> list[dict[str, Any]]:
    """Return a row without and a row with `count` busy processes: percentiles, in ms, of frames in
    which everything changes. Raises: OutOfRange."""
    if not 0 < count <= MOST:
        raise OutOfRange(f"--beside-load {count}: expected 1 to {MOST}")
    quiet = _percentiles(network, steps, frames)
    with neighbours(count):
        busy = _percentiles(network, steps, frames)
    return [{"neighbours": 0, **quiet}, {"neighbours": count, **busy}]


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Have `count` processes compute without a pause inside."""
    start = multiprocessing.get_context("spawn")  # a fork would copy this process's threads
    ready = start.Semaphore(0)
    made = [start.Process(target=_compute, args=(ready,), daemon=True) for _ in range(count)]
    try:
        for process in made:
            process.start()
        for _ in made:
            ready.acquire()
        yield
    finally:
        for process in made:
            process.kill()
            process.join()


def _compute(ready: Any) -> None:
    ready.release()
    while True:
        sum(range(10_000))


def _percentiles(network: Network, steps: int, frames: int) -> dict[str, float]:
    text, sampling = (
        Versioned(-1, network.model.encode(["a floating orb"])),
        Sampling("euler", steps),
    )
    ms = []
    for k in range(frames + SETTLING):
        noise = network.noise(k, 0)[0]
        network.frame()
        begin = now()
        network.paint(noise, text, (), sampling)
        wait_for(network.model.device)
        ms.append((now() - begin) * 1e3)
    p50, p95, p99 = np.percentile(ms[SETTLING:], (50, 95, 99))
    return {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)}
