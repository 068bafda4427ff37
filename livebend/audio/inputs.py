"""Sound that arrives hop by hop, at the pace of the show: a recording or a device."""

import threading
from typing import Protocol

import numpy as np

from livebend.audio.capture import DeviceKeeper
from livebend.audio.monitor import Monitor
from livebend.audio.sound import Sound
from livebend.core.clock import Time
from livebend.flow import Samples


class Input(Protocol):
    """Sound that arrives hop by hop. Everything is called by the audio worker."""

    @property
    def overflows(self) -> int: ...

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Return the next hop, float32 [hop], with the show time of its last sample.

        It waits for the sound, and returns None when `stop` is set.
        """

    def close(self) -> None: ...


class PlayedInput:
    """A recording as an input, looped, at the pace of the show; also played on `aloud`."""

    overflows = 0

    def __init__(self, sound: Sound, hop: int, time: Time, aloud: Monitor | None = None) -> None:
        self._sound, self._hop, self._time, self._aloud = sound, hop, time, aloud
        self._hops = 0
        self._begin: float | None = None

    def read(self, stop: threading.Event) -> tuple[Samples, float] | None:
        """Wait until the next hop has been played, and return it; None when `stop` is set."""
        if self._begin is None:
            self._begin = self._time.now()
        moment = self._begin + (self._hops + 1) * self._hop / self._sound.sample_rate
        if not self._time.wait_until(moment, stop):
            return None
        block = self._sound.block(self._hops, self._hop, loop=True)
        self._hops += 1
        if self._aloud is not None:
            self._aloud.play(block)
        return block, moment

    def close(self) -> None:
        """Close the loudspeakers."""
        if self._aloud is not None:
            self._aloud.close()


class DeviceInput:
    """A device as an input: while no sound arrives, it gives silence at the same pace."""

    def __init__(self, reader: DeviceKeeper, sample_rate: int, hop: int, time: Time) -> None:
        self._reader, self._time = reader, time
        self._seconds = hop / sample_rate
        self._silence = np.zeros(hop, np.float32)
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
