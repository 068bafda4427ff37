"""The files of a running show: its log and its autosaved scene. No two shows share them."""

import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO

from livebend.core.files import state_folder

SHOWS = 64  # at once on a machine


def log_folder() -> Path:
    """Return the folder of the logs, which may not exist yet."""
    import platformdirs  # noqa: PLC0415 - the doctor runs where packages are missing

    return Path(platformdirs.user_log_dir("livebend", appauthor=False))


class ShowFiles:
    """The files of the first number that no running show has; the system gives it back however the
    process ends.

    number: of another process that holds it for this one.
    Raises: OSError where none can be had.
    """

    def __init__(self, number: int | None = None) -> None:
        self._lock: BinaryIO | None = None
        if number is None:
            state_folder().mkdir(parents=True, exist_ok=True)
            number, self._lock = next(_free(), (0, None))
            if self._lock is None:
                raise OSError(None, f"{SHOWS} shows are running")
        self.number = number
        self.scene = _scene(number)
        self.log = log_folder() / f"{_name(number)}.log"

    def close(self) -> None:
        """Give the number back; the files stay."""
        if self._lock is not None:
            self._lock.close()


def last_scene() -> Path | None:
    """Return the scene that was autosaved last by a show that is not running any more."""
    found = []
    for number, lock in _free():
        lock.close()
        if _scene(number).is_file():
            found.append(_scene(number))
    return max(found, key=lambda file: file.stat().st_mtime_ns, default=None)


def _name(number: int) -> str:
    return "show" if number == 1 else f"show-{number}"


def _scene(number: int) -> Path:
    return state_folder() / f"{_name(number)}.toml"


def _free() -> Iterator[tuple[int, BinaryIO]]:
    """Yield the numbers that no show has, each locked for the caller."""
    for number in islice(count(1), SHOWS):
        try:
            lock = (state_folder() / f"{_name(number)}.lock").open("ab")
        except FileNotFoundError:
            return
        if _locked(lock):
            yield number, lock
        else:
            lock.close()


def _locked(file: BinaryIO) -> bool:
    """Lock a file, which lasts until it is closed; False where another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - only there

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - only elsewhere

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
