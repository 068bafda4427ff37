"""Sound into a file: the stream beside the pictures of a film, or a file of its own."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from livebend.audio.sound import stereo
from livebend.flow import Samples
from livebend.outputs.kept_file import KeptFile

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
BITS = 256_000  # per second, where sound is compressed
PCM = "pcm_s24le"
SAMPLES = {"aac": "fltp", PCM: "s32"}  # what each encoder takes
PIECE = 1024  # samples that are encoded at once


class SoundStream:
    """The stereo sound of an open container, at the rate nearest to its own that encoders have.

    container: FFmpeg's.
    encoder: one of SAMPLES.
    sample_rate: of what is added, in Hz.
    """

    def __init__(self, container: Any, encoder: str, sample_rate: int) -> None:
        rate = min(RATES, key=lambda known: abs(known - sample_rate))
        self._container, self._rate, self._heard = container, sample_rate, 0
        self._stream = container.add_stream(encoder, rate=rate, layout="stereo")
        self._stream.codec_context.format = SAMPLES[encoder]
        if encoder != PCM:
            self._stream.bit_rate = BITS
        self._resampler = av.AudioResampler(SAMPLES[encoder], "stereo", rate, frame_size=PIECE)

    def add(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n] after those added before; see `stereo`."""
        both = stereo(samples)
        if not both.shape[1]:
            return
        planes = np.ascontiguousarray(both, np.float32)
        block = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        block.sample_rate, block.pts = self._rate, self._heard
        block.time_base = Fraction(1, self._rate)
        self._heard += both.shape[1]
        self._encode(block)

    def end(self) -> None:
        """Write what is held back."""
        self._encode(None)
        self._container.mux(self._stream.encode(None))

    def _encode(self, block: Any) -> None:
        for piece in self._resampler.resample(block):
            self._container.mux(self._stream.encode(piece))


class SoundTrack:
    """A WAV file of 24 bits that plays up to where it is written. Used by one thread.

    Raises: OSError, as every method does.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.file = KeptFile(path, new=True)
        options = {"flush_packets": "1", "rf64": "auto"}
        self._container = av.open(self.file, "w", format="wav", options=options)
        self._stream = SoundStream(self._container, PCM, sample_rate)

    def add(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n]."""
        self._stream.add(samples)

    def finish(self) -> None:
        """Write what is held back, and the file's length into its head."""
        try:
            self._stream.end()
            self._container.close()
        finally:
            self.leave()

    def leave(self) -> None:
        """Close the file as it is."""
        self.file.stop()
        with suppress(av.FFmpegError, OSError):  # nothing is written any more
            self._container.close()
        self.file.close()
