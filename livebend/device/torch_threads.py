"""How many threads torch computes with, set for one thread of a show at a time.

torch keeps one number for the process, which a thread takes over when it first computes, and one
for each thread. `torch.set_num_threads` sets both, so that a worker that sets 1 also leaves 1 to
every worker started after it. `compute_with` sets it for the calling thread alone.
"""

import os
import threading

import torch

DEFAULT = torch.get_num_threads()  # torch's own choice: OMP_NUM_THREADS, or the cores
_lock = threading.Lock()


def cores() -> int:
    """Return on how many cores this process may run."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def usable() -> int:
    """Return how many threads this process may use: its cores, or fewer where OMP_NUM_THREADS says
    so. It does not depend on the calling thread, nor on what torch has been set to."""
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(cores(), int(limit)) if limit.isdecimal() and int(limit) > 0 else cores()


def takes_most(threads: int) -> bool:
    """Return whether so many threads take most of the cores, so that each may stay on one.

    Threads that stay on their cores compute more evenly. But every process begins at the first
    core: of several with few threads each, such as the workers of a long render, all would share
    that one and leave the others idle.
    """
    return 2 * threads > cores()


def usual() -> int:
    """Return the number of threads that compute unless another was measured: torch's own, less one
    for sound, window and recording where there are more than two and nobody has set a number."""
    return DEFAULT - 1 if DEFAULT > 2 and not os.environ.get("OMP_NUM_THREADS") else DEFAULT


def counts() -> tuple[int, ...]:
    """Return the numbers of threads worth measuring: powers of two, torch's own, and all."""
    powers = {2**n for n in range(usable().bit_length()) if 2**n <= usable()}
    return tuple(sorted({*powers, usable(), min(DEFAULT, usable())}))


def compute_with(count: int) -> None:
    """Let torch compute with `count` threads in the calling thread alone; other threads, also those
    not yet started, keep their number."""
    with _lock:
        torch.get_num_threads()  # a thread's first call takes over the process's number: do it now
        torch.set_num_threads(count)
        others = threading.Thread(target=torch.set_num_threads, args=(DEFAULT,), name="threads")
        others.start()
        others.join()
