"""Sound files made by tests: any codec, rate, and number of channels; and files joined."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from livebend.flow import Samples


def write_sound(
    path: Path, samples: Samples, rate: int = 44100, codec: str = "pcm_s16le", kind: str = "wav"
) -> Path:
    """Write samples [channels, n] or [n] by FFmpeg's `codec` into its container `kind`."""
    samples = np.atleast_2d(samples)
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(len(samples), f"{len(samples)}c")
    options = {"movflags": "faststart"} if kind == "mov" else {}  # the index first
    with av.open(str(path), "w", format=kind, options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.codec_context.options = {"strict": "experimental"}  # FFmpeg's own Vorbis
        size = stream.codec_context.frame_size or 1024
        turn = av.AudioResampler(stream.codec_context.format, layout, rate, frame_size=size)
        packed = np.ascontiguousarray(samples.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for piece in (*turn.resample(frame), *turn.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def join(path: Path, *parts: Path) -> Path:
    """Write the bytes of files one after another."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def hertz(samples: Samples, rate: int) -> float:
    """Return the frequency of the strongest partial of a signal [n]."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))
