"""The recording of a live show: it never holds the show up, and counts what it had to drop."""

import math
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from livebend.core import clock
from livebend.core.errors import NoEncoder, one_line
from livebend.core.files import short
from livebend.core.priority import step_back
from livebend.core.status import Level
from livebend.core.watchdog import KeptWorker, Term
from livebend.core.worker import Worker
from livebend.flow import Frame, Samples
from livebend.outputs.codecs import DEFAULT, fitted
from livebend.outputs.display import Display
from livebend.outputs.fitted_picture import as_shown
from livebend.outputs.movie import open_movie
from livebend.outputs.movie_file import FRAGMENT
from livebend.outputs.wall.settings import Fit

GAP = 0.1  # s: sound further off than this is moved to its time, with silence or by cutting
WAITING = 8  # pictures that may wait for the encoder
POLL = 0.1  # s between looks at whether to record
LOOK = 1.0  # s between looks at the disk
ENDING = 1.5  # s of the end of a show that the encoder has, and as long again to finish
STUCK, FINISHING = 20.0, 60.0  # s that mean a disk that does not answer, also for a long film
LOW = 600.0  # s of room that are worth a warning


class TimedFrame(NamedTuple):
    """A picture, and the moment on the clock of the show at which `presentation` is 0."""

    frame: Frame
    origin: float


class TimedSamples(NamedTuple):
    """Sound [channels, n] or [n] that ended at `time` s on the clock of the show."""

    block: Samples
    time: float


Item = TimedFrame | TimedSamples


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of a film from outside: its size and rate, the sound's rate, and its comment.

    The film is written as `path`, with the ending that its kind has, or as NAME-2, NAME-3 … where
    that is in use. Pictures of another size are brought to its own as the window shows them.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    sample_rate: int | None = None
    note: str = ""


