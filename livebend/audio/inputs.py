"""Sound that arrives hop by hop, at the pace of the show: a recording or a device."""

import threading
from typing import Protocol

import numpy as np

from livebend.audio.capture import DeviceKeeper
from livebend.audio.monitor import Monitor
from livebend.audio.sound import RATE, Sound, Tape, filled, joined
from livebend.core.clock import Time
from livebend.core.errors import SoundError
from livebend.core.notify import Notify
from livebend.flow import Samples

RETRY = 1.0  # s between two attempts to read a file that is gone


class Input(Protocol):
    """Sound that arrives hop by hop. Everything is called by the audio worker."""

    @property
    def overflows(self) -> int: ...

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Return the next hop, float32 [channels, hop], with the show time of its last sample.

        It waits for the sound, and returns None when `stop` is set.
        """

    def close(self) -> None: ...


class PlayedInput:
    """A recording as an input, looped, at the pace of the show; also played on `aloud`.

    A file that can no longer be read is silence; it is tried again every RETRY seconds, from its
    beginning, and `notify` is called once.
    """

    overflows = 0

    def __init__(
        self, sound: Sound, hop: int, time: Time, notify: Notify, aloud: Monitor | None = None
    ) -> None:
        self._sound, self._hop, self._time, self._aloud = sound, hop, time, aloud
        self._notify, self._is_lost, self._next_try = notify, False, 0
        self._tape: Tape | None = None
        self._hops = 0
        self._begin: float | None = None

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Wait until the next hop has been played, and return it; None when `stop` is set."""
        if self._begin is None:
            self._begin = self._time.now()
        moment = self._begin + (self._hops + 1) * self._hop / RATE
        if not self._time.wait_until(moment, stop):
            return None
        block = self._block()
        self._hops += 1
        if self._aloud is not None:
            self._aloud.play(block)
        return block, moment

    def close(self) -> None:
        """Close the file and the loudspeakers."""
        self._rewind()
        if self._aloud is not None:
            self._aloud.close()

    def _block(self) -> Samples:
        """Return the next hop, from the beginning again past the end."""
        try:
            return self._looped() if self._hops >= self._next_try else _silence(self._hop)
        except SoundError as fault:
            if not self._is_lost:
                self._notify(f"{fault}: silence until it can be")
            self._is_lost = True
            self._next_try = self._hops + round(RETRY * RATE / self._hop)
            self._rewind()
            return _silence(self._hop)

    def _looped(self) -> Samples:
        block = self._read(self._hop)
        if block.shape[1] < self._hop:
            self._rewind()
            block = joined([block, self._read(self._hop - block.shape[1])])
        return filled(block, self._hop)

    def _read(self, count: int) -> Samples:
        self._tape = self._tape or self._sound.tape()
        return self._tape.read(count)

    def _rewind(self) -> None:
        if self._tape is not None:
            self._tape.close()
        self._tape = None


class DeviceInput:
    """A device as an input: while no sound arrives, it gives silence at the same pace."""

    def __init__(self, reader: DeviceKeeper, hop: int, time: Time) -> None:
        self._reader, self._time = reader, time
        self._seconds = hop / RATE
        self._silence = _silence(hop)
        self._last = self._silent_until = time.now()

    @property
    def overflows(self) -> int:
        """How often sound was lost."""
        return self._reader.overflows

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Return the next hop of the device, or of silence; None when `stop` is set."""
        if stop.is_set():
            return None
        if self._last + self._seconds > self._silent_until:
            if (heard := self._reader.read()) is not None:
                self._last = max(self._last, self._time.now() - heard[1])
                return heard[0], self._last
            self._silent_until = self._time.now()
        if not self._time.wait_until(self._last + self._seconds, stop):
            return None
        self._last += self._seconds
        return self._silence, self._last

    def close(self) -> None:
        """Close the device."""
        self._reader.close()


def _silence(hop: int) -> Samples:
    return np.zeros((1, hop), np.float32)
