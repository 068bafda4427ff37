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
from livebend.core.worker import Worker
from livebend.flow import Features, Samples

EPSILON = 1e-9  # s: a hop that ends with the frame belongs to it, despite rounding
MEMORY = 400  # hops kept for `at`, about 2 s

HopListener = Callable[[Samples, float], None]


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
    on_failure: with a fault that ended it; the last features stay.
    timed: with the seconds that analysing each hop took.
    """

    sample_rate = RATE

    def __init__(
        self,
        sound: Input,
        analyzer: Analyzer,
        taps: Sequence[HopListener] = (),
        on_failure: Callable[[BaseException], None] | None = None,
        timed: Callable[[float], None] | None = None,
    ) -> None:
        self._input, self._analyzer, self._taps = sound, analyzer, tuple(taps)
        self._timed = timed
        self._lock = threading.Lock()
        self._history: deque[Features] = deque([Features()], maxlen=MEMORY)
        self.worker = Worker("audio", self._work, on_failure)

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
        return self._input.overflows

    def _work(self, stop: threading.Event) -> None:
        try:
            while (heard := self._input.read(stop)) is not None:
                self._hear(*heard)
        finally:
            self._input.close()

    def _hear(self, block: Samples, time: float) -> None:
        begin = now()
        features = self._analyzer.hear(block, time)
        with self._lock:
            self._history.append(features)
        if self._timed is not None:
            self._timed(now() - begin)
        for tap in self._taps:
            tap(block, time)
