"""Train in several processes of one thread each: equal weights, averaged gradients.

On two cores, two such processes see about twice the samples of one process with two threads. Every
function here also works in a process on its own, where there is nothing to share.
"""

from __future__ import annotations

import math
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import RawValue
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch import multiprocessing as mp


class Brake:
    """Whether this run is to stop: its time is up or a signal asked for it.

    Processes that are forked after it was made share it. Whoever runs steps asks between them, so a
    stop is never in the middle of one.
    """

    def __init__(self, minutes: float = math.inf) -> None:
        self._pulled = RawValue("b", 0)
        self._deadline = time.monotonic() + minutes * 60

    def __call__(self) -> bool:
        return bool(self._pulled.value) or time.monotonic() >= self._deadline

    def pull(self, *_signal: object) -> None:
        """Ask for a stop."""
        self._pulled.value = 1

    def answer_signals(self) -> None:
        """Let SIGTERM and SIGINT ask for a stop, here and in processes forked from now on.

        A forked process whose parent was killed gets a SIGINT as well.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.pull)


def rank() -> int:
    """Number this process, 0 for the one that writes and reports."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Count the processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def wait() -> None:
    """Wait until every process is here."""
    if world() > 1:
        dist.barrier()


@torch.no_grad()
def _spread(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    """Write one long row of numbers back into the tensors that it was laid out from."""
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view(tensor.shape))


@torch.no_grad()
def add(tensors: Sequence[Tensor], share: float = 1.0) -> None:
    """Set tensors to a share of their sum over the processes: the same bits in each."""
    if world() == 1:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    _spread(flat.mul_(share), tensors)


def average(tensors: Sequence[Tensor]) -> None:
    """Set tensors to their mean over the processes."""
    add(tensors, 1 / world())


@torch.no_grad()
def share(tensors: Sequence[Tensor]) -> None:
    """Set tensors to what they are in process 0."""
    if world() == 1:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.broadcast(flat, 0)
    _spread(flat, tensors)


def _join(number: int, meeting: str, processes: int, work: Callable[..., None], args: Any) -> None:
    """Meet the other processes, each with chance of its own, and work."""
    torch.set_num_threads(1)
    torch.seed()
    dist.init_process_group("gloo", init_method=meeting, rank=number, world_size=processes)
    work(*args)
    dist.destroy_process_group()


def run(processes: int, work: Callable[..., None], *args: object) -> None:
    """Run `work(*args)` in some processes; where one fails the others are stopped.

    They are forks of this one, which should not have used torch's threads yet. A single process is
    this one: a fork could not use a GPU that was asked for anything before.
    """
    if processes == 1:
        work(*args)
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        mp.start_processes(
            _join, (meeting, processes, work, args), nprocs=processes, start_method="fork"
        )
