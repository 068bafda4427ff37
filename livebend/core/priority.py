"""A little more of the processor for a show than other programs have, where the system allows it.

On Linux and macOS a user may not, unless an administrator has said so (for musicians: the line
`@audio - nice -10` in /etc/security/limits.d); on Windows anyone may. Threads begin with the
priority of the one that starts them, so a show asks once, and its side work steps back.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

NICENESS = -8  # 0 is everyone's; a real-time priority could hang the machine
ABOVE_NORMAL, NORMAL = 0x8000, 0x20  # priority classes of Windows


@contextmanager
def raised() -> Iterator[bool]:
    """Raise the priority of this thread, and of those that it starts, for the time inside; yield
    whether the system has allowed it."""
    allowed = _set(NICENESS, ABOVE_NORMAL)
    try:
        yield allowed
    finally:
        if allowed:
            _set(0, NORMAL)


def step_back() -> None:
    """Give this thread, and those that it starts, everyone's priority. On Windows, where the whole
    process has one, nothing changes."""
    if sys.platform != "win32":
        _set(0, NORMAL)


def _set(niceness: int, of_windows: int) -> bool:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - only there

        kernel = ctypes.windll.kernel32
        return bool(kernel.SetPriorityClass(kernel.GetCurrentProcess(), of_windows))
    thread = threading.get_native_id() if sys.platform == "linux" else 0
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
        return True
    return False