class LiveRecording:
    """Write a film while `display`'s setting `record` is on, and another when it is on again; each
    of the kind that its setting `codec` has when it begins.

    The render worker calls `write`, the audio worker `hear`; neither waits: an encoder thread does
    the work, and another one has the disk hold it every second. `dropped` counts the pictures and
    `lost` the blocks of sound that were left out. Where an encoder is not there or gives up, the
    film goes on in another file, as H.264 by the processor. Another fault ends the film, which
    plays up to there, and switches the setting off; it may be switched on again. So does a disk
    that does not answer, once a `Watchdog` looks at `encoder`. `notify` is called with what begins,
    ends or fails, in the encoder's thread; `faults` keeps the latter.
    """

    def __init__(self, film: Film, display: Display, notify: Callable[[str, Level], None]) -> None:
        self.dropped = self.lost = 0
        self.faults: list[str] = []
        self.films: list[Path] = []  # that were written
        self._film, self._display, self._notify = film, display, notify
        self._items: queue.Queue[Item] = queue.Queue(4096)
        self._room = threading.Semaphore(WAITING)
        self._open = True
        self._before: Frame | None = None
        self._origin = 0.0
        self._take: _Take | None = None
        self._failed = False  # the film before
        self._hurried = False
        self._finishing = False
        self._next = ""  # kind of the next film that was said
        self.encoder = KeptWorker(
            "recording", self._encode, clock.now, self._replace,
            patience=lambda: FINISHING if self._finishing else STUCK,
        ).start()  # fmt: skip
        self._saver = Worker("recording to disk", self._save).start()

    def write(self, frame: Frame) -> None:
        """Queue a frame for the encoder, or drop and count it; nothing where none is recorded."""
        self._find_origin(frame)
        if not self._wanted:
            return
        if not (self.encoder.alive and self._room.acquire(blocking=False)):
            self.dropped += 1
        elif not self._put(TimedFrame(frame, self._origin)):
            self._room.release()
            self.dropped += 1

    def hear(self, block: Samples, time: float) -> None:
        """Queue sound [channels, n] or [n] that ended at `time` s on the clock of the show."""
        if self._wanted and self._film.sample_rate is not None:
            self.lost += not (self.encoder.alive and self._put(TimedSamples(block, time)))

    def close(self) -> None:
        """Encode what waits and give the film its name. After ENDING seconds what still waits is
        left out, and after as long again the film is left as it is."""
        self._open = False
        self.encoder.wait(ENDING)
        self._hurried = True
        self.encoder.wait(ENDING)
        if self.encoder.alive and not self.faults:
            self._report("recording stopped: the disk does not answer")
        self._saver.stop(0.0)
        self._display.recording = ""

    @property
    def _wanted(self) -> bool:
        return self._open and self._display.view.record

    def _find_origin(self, frame: Frame) -> None:
        """A picture shows from the tick before its own; the first of a show, for one period."""
        before, self._before = self._before, frame
        if before is None:
            self._origin = frame.time - 1.0 / self._film.fps - frame.presentation
        elif before.index + 1 == frame.index:
            self._origin = before.time - frame.presentation

    def _put(self, item: Item) -> bool:
        try:
            self._items.put_nowait(item)
        except queue.Full:
            return False
        return True

    # ---- the encoder's thread

    def _encode(self, term: Term) -> None:
        """Encode what is queued until the recording is closed, a film at a time."""
        step_back()
        while not (term.is_set() and term.left_behind):
            is_open = self._open  # before the look at the queue: what came before the end counts
            try:
                item = self._items.get(timeout=POLL if is_open else 0.0)
            except queue.Empty:
                if not self._wanted:
                    self._end(term)
                if not is_open:
                    return
                continue
            if self._hurried:
                continue
            if isinstance(item, TimedFrame):
                self._room.release()
            self._add(item, term)

    def _add(self, item: Item, term: Term) -> None:
        take = self._take
        try:
            if take is None and (take := self._begun()) is not None and not term.left_behind:
                self._take = take
                self._notify(f"recording {short(take.movie.path)}", "info")
            if take is not None:
                take = self._added(take, item, term)
        except Exception as why:  # noqa: BLE001 - reported; the show and later films go on
            if not term.left_behind:
                self._fail(why)
                return
        if term.left_behind:
            self._rescue(take)
        elif take is not None:
            self._display.recording = take.state()

    def _added(self, take: "_Take", item: Item, term: Term) -> "_Take":
        """Add an item to a film, or to the next one where its encoder gives up; return which."""
        self._say_next(take)
        try:
            take.add(item)
        except NoEncoder as why:
            if term.left_behind or take.codec == DEFAULT:
                raise
            self._take = take = self._in_its_place(take, why)
            take.add(item)
        return take

    def _say_next(self, take: "_Take") -> None:
        """Say once that another kind was chosen, which the film that is being written has not."""
        chosen = self._display.view.codec
        if chosen not in (take.codec, self._next):
            self._notify(f"codec = {chosen}: from the next film on", "info")
        self._next = "" if chosen == take.codec else chosen

    def _begun(self) -> "_Take | None":
        if self._failed and not self._display.view.record:
            return None  # what was left of a film that failed
        self._failed = False
        codec = self._display.view.codec
        try:
            return self._take_of(codec)
        except NoEncoder as why:
            if codec == DEFAULT:
                raise
            return self._in_its_place(None, why)

    def _in_its_place(self, take: "_Take | None", why: NoEncoder) -> "_Take":
        """Begin a film of the usual kind, where another kind's encoder fails."""
        if take is not None and take.finish_early():
            self.films.append(take.movie.path)
        self._take = None
        self._display.set("codec", DEFAULT)
        made = self._take_of(DEFAULT)
        self._warn(f"{one_line(why)}; recording {short(made.movie.path)} as {DEFAULT} instead")
        return made

    def _take_of(self, codec: str) -> "_Take":
        return _Take(self._film, codec, self._warn, lambda: self._display.view.fit)

    def _warn(self, what: str) -> None:
        self._notify(what, "warning")

    def _end(self, term: Term) -> None:
        take, self._take = self._take, None
        self._display.recording = ""
        if take is None:
            return
        self._finishing = True
        try:
            if take.finish():
                self.films.append(take.movie.path)
                self._notify(f"recorded {short(take.movie.path)}, {spoken(take.seconds)}", "info")
        except Exception as why:  # noqa: BLE001 - reported; the show and later films go on
            if not term.left_behind:
                self._take = take
                self._fail(why)
        self._finishing = False

    def _fail(self, why: BaseException) -> None:
        """End the film for a fault, and keep what is written of it."""
        take = self._let_go()
        self._report(f"recording stopped: {one_line(why)}{self._rescue(take)}")

    def _rescue(self, take: "_Take | None") -> str:
        """Keep what is written of a film that has no other end; return what that is."""
        if take is None or not take.rescue():
            return ""
        self.films.append(take.movie.path)
        return f"; {short(take.movie.path)} plays up to {spoken(take.seconds)}"

    def _let_go(self) -> "_Take | None":
        """Record no more, and return the film that was recorded."""
        take, self._take, self._failed = self._take, None, True
        self._display.set("record", False)
        self._display.recording = ""
        return take

    # ---- the watchdog's thread, where the encoder's hangs

    def _replace(self, _: str, failure: BaseException | None) -> None:
        """Let another thread take the encoder's place. The film is left as it is: should the disk
        answer once more, the thread that waits for it ends it."""
        if failure is not None:
            self._fail(failure)
            return
        take, self._finishing = self._let_go(), False
        said = "recording stopped: the disk does not answer"
        if take is not None:
            said += f"; {short(take.movie.place)} plays up to {spoken(take.seconds)}"
        self._report(said)

    def _report(self, fault: str) -> None:
        self.faults.append(fault)
        self._notify(fault, "error")

    # ---- the thread that waits for the disk

    def _save(self, stop: threading.Event) -> None:
        step_back()
        while not stop.wait(LOOK):
            if (take := self._take) is not None:
                take.movie.sync()


