"""The loudspeakers, for a recording that the picture follows."""

from typing import Any

import numpy as np

from livebend.audio.capture import Ring
from livebend.audio.portaudio import portaudio
from livebend.core.errors import SoundError
from livebend.flow import Samples

CUSHION = 0.5  # s, length of the ring; beyond half of it the oldest sound is dropped


class Monitor:
    """Plays hops aloud: the audio worker queues them, PortAudio's thread fetches them.

    Raises: SoundError where nothing can be played.
    """

    def __init__(self, sample_rate: int) -> None:
        library = portaudio()
        self._ring = Ring(round(CUSHION * sample_rate), 1)
        try:
            self._stream = library.OutputStream(
                samplerate=sample_rate, channels=1, dtype="float32", callback=self._fill
            )
            self._stream.start()
        except (library.PortAudioError, ValueError) as fault:
            raise SoundError(f"no loudspeaker: {fault}") from fault

    def play(self, block: Samples) -> None:
        """Queue a hop, float32 [hop]."""
        self._ring.write(block[:, np.newaxis])

    def close(self) -> None:
        """Close the loudspeakers."""
        self._stream.close(ignore_errors=True)

    def _fill(self, block: Samples, frames: int, time: Any, status: Any) -> None:  # noqa: ARG002
        heard = self._ring.read(frames, 0.0)
        block[:, 0] = 0.0 if heard is None else heard
