"""The loudspeakers, for a recording that the picture follows."""

from typing import Any

from livebend.audio.capture import Ring
from livebend.audio.portaudio import portaudio
from livebend.audio.resampler import Resampler
from livebend.audio.sound import RATE, stereo
from livebend.core.errors import SoundError
from livebend.flow import Samples

CUSHION = 0.5  # s, length of the ring; beyond half of it the oldest sound is dropped


class Monitor:
    """Plays hops aloud: the audio worker queues them, PortAudio's thread fetches them.

    Raises: SoundError where nothing can be played.
    """

    def __init__(self) -> None:
        library = portaudio()
        try:
            self._open(library, RATE)
        except (library.PortAudioError, ValueError):
            self._open_at_its_own_rate(library)

    def play(self, block: Samples) -> None:
        """Queue a hop, float32 [channels, hop] at RATE."""
        both = stereo(block)
        if self._resampler is not None:
            both = self._resampler.convert(both)
        self._ring.write(both.T)

    def close(self) -> None:
        """Close the loudspeakers."""
        self._stream.close(ignore_errors=True)

    def _open(self, library: Any, rate: int) -> None:
        self._ring = Ring(round(CUSHION * rate), 2)
        self._resampler = None if rate == RATE else Resampler(RATE, rate, 2)
        self._stream = library.OutputStream(
            samplerate=rate, channels=2, dtype="float32", callback=self._fill
        )
        self._stream.start()

    def _open_at_its_own_rate(self, library: Any) -> None:
        try:
            rate = round(library.query_devices(kind="output")["default_samplerate"])
            self._open(library, rate)
        except (library.PortAudioError, ValueError) as fault:
            raise SoundError(f"no loudspeaker: {fault}") from fault

    def _fill(self, block: Samples, frames: int, time: Any, status: Any) -> None:  # noqa: ARG002
        heard = self._ring.read(frames, 0.0)
        block[:] = 0.0 if heard is None else heard.T
