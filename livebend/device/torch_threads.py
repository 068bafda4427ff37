"""How many threads torch computes with: a number that every thread of a show has for itself.

torch keeps one number for the process, which a thread takes over when it first computes, and one
for each thread. Its own call sets both, so that a worker that asks for one thread leaves one thread
to every worker started after it. Here a number is set for the calling thread alone.
"""

import os
import threading

import torch

DEFAULT = torch.get_num_threads()  # what torch takes by itself: OMP_NUM_THREADS, or the cores
_one_at_a_time = threading.Lock()


def usable() -> int:
    """Return how many threads this process may use: its cores, or fewer where OMP_NUM_THREADS says
    so. It is the same in every thread and at every time, whatever torch was told since."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) > 0 else cores


def counts() -> tuple[int, ...]:
    """Return the numbers of threads worth measuring: powers of two, torch's own, and all.

    >>> 1 in counts() and usable() in counts()
    True
    """
    powers = {2**n for n in range(usable().bit_length()) if 2**n <= usable()}
    return tuple(sorted({*powers, usable(), min(DEFAULT, usable())}))


def compute_with(count: int) -> None:
    """Let torch compute with `count` threads in the calling thread, and with what it had in others,
    those not yet started too."""
    with _one_at_a_time:
        torch.get_num_threads()  # the thread's first question takes the process's number: ask now
        torch.set_num_threads(count)
        others = threading.Thread(target=torch.set_num_threads, args=(DEFAULT,), name="threads")
        others.start()
        others.join()
