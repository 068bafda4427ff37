"""A sound device as blocks of samples; it may be lost and come back.

PortAudio's callback only copies into a ring made beforehand; the audio worker waits for whole hops.
A loss shows in frames that do not arrive: status flags and exceptions are not reliable. Why not
blocking reads: measured on a PulseAudio monitor, with two busy threads and Python's lock held for
90 ms at a time, neither overflows, but reads let ALSA's buffer fill up (4095 frames), and a read
has no time limit.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from livebend.audio.portaudio import Device, device_index, portaudio, restart_portaudio
from livebend.core.clock import now
from livebend.core.errors import SoundError
from livebend.core.notify import Notify
from livebend.flow import Samples

LATENCY = 0.06  # s, of PortAudio's own buffer: longer than Python holds its lock under load
SECONDS = 2.0  # length of the ring
PATIENCE = 0.25  # s that one read waits
STALL, START = 1.0, 3.0  # s without sound that mean a loss: usually, and after opening
RETRY = 1.0  # s between two attempts to open
WATCH = 2.0  # s over which the frames that arrive are compared with the clock
ENOUGH = 0.8  # of them that must arrive


class Ring:
    """A ring of samples. One thread writes and never waits; one other thread reads mono."""

    def __init__(self, size: int, channels: int) -> None:
        self._samples = np.zeros((size, channels), np.float32)
        self._weights = np.full(channels, 1 / channels, np.float32)
        self._read = 0
        self._news = threading.Event()
        self.written = 0
        self.overflows = 0

    def write(self, block: Samples) -> None:
        """Copy `block` [n, channels] in; called in PortAudio's thread."""
        size, count = len(self._samples), len(block)
        start = self.written % size
        first = min(count, size - start)
        self._samples[start : start + first] = block[:first]
        self._samples[: count - first] = block[first:]
        self.written += count
        self._news.set()

    @property
    def waiting(self) -> int:
        """Samples that are not read yet."""
        return self.written - self._read

    def read(self, count: int, timeout: float) -> Samples | None:
        """Return the next samples, [count] with the channels averaged; None after `timeout` s.

        A reader that is half a ring behind skips to the newest: an overflow.
        """
        while self.waiting < count:
            self._news.clear()
            if self.waiting < count and not self._news.wait(timeout):
                return None
        if self.waiting > len(self._samples) // 2:
            self.overflows += 1
            self._read = self.written - count
        start = self._read % len(self._samples)
        self._read += count
        block = self._samples[start : start + count]
        if len(block) < count:
            block = np.concatenate((block, self._samples[: count - len(block)]))
        return block @ self._weights


class Capture:
    """An open stream from a device. Opened, read and closed by the audio worker.

    Raises: SoundError where the device cannot be opened at that rate.
    """

    def __init__(self, device: Device, sample_rate: int, hop: int) -> None:
        library = portaudio()
        channels = min(device.channels, 2)
        self._ring = Ring(round(SECONDS * sample_rate), channels)
        self._flagged = 0
        self._hop, self._rate = hop, sample_rate
        try:
            self._stream = library.InputStream(
                device=device_index(device),
                samplerate=sample_rate,
                blocksize=hop,
                channels=channels,
                dtype="float32",
                latency=LATENCY,
                callback=self._copy,
            )
            self._stream.start()
        except (library.PortAudioError, ValueError) as fault:
            raise SoundError(f"{device.name}: cannot be opened: {fault}") from fault
        self._heard = now()
        self._watched = (self._heard, 0)

    def _copy(self, block: Samples, frames: int, time: Any, status: Any) -> None:  # noqa: ARG002
        self._flagged += bool(status)
        self._ring.write(block)

    @property
    def overflows(self) -> int:
        """How often PortAudio or the ring lost samples, as far as is known."""
        return self._flagged + self._ring.overflows

    @property
    def lost(self) -> bool:
        """Whether no sound has arrived for so long that the device must be gone."""
        return now() - self._heard > (STALL if self._ring.written else START)

    def read(self) -> tuple[Samples, float] | None:
        """Return the next hop, float32 [hop], and its age in seconds; None if it does not arrive.

        The age is the length of the sound after it that is already waiting.
        """
        block = self._ring.read(self._hop, PATIENCE)
        if block is None:
            return None
        self._heard = now()
        return block, self._ring.waiting / self._rate

    def shortfall(self) -> float:
        """Return the fraction of the sound missing in the last 2 s; 0 where it is small."""
        moment, frames = self._watched
        if now() - moment < WATCH:
            return 0.0
        arrived = (self._ring.written - frames) / self._rate / (now() - moment)
        self._watched = (now(), self._ring.written)
        return 1 - arrived if arrived < ENOUGH and frames else 0.0

    def close(self) -> None:
        """Close the stream, also one whose device is gone."""
        self._stream.close(ignore_errors=True)


class DeviceKeeper:
    """Keeps one device open: notices its loss, and opens it again when it is back.

    Used by the audio worker alone. `find` looks the device up at every attempt. `notify` is called
    once for each loss and return.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], Device],
        sample_rate: int,
        hop: int,
        notify: Notify,
    ) -> None:
        self._name, self._find, self._notify = name, find, notify
        self._rate, self._hop = sample_rate, hop
        self._capture: Capture | None = None
        self._next_try = 0.0
        self._missing = self._incomplete = False
        self._overflows = 0

    @property
    def overflows(self) -> int:
        """Overflows of every stream so far."""
        return self._overflows + (self._capture.overflows if self._capture else 0)

    def read(self) -> tuple[Samples, float] | None:
        """Return the next hop and its age in seconds, or None while nothing arrives."""
        capture = self._capture or self._open()
        if capture is None:
            return None
        heard = capture.read()
        if heard is None and capture.lost:
            self._lose("no sound arrives")
        elif missing := capture.shortfall():
            self._fall_short(missing)
        return heard

    def close(self) -> None:
        """Close the device."""
        if self._capture is not None:
            self._overflows += self._capture.overflows
            self._capture.close()
            self._capture = None

    def _open(self) -> Capture | None:
        if now() < self._next_try:
            return None
        try:
            if self._missing:
                restart_portaudio()
            self._capture = Capture(self._find(), self._rate, self._hop)
        except SoundError as fault:
            self._lose(str(fault))
            return None
        if self._missing:
            self._notify(f"{self._name} is back")
        self._missing = False
        return self._capture

    def _lose(self, why: str) -> None:
        self.close()
        if not self._missing:
            self._notify(f"{self._name} is lost ({why}): silence until it is back")
        self._missing = True
        self._next_try = now() + RETRY

    def _fall_short(self, missing: float) -> None:
        self._overflows += 1
        if not self._incomplete:
            self._notify(f"{self._name} loses {missing:.0%} of its sound")
        self._incomplete = True
