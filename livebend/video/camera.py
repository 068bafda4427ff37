"""A camera, a screen or another program's stream as pictures: the newest one wins. It may be lost
and come back."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Protocol

from livebend.core.errors import PictureError
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.watchdog import Term
from livebend.flow import InputFrame
from livebend.video.reducing import pixels_of

RETRY = 1.0  # s between two attempts to open
PATIENCE = 10.0  # s that a device may take to open, or for its next picture


class Device(Protocol):
    """What gives pictures: a camera, a screen, a stream of another program."""

    @property
    def name(self) -> str: ...

    def open(self) -> Any:
        """Return it open, as PyAV has files. Raises: PictureError."""


class Camera:
    """Reads a device in a thread of its own, for a live show.

    `work` is that thread's; any thread calls `at`. `find` looks the device up at every attempt.
    """

    name = "camera"

    def __init__(self, find: Callable[[], Device], size: tuple[int, int], notify: Notify) -> None:
        """Open the device and wait for its first picture; `size` (W, H) is what pictures cover.

        Raises: PictureError.
        """
        self._find, self._size, self._notify = find, size, notify
        self._numbers = count()
        device = find()
        self._device = device.name
        self._first: Any = device.open()
        try:
            self._latest = Latest(next(self._pictures(self._first)))
        except BaseException:
            self._first.close()
            raise
        self._lost = False

    def at(self, time: float) -> InputFrame:  # noqa: ARG002 - what a PictureSource takes
        """Return the newest picture."""
        return self._latest.get()

    def close(self) -> None:
        """Close the device, if no thread has taken it over."""
        if self._first is not None:
            self._first.close()

    def work(self, term: Term) -> None:
        """Read the device until the term ends."""
        while not term.is_set():
            try:
                self._read(term)
            except PictureError as why:
                if not self._lost:
                    self._notify(f"{why}: the last picture stays until it is back")
                self._lost = True
                term.wait(RETRY)

    def _read(self, term: Term) -> None:
        """Raises: PictureError, always, but for the end of the term."""
        container, self._first = self._first or self._find().open(), None
        with container:
            for made in self._pictures(container):
                if term.is_set():
                    return
                self._latest.put(made)
                if self._lost:
                    self._lost = False
                    self._notify(f"{self._device} is back")

    def _pictures(self, container: Any) -> Iterator[InputFrame]:
        """Yield pictures as they come. Raises: PictureError where no more do."""
        import av  # noqa: PLC0415 - heavy

        why = "no picture comes"
        try:
            for frame in container.decode(video=0):
                yield InputFrame(pixels_of(frame, self._size), next(self._numbers))
        except (av.FFmpegError, OSError, ValueError, IndexError) as fault:
            why = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        raise PictureError(f"{self._device} is lost ({why})")
