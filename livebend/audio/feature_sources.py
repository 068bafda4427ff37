"""Features at a time: pulled from a recording offline, heard by a thread of its own live.

Both cut the sound into the same hops and hand hop k to an Analyzer at (k+1)·hop/rate, so a
recording gives the same features either way.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livebend.audio.analyzer import Analyzer
from livebend.audio.inputs import Input
from livebend.audio.sound import Sound
from livebend.core.clock import now
from livebend.core.worker import Worker
from livebend.flow import Features, Samples

EPSILON = 1e-9  # s: a hop that ends with the frame belongs to it, whatever the rounding
MEMORY = 400  # hops kept for `at`, about 2 s

HopListener = Callable[[Samples, float], None]


class PulledSound:
    """The features of a recording, for offline: `at` hears on as far as it is asked.

    Past the end there is silence, or the beginning again where `loop`. Owned by one thread; times
    must not go backwards.
    """

    def __init__(self, sound: Sound, analyzer: Analyzer, *, loop: bool = False) -> None:
        self._sound, self._analyzer, self._loop = sound, analyzer, loop
        self._hops = 0
        self._features = Features()

    def at(self, time: float) -> Features:
        """Return the features of the last hop that ended by `time`, in seconds of the recording."""
        hop, rate = self._analyzer.hop, self._sound.sample_rate
        while (end := (self._hops + 1) * hop / rate) <= time + EPSILON:
            block = self._sound.block(self._hops, hop, loop=self._loop)
            self._features = self._analyzer.hear(block, end)
            self._hops += 1
        return self._features


@dataclass(frozen=True, slots=True)
class SoundStats:
    """What the audio worker has done so far."""

    hops: int
    overflows: int
    hop_cost: float  # s, mean time that analysing one hop takes


class HeardSound:
    """The features of sound as it is heard, for live.

    An audio worker owns the input and the analyzer; any thread may call `at` and `stats`. `taps`
    are called by the worker with every hop and its time (a recording, a loudspeaker): they must
    not wait. `timed` gets the seconds that each hop took. `on_failure` is told of a fault in the
    worker; the last features stay.
    """

    def __init__(
        self,
        sound: Input,
        analyzer: Analyzer,
        taps: Sequence[HopListener] = (),
        on_failure: Callable[[BaseException], None] | None = None,
        timed: Callable[[float], None] | None = None,
    ) -> None:
        self.sample_rate, self.hop = analyzer.sample_rate, analyzer.hop
        self._input, self._analyzer, self._taps = sound, analyzer, tuple(taps)
        self._timed = timed
        self._lock = threading.Lock()
        self._history: deque[Features] = deque([Features()], maxlen=MEMORY)
        self._hops, self._spent = 0, 0.0
        self.worker = Worker("audio", self._work, on_failure)

    def start(self) -> "HeardSound":
        """Begin to listen; return self."""
        self.worker.start()
        return self

    def close(self) -> None:
        """Stop listening and let go of the input."""
        self.worker.stop()

    def at(self, time: float) -> Features:
        """Return the newest features of sound heard up to `time` on the clock of the show."""
        with self._lock:
            heard = (f for f in reversed(self._history) if f.time <= time + EPSILON)
            return next(heard, self._history[0])

    def stats(self) -> SoundStats:
        """Return the counters."""
        return SoundStats(self._hops, self._input.overflows, self._spent / max(self._hops, 1))

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
        spent = now() - begin
        self._spent += spent
        if self._timed is not None:
            self._timed(spent)
        self._hops += 1
        for tap in self._taps:
            tap(block, time)
