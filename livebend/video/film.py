"""A film: a video file as pictures in the time of the show, again and again from its beginning.

Which picture belongs to a time is a matter of the file alone, so live and offline agree.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from livebend.core.errors import PictureError
from livebend.core.files import short
from livebend.core.notify import Notify
from livebend.core.watchdog import Term
from livebend.flow import InputFrame
from livebend.video.reducing import pixels_of

EPSILON = 1e-6  # s: a picture that begins with the frame belongs to it, despite rounding
AHEAD = 6  # pictures that are decoded before their time
RETRY = 1.0  # s between two attempts to read a film that is gone
IDLE = 0.25  # s that the thread waits at a time while no picture is wanted
WAIT = 0.0  # s that a frame waits for its picture: it takes the last one


class Timed(NamedTuple):
    """A picture of a film, not yet made: when it begins, in s, and its number in the file."""

    begin: float
    number: int
    make: Callable[[], InputFrame]


class FilmTape:
    """A film, read in order. Owned by one thread."""

    def __init__(self, file: Path, size: tuple[int, int]) -> None:
        """`size` (W, H) is what pictures cover. Raises: PictureError where none can be decoded."""
        self._file, self._size = file, size
        self._rest = self._looped()
        self._now, self._next = next(self._rest), next(self._rest)
        self._shown: tuple[Timed, InputFrame] | None = None

    def at(self, time: float) -> InputFrame:
        """Return the picture of a time, in s; of an earlier one than before, the same. Raises:
        PictureError where the file can no longer be read."""
        while self._next.begin <= time + EPSILON:
            self._now, self._next = self._next, next(self._rest)
        if self._shown is None or self._shown[0] is not self._now:
            self._shown = (self._now, self._now.make())
        return self._shown[1]

    def follow(self) -> Iterator[Timed]:
        """Yield every picture from now on, without an end. Raises: PictureError."""
        yield self._now
        yield self._next
        yield from self._rest

    def close(self) -> None:
        """Close the file."""
        self._rest.close()

    def _looped(self) -> Generator[Timed]:
        """Yield every picture; each round begins where the one before ends."""
        begin = 0.0
        while True:
            length = 0.0
            for at, number, make, lasts in self._round():
                yield Timed(begin + at, number, make)
                length = at + lasts
            if not length:
                raise PictureError(f"{short(self._file)}: there is no picture in it")
            begin += length

    def _round(self) -> Iterator[tuple[float, int, Callable[[], InputFrame], float]]:
        """Yield the pictures of the file, and how long each lasts, in s."""
        import av  # noqa: PLC0415 - heavy

        with _named(self._file), av.open(str(self._file), metadata_errors="replace") as container:
            if not container.streams.video:
                return
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            lasts = 1.0 / float(stream.average_rate or 25)
            aspect = float(stream.sample_aspect_ratio or 1.0)
            first, at = None, -lasts
            for number, frame in enumerate(_decoded(container, stream)):
                time = frame.time if frame.time is not None else at + lasts
                first = time if first is None else first
                at = max(time - first, at)
                yield at, number, self._maker(frame, number, aspect), lasts

    def _maker(self, frame: Any, number: int, aspect: float) -> Callable[[], InputFrame]:
        return lambda: InputFrame(pixels_of(frame, self._size, aspect), number)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the frames of a stream; what is broken in it is left out."""
    import av  # noqa: PLC0415

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Turn the faults of files and decoders into a PictureError that names the file."""
    import av  # noqa: PLC0415

    try:
        yield
    except (av.FFmpegError, OSError, ValueError, LookupError) as why:
        said = getattr(why, "strerror", None) or str(why) or type(why).__name__
        raise PictureError(f"{short(file)}: cannot be read as a film: {said}") from why


class PlayedFilm:
    """A film that a thread of its own decodes a little ahead, for a live show.

    `work` is that thread's. The render thread calls `at`, and gets the last picture where the next
    is late.
    """

    name = "film"

    def __init__(self, file: Path, size: tuple[int, int], notify: Notify) -> None:
        """Raises: PictureError."""
        self._file, self._size, self._notify = file, size, notify
        self._first: FilmTape | None = FilmTape(file, size)
        self._changed = threading.Condition()  # of all below
        self._ahead: deque[tuple[float, InputFrame]] = deque()
        self._shown: InputFrame | None = None
        self._asked = self._since = 0.0  # the show's time, and that at which the film began
        self._lost = False

    def at(self, time: float) -> InputFrame | None:
        """Return the picture of a time, in s; the last one where that is not decoded yet."""
        with self._changed:
            self._asked = time
            self._changed.wait_for(self._has_taken, WAIT)
            return self._shown

    def close(self) -> None:
        """Do nothing: the thread closes the file."""

    def work(self, term: Term) -> None:
        """Decode until the term ends."""
        while not term.is_set():
            try:
                self._play(term)
            except PictureError as why:
                if not self._lost:
                    self._notify(f"{why}: the last picture stays until it can be")
                self._lost = True
                term.wait(RETRY)

    def _has_taken(self) -> bool:
        """Take the pictures that have begun, which makes room for others; whether the one that is
        asked for was among them: one after it is decoded."""
        while self._ahead and self._ahead[0][0] <= self._asked + EPSILON:
            self._shown = self._ahead.popleft()[1]
        self._changed.notify_all()
        return bool(self._ahead)

    def _play(self, term: Term) -> None:
        """Raises: PictureError."""
        tape, self._first = self._first or self._again(), None
        try:
            waiting: Timed | None = None
            for timed in tape.follow():
                wanted = timed.begin + self._since > self._asked
                if term.is_set() or (waiting and wanted and not self._add(waiting, term)):
                    return
                waiting = timed
        finally:
            tape.close()

    def _again(self) -> FilmTape:
        """The film from its beginning, at the time that the show has come to."""
        tape = FilmTape(self._file, self._size)
        if self._lost:
            self._notify(f"{short(self._file)} is back")
        with self._changed:
            self._ahead.clear()
            self._lost, self._since = False, self._asked
        return tape

    def _add(self, timed: Timed, term: Term) -> bool:
        """Make a picture and wait until there is room for it; False where the term ended."""
        made = timed.make()
        with self._changed:
            while not self._changed.wait_for(lambda: len(self._ahead) < AHEAD, IDLE):
                if term.is_set():
                    return False
            if term.left_behind:
                return False
            self._ahead.append((timed.begin + self._since, made))
            self._changed.notify_all()
        return True
