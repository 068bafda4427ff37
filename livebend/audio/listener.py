"""Features at a time: pulled from a recording offline, heard by a thread of its own live.

Both cut the sound into the same hops and hand them to the same Analyzer, hop k at (k+1)·hop/rate, so
a recording gives the same features either way.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from livebend.audio.analyzer import Analyzer
from livebend.audio.sound import Samples, Sound
from livebend.clock import Time, now
from livebend.flow import Features
from livebend.worker import Worker

EPSILON = 1e-9  # s: a hop that ends with the frame belongs to it, whatever the rounding
MEMORY = 400  # hops kept for `at`, about 2 s

Tap = Callable[[Samples, float], None]


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


class Input(Protocol):
    """Sound that arrives hop by hop. Everything is called by the audio worker."""

    @property
    def overflows(self) -> int: ...

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Return the next hop, float32 [hop], with the show time of its last sample.

        It waits for the sound and returns None when it is over or `stop` is set.
        """

    def close(self) -> None: ...


class PlayedInput:
    """A recording as an input: hop by hop, at the pace of the show."""

    overflows = 0

    def __init__(self, sound: Sound, hop: int, time: Time, *, loop: bool = True) -> None:
        self._sound, self._hop, self._time, self._loop = sound, hop, time, loop
        self._hops = 0
        self._begin: float | None = None

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Wait until the next hop has been played, and return it; None after the last."""
        if self._begin is None:
            self._begin = self._time.now()
        start = self._hops * self._hop
        if not self._loop and start >= len(self._sound.samples):
            return None
        moment = self._begin + (start + self._hop) / self._sound.sample_rate
        if not self._time.wait_until(moment, stop):
            return None
        self._hops += 1
        return self._sound.block(self._hops - 1, self._hop, loop=self._loop), moment

    def close(self) -> None:
        """Nothing is held."""


class DeviceReader(Protocol):
    """What `capture.Keeper` offers."""

    @property
    def overflows(self) -> int: ...

    def read(self) -> tuple[Samples, float] | None: ...

    def close(self) -> None: ...


class DeviceInput:
    """A device as an input: while nothing comes from it, silence comes at the same pace."""

    def __init__(self, reader: DeviceReader, sample_rate: int, hop: int, time: Time) -> None:
        self._reader, self._time = reader, time
        self._seconds = hop / sample_rate
        self._silence = np.zeros(hop, np.float32)
        self._last = time.now()

    @property
    def overflows(self) -> int:
        """How often sound was lost."""
        return self._reader.overflows

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Return the next hop of the device, or of silence; None when `stop` is set."""
        if stop.is_set():
            return None
        heard = self._reader.read()
        if heard is not None:
            self._last = max(self._last, self._time.now() - heard[1])
            return heard[0], self._last
        if not self._time.wait_until(self._last + self._seconds, stop):
            return None
        self._last += self._seconds
        return self._silence, self._last

    def close(self) -> None:
        """Let go of the device."""
        self._reader.close()


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
    not wait. `on_failure` is told of a fault in the worker; the last features stay.
    """

    def __init__(
        self,
        sound: Input,
        analyzer: Analyzer,
        taps: Sequence[Tap] = (),
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._input, self._analyzer, self._taps = sound, analyzer, tuple(taps)
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

    def latest(self) -> Features:
        """Return the newest features there are, for meters."""
        with self._lock:
            return self._history[-1]

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
        self._spent += now() - begin
        self._hops += 1
        for tap in self._taps:
            tap(block, time)
