"""Sound into a file: the stream beside the pictures of a film, or a file of its own."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from livebend.audio.sound import stereo, widened
from livebend.flow import Samples
from livebend.outputs.kept_file import KeptFile

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
FINE_RATES = (384000, 352800, 192000, 176400, *RATES)  # of encoders that lose nothing
BITS = 256_000  # per second, of two channels that are compressed
PCM = "pcm_s24le"
AAC = "aac"
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # by channels: what is kept as it is
PIECE = 1024  # samples that are encoded at once, where the encoder does not say


class SoundStream:
    """The sound of an open container, at the rate nearest to its own that encoders have.

    container: FFmpeg's, not begun.
    encoder: AAC, flac, or PCM and other names of FFmpeg's for PCM.
    sample_rate: of what is added, in Hz.
    channels: one of LAYOUTS; of what is added, more are mixed to two, see `stereo`.
    bits: of a sample, 16 or 24, where nothing is lost.
    """

    def __init__(
        self, container: Any, encoder: str, sample_rate: int, *, channels: int = 2, bits: int = 24
    ) -> None:
        rates = RATES if encoder == AAC else FINE_RATES
        rate = min(rates, key=lambda known: abs(known - sample_rate))
        self._container, self._rate, self._heard = container, sample_rate, 0
        self._channels, self._layout = channels, LAYOUTS[channels]
        self._stream = container.add_stream(encoder, rate=rate, layout=self._layout)
        context = self._stream.codec_context
        context.format = "fltp" if encoder == AAC else "s16" if bits == 16 else "s32"
        if encoder == AAC:
            self._stream.bit_rate = BITS * channels // 2
        context.open()
        self._resampler = av.AudioResampler(
            context.format, self._layout, rate, frame_size=context.frame_size or PIECE
        )

    def add(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n] after those added before."""
        block = np.atleast_2d(samples)
        if len(block) != self._channels:
            block = widened(stereo(block), self._channels)
        if not block.shape[1]:
            return
        planes = np.ascontiguousarray(block, np.float32)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts = self._rate, self._heard
        frame.time_base = Fraction(1, self._rate)
        self._heard += block.shape[1]
        self._encode(frame)

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
