"""A sound device as blocks of samples at RATE; it may be lost and come back as another.

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

from livebend.audio.portaudio import Device, Pick, device_index, portaudio, restart_portaudio
from livebend.audio.resampler import Resampler
from livebend.audio.sound import RATE
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
QUIET, LOOK = 5.0, 30.0  # s of zeros after which the default is looked up, and again
COMMON_RATES = (48_000, 44_100, 96_000)  # Hz, tried where a device's own does not open


class Ring:
    """A ring of samples. One thread writes and never waits; one other thread reads."""

    def __init__(self, size: int, channels: int) -> None:
        self._samples = np.zeros((size, channels), np.float32)
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
        """Return the next samples, [channels, count]; None after `timeout` s.

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
        return block.T.copy()


class Capture:
    """An open stream from a device. Opened, read and closed by the audio worker.

    Raises: SoundError where the device cannot be opened at any rate.
    """

    def __init__(self, pick: Pick, hop: int) -> None:
        self.device, self._channels = pick.device, list(pick.channels)
        self._hop, self._flagged = hop, 0
        self._open()
        is_ours = self._rate == RATE
        count = len(self._channels)
        self._resampler = None if is_ours else Resampler(self._rate, RATE, count)
        self._pending = np.zeros((count, 0), np.float32)
        self._heard = self._sounded = now()
        self._watched = (self._heard, 0)

    def _open(self) -> None:
        own = self.device.default_rate
        faults = []
        for rate in (own, *(rate for rate in COMMON_RATES if rate != own)):
            try:
                self._open_at(rate)
            except SoundError as fault:
                faults.append(fault)
            else:
                return
        raise faults[0]

    def _open_at(self, rate: int) -> None:
        library = portaudio()
        self._rate, self._chunk = rate, -(-self._hop * rate // RATE)
        channels = max(self._channels) + 1
        self._ring = Ring(round(SECONDS * rate), channels)
        try:
            self._stream = library.InputStream(
                device=device_index(self.device),
                samplerate=rate,
                blocksize=self._chunk,
                channels=channels,
                dtype="float32",
                latency=LATENCY,
                callback=self._copy,
            )
            self._stream.start()
        except (library.PortAudioError, ValueError) as fault:
            raise SoundError(f"{self.device.name}: cannot be opened: {fault}") from fault

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

    @property
    def quiet(self) -> bool:
        """Whether it has given nothing but zeros for so long that it may be the wrong device."""
        return now() - self._sounded > QUIET

    def read(self) -> tuple[Samples, float] | None:
        """Return the next hop, float32 [channels, hop] at RATE, and its age in seconds; None if it
        does not arrive.

        The age is the length of the sound after it that is already waiting.
        """
        while self._pending.shape[1] < self._hop:
            block = self._ring.read(self._chunk, PATIENCE)
            if block is None:
                return None
            self._heard = now()
            self._append(block[self._channels])
        block, self._pending = np.split(self._pending, [self._hop], axis=1)
        return block, self._ring.waiting / self._rate + self._pending.shape[1] / RATE

    def _append(self, block: Samples) -> None:
        if block.any():
            self._sounded = self._heard
        if self._resampler is not None:
            block = self._resampler.convert(block)
        is_empty = self._pending.shape[1] == 0
        self._pending = block if is_empty else np.concatenate((self._pending, block), axis=1)

    def shortfall(self) -> float:
        """Return the fraction of the sound missing in the last 2 s; 0 where it is small."""
        moment, frames = self._watched
        if now() - moment < WATCH:
            return 0.0
        if now() - moment > 3 * WATCH:  # the process stood still, and the device did not
            self._watched = (now(), self._ring.written)
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
    once for each loss and return. With `follows` the name means whatever is the default: where it
    gives nothing but zeros, the default is looked up again.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], Pick],
        hop: int,
        notify: Notify,
        *,
        follows: bool = False,
    ) -> None:
        self._name, self._find, self._notify = name, find, notify
        self._hop, self._follows = hop, follows
        self._capture: Capture | None = None
        self._device: Device | None = None  # that was open last
        self._next_try = self._next_look = 0.0
        self._missing = self._incomplete = False
        self._overflows = 0

    @property
    def overflows(self) -> int:
        """Overflows of every stream so far."""
        return self._overflows + (self._capture.overflows if self._capture else 0)

    def read(self) -> tuple[Samples, float] | None:
        """Return the next hop, [channels, hop], and its age in seconds, or None while nothing
        arrives."""
        capture = self._capture or self._open(restart=self._missing)
        if capture is None:
            return None
        heard = capture.read()
        if heard is None and capture.lost:
            self._lose("no sound arrives")
        elif missing := capture.shortfall():
            self._fall_short(missing)
        elif self._follows and capture.quiet and now() >= self._next_look:
            self._next_look = now() + LOOK
            self.close()
            self._open(restart=True)
        return heard

    def close(self) -> None:
        """Close the device."""
        if self._capture is not None:
            self._overflows += self._capture.overflows
            self._capture.close()
            self._capture = None

    def _open(self, *, restart: bool) -> Capture | None:
        if now() < self._next_try:
            return None
        try:
            if restart:
                restart_portaudio()
            self._capture = Capture(self._find(), self._hop)
        except SoundError as fault:
            self._lose(str(fault))
            return None
        device, before = self._capture.device, self._device
        if before is not None and device.name != before.name:
            self._notify(f"{self._name} is now {device.name}")
        elif self._missing:
            self._notify(f"{self._name} is back")
        self._device, self._missing = device, False
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
