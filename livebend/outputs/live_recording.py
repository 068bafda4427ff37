"""The recording of a live show: it never holds the show up, and counts what it had to drop."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path

from livebend.core import clock
from livebend.core.errors import NoEncoder, one_line
from livebend.core.files import short
from livebend.core.priority import step_back
from livebend.core.status import Level
from livebend.core.watchdog import KeptWorker, Term
from livebend.core.worker import Worker
from livebend.flow import Frame, Samples
from livebend.outputs.codecs import DEFAULT
from livebend.outputs.display import Display
from livebend.outputs.film_take import Film, Item, Take, TimedFrame, TimedSamples, spoken

WAITING = 8  # pictures that may wait for the encoder: it is uneven, and a film wants all of them
POLL = 0.1  # s between looks at whether to record
LOOK = 1.0  # s between looks at the disk
ENDING = 1.5  # s of the end of a show that the encoder has, and as long again to finish
STUCK, FINISHING = 20.0, 60.0  # s that mean a disk that does not answer, also for a long film


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
        self._take: Take | None = None
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

    def _added(self, take: Take, item: Item, term: Term) -> Take:
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

    def _say_next(self, take: Take) -> None:
        """Say once that another kind was chosen, which the film that is being written has not."""
        chosen = self._display.view.codec
        if chosen not in (take.codec, self._next):
            self._notify(f"codec = {chosen}: from the next film on", "info")
        self._next = "" if chosen == take.codec else chosen

    def _begun(self) -> Take | None:
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

    def _in_its_place(self, take: Take | None, why: NoEncoder) -> Take:
        """Begin a film of the usual kind, where another kind's encoder fails."""
        if take is not None and take.finish_early():
            self.films.append(take.movie.path)
        self._take = None
        self._display.set("codec", DEFAULT)
        made = self._take_of(DEFAULT)
        self._warn(f"{one_line(why)}; recording {short(made.movie.path)} as {DEFAULT} instead")
        return made

    def _take_of(self, codec: str) -> Take:
        return Take(self._film, codec, self._warn, lambda: self._display.view.fit)

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

    def _rescue(self, take: Take | None) -> str:
        """Keep what is written of a film that has no other end; return what that is."""
        if take is None or not take.rescue():
            return ""
        self.films.append(take.movie.path)
        return f"; {short(take.movie.path)} plays up to {spoken(take.seconds)}"

    def _let_go(self) -> Take | None:
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
