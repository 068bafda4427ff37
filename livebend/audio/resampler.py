"""From one sample rate to another, block after block, by libswresample."""

from fractions import Fraction
from typing import Any

import numpy as np

from livebend.audio.sound import joined
from livebend.flow import Samples

# Of libswresample's filter: the usual 32 samples and 0.97 take 0.138 off at 20 kHz, these 0.001.
FILTER = {"filter_size": "64", "cutoff": "0.985"}


class Resampler:
    """Converts blocks of one rate and number of channels, and holds back half a filter's length."""

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        import av  # noqa: PLC0415 - heavy, and not needed to list devices

        self._rate, self._channels, self._sent = rate_in, channels, 0
        self._frame_of = av.AudioFrame.from_ndarray
        self._layout = av.AudioLayout(_layout(channels))
        self._graph = av.AudioResampler("flt", self._layout, rate_out, options=FILTER)

    def convert(self, block: Samples) -> Samples:
        """Return what `block` [channels, n] adds to the converted sound, [channels, m]."""
        packed = np.ascontiguousarray(block.T, np.float32).reshape(1, -1)
        frame = self._frame_of(packed, "flt", self._layout)
        frame.sample_rate, frame.pts = self._rate, self._sent
        frame.time_base = Fraction(1, self._rate)
        self._sent += block.shape[1]
        frames = self._graph.resample(frame)
        if not frames:
            return np.zeros((self._channels, 0), np.float32)
        return joined([samples_of(frame) for frame in frames])


def samples_of(frame: Any) -> Samples:
    """Return a frame of PyAV in the packed format `flt` as samples [channels, n].

    Never ask PyAV for the planes of a planar frame: with eight channels or more it reads past the
    end of their list, and the process dies.
    """
    packed: Samples = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
    return packed.T


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
