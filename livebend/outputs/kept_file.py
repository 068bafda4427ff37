"""A file under construction of which every byte that was written is kept, whatever comes next."""

import os
from contextlib import suppress
from pathlib import Path


class KeptFile:
    """A new file that is written at any place, as a muxer does.

    After the first fault, such as a full disk, it takes nothing more and says nothing: a muxer that
    went on to patch the beginning of the file would make what lies behind it unreadable. One thread
    writes; any other may call `sync`.

    new: refuse a file that is there already.
    Raises: OSError, as `write` does once.
    """

    def __init__(self, path: Path, *, new: bool) -> None:
        self.path = path
        self.fault: OSError | None = None
        self.end = 0  # bytes
        self._stopped = False
        self._file = path.open("xb" if new else "wb", buffering=0)

    def write(self, data: bytes) -> int:
        """Write all of `data`, or nothing after a fault; return its length."""
        view = memoryview(data)
        while view and not self._stopped:
            try:
                view = view[self._file.write(view) :]
            except OSError as why:
                self.fault, self._stopped = why, True
                raise
        self.end = max(self.end, self._file.tell())
        return len(data)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def stop(self, end: int | None = None) -> None:
        """Take nothing more from now on, and cut off what lies behind `end` bytes."""
        self._stopped = True
        if end is not None:
            self._file.truncate(end)

    def sync(self) -> None:
        """Have the disk hold what is written, against a power cut; may wait for long.

        A disk that cannot say so, or a file closed meanwhile, is the writer's to report.
        """
        with suppress(OSError, ValueError):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
