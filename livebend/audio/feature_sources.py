"""Features at a time: pulled from a recording offline, heard by a worker thread live.

Both cut the sound into the same hops and analyse hop k at (k+1)·hop/rate, so a recording gives the
same features either way.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence

from livebend.audio.analyzer import Analyzer
from livebend.audio.inputs import Input
from livebend.audio.sound import RATE, Sound, filled
from livebend.core.clock import now
from livebend.core.watchdog import KeptWorker, OnFault, Term
from livebend.flow import Features, Samples

EPSILON = 1e-9  # s: a hop that ends with the frame belongs to it, despite rounding
MEMORY = 400  # hops kept for `at`, about 2 s

HopListener = Callable[[Samples, float], None]
Hearing = tuple[Input, Analyzer]


class PulledSound:
    """The features of a recording, for offline: `at` reads and analyses on up to the given time.

    Past the end there is silence. Owned by one thread; times must not go backwards.
    """

    def __init__(self, sound: Sound, analyzer: Analyzer) -> None:
        self._tape, self._analyzer = sound.tape(), analyzer
        self._hops = 0
        self._features = Features()

    def at(self, time: float) -> Features:
        """Return the features of the last hop that ended by `time`, in seconds of the recording.

        Raises: SoundError where the file can no longer be read.
        """
        hop = self._analyzer.hop
        while (end := (self._hops + 1) * hop / RATE) <= time + EPSILON:
            block = filled(self._tape.read(hop), hop)
            self._features = self._analyzer.hear(block, end)
            self._hops += 1
        return self._features

    def reaches(self, time: float) -> bool:
        """Whether the recording is at least so many seconds long; it must not be read further.

        Raises: SoundError where the file can no longer be read.
        """
        left = math.ceil((time - EPSILON) * RATE) - self._hops * self._analyzer.hop
        return self._tape.ahead(left) >= left

    def close(self) -> None:
        """Close the recording."""
        self._tape.close()


class HeardSound:
    """The features of sound as it is heard, for live.

    An audio worker owns the input and the analyzer; any thread may call `at`. The worker calls:

    taps: with every hop and its time, such as a recording; they must not wait.
    on_fault: with its name and the fault that it failed with, None where it hangs.
    timed: with the seconds that analysing each hop took.

    again: opens the input anew after a fault, with an analyzer for it, until when there is silence;
        without it the fault is the end, and the last features stay.
    now: the clock of the show, in s.
    """

    sample_rate = RATE

    def __init__(
        self,
        sound: Input,
        analyzer: Analyzer,
        taps: Sequence[HopListener] = (),
        on_fault: OnFault = lambda *_: None,
        timed: Callable[[float], None] | None = None,
        *,
        again: Callable[[], Hearing] | None = None,
        now: Callable[[], float] = now,
    ) -> None:
        self._hearing, self._taps, self._again = (sound, analyzer), tuple(taps), again
        self._timed = timed
        self._lock = threading.Lock()
        self._history: deque[Features] = deque([Features()], maxlen=MEMORY)
        self.worker = KeptWorker(
            "audio", self._work, now, on_fault, ends_with=lambda _: again is None,
            on_end=lambda failure: on_fault("audio", failure),
        )  # fmt: skip

    def start(self) -> "HeardSound":
        """Begin to listen; return self."""
        self.worker.start()
        return self

    def close(self) -> None:
        """Stop listening and close the input."""
        self.worker.stop()

    def at(self, time: float) -> Features:
        """Return the newest features of sound heard up to `time` on the clock of the show."""
        with self._lock:
            heard = (f for f in reversed(self._history) if f.time <= time + EPSILON)
            return next(heard, self._history[0])

    @property
    def overflows(self) -> int:
        """How often sound was lost so far."""
        return self._hearing[0].overflows

    def _work(self, term: Term) -> None:
        if term.number and self._again is not None:
            with self._lock:
                self._history.append(Features(time=self._history[-1].time))
            self._hearing = self._again()
        sound, analyzer = self._hearing
        try:
            while (heard := sound.read(term)) is not None and not term.left_behind:
                self._hear(analyzer, *heard, term)
        finally:
            sound.close()

    def _hear(self, analyzer: Analyzer, block: Samples, time: float, term: Term) -> None:
        begin = now()
        features = analyzer.hear(block, time)
        if term.left_behind:
            return
        with self._lock:
            self._history.append(features)
        if self._timed is not None:
            self._timed(now() - begin)
        for tap in self._taps:
            tap(block, time)