class _Take:
    """One film. Puts pictures and sound of a show at their times. The encoder's thread owns it.

    The first picture sets when the film begins on the clock of the show; up to then the last few
    seconds of sound are held. A picture is shown in pieces of a fragment at most, and without gaps,
    because a container that writes fragments joins what lies apart.
    """

    def __init__(
        self, film: Film, codec: str, warn: Callable[[str], None], fits: Callable[[], Fit]
    ) -> None:
        self.codec = codec
        self.movie = open_movie(
            fitted(film.path, codec), film.size, film.fps, film.sample_rate,
            codec=codec, live=True, note=film.note,
        )  # fmt: skip
        self._size, self._fits = film.size, fits
        self.seconds = 0.0  # up to the end of the last picture
        self._fps, self._rate, self._warn = film.fps, film.sample_rate, warn
        self._before: deque[TimedSamples] = deque(maxlen=1024)
        self._begin: float | None = None  # s on the clock of the show
        self._last: Frame | None = None
        self._heard = 0
        self._looked, self._left = -LOOK, 0.0

    def add(self, item: Item) -> None:
        """Add a picture or sound. Raises: Refused."""
        if isinstance(item, TimedFrame):
            self._picture(*item)
        elif self._begin is None or self._rate is None:
            self._before.append(item)
        else:
            self._sound(*item, self._begin, self._rate)

    def finish(self) -> bool:
        """Finish the film, and return whether there is one: without a picture there is not."""
        if self._last is None:
            self.movie.abort()
        else:
            if self._rate is not None:  # the network may hang to the end
                self._bridge(self._last, self._heard / self._rate)
            self.movie.finish()
        return self._last is not None

    def finish_early(self) -> bool:
        """Finish the film without its encoder, which gave up; return whether there is one."""
        if self._last is None:
            self.movie.abort()
        else:
            self.movie.finish()
        return self._last is not None

    def rescue(self) -> bool:
        """Keep what there is after a fault, and return whether there is anything."""
        if self._last is None or not self.movie.end:
            self.movie.abort()
            return False
        self.movie.rescue()
        return True

    def state(self) -> str:
        """How long the film is, and how long there is room for more, as it was found lately."""
        if self.seconds and clock.now() - self._looked >= LOOK:
            self._looked = clock.now()
            before, self._left = self._left, self._room()
            if self._left < LOW <= before or (not before and self._left < LOW):
                self._warn(f"recording: room for {spoken(self._left)} more")
        return f"{spoken(self.seconds)}, room for {spoken(self._left)}"

    def _room(self) -> float:
        """How many seconds more the disk has room for, if they take as much as those before."""
        free = shutil.disk_usage(self.movie.path.parent).free
        return free * self.seconds / max(self.movie.end, 1)

    def _picture(self, frame: Frame, origin: float) -> None:
        if self._begin is None:
            self._begin = origin + frame.presentation
            for held in self._before:
                self.add(held)
            self._before.clear()
        if self._last is not None:
            if frame.presentation <= self._last.presentation:
                return
            self._bridge(self._last, origin + frame.presentation - self._begin)
        start = max(origin + frame.presentation - self._begin, self.seconds)
        end = frame.time - self._begin
        self._show(frame, start, end if end > start else start + 1.0 / self._fps)
        self._last = frame

    def _bridge(self, last: Frame, until: float) -> None:
        """Show the last picture up to the next, where one was dropped or the network hung and the
        sound has gone on without it."""
        ahead = (self._heard / self._rate if self._rate else 0.0) - self.seconds
        if until - self.seconds > 0 and max(until - self.seconds, ahead) > FRAGMENT / 2:
            self._show(last, self.seconds, until)

    def _show(self, frame: Frame, start: float, end: float) -> None:
        """Show a picture from `start` to `end`, in s of the film, in equal pieces."""
        count = max(1, math.ceil((end - start) / FRAGMENT))
        piece = (end - start) / count
        pixels = as_shown(frame.pixels, self._size, 1.0, self._fits())
        for index in range(count):
            self.movie.picture(pixels, start + index * piece, piece)
        self.seconds = end

    def _sound(self, block: Samples, time: float, begin: float, rate: int) -> None:
        count = block.shape[-1]
        missing = round((time - begin) * rate) - count - self._heard
        if self._heard == 0 or abs(missing) > GAP * rate:
            block = _padded(block, missing)
        self.movie.sound(block)
        self._heard += block.shape[-1]


def spoken(seconds: float) -> str:
    """Return a time as a performer reads it.

    >>> spoken(75.2), spoken(7260.0)
    ('1:15', '2:01:00')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _padded(block: Samples, missing: int) -> Samples:
    """Return the block with `missing` samples of silence before it, or with −`missing` cut off."""
    if missing < 0:
        return block[..., -missing:]
    return np.concatenate([np.zeros((*block.shape[:-1], missing), np.float32), block], axis=-1)
