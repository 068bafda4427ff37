"""Sounds that are easy to reason about, and devices whose callbacks a test calls."""

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from livebend.audio.analyzer import Analyzer
from livebend.audio.sound import RATE
from livebend.flow import Features, Samples


def sine(hertz: float, seconds: float, gain: float = 0.5, sample_rate: int = 44100) -> Samples:
    """Return a sine, float32 [n]."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    return (gain * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def noise(seconds: float, gain: float = 0.3, sample_rate: int = 44100, seed: int = 3) -> Samples:
    """Return white noise, float32 [n]."""
    rng = np.random.default_rng(seed)
    return (gain * rng.standard_normal(round(seconds * sample_rate))).astype(np.float32)


def clicks(seconds: float, period: float, sample_rate: int = 44100) -> Samples:
    """Return short bursts of noise every `period` s over a quiet hum, the first at 0."""
    track = sine(110, seconds, 0.02, sample_rate)
    burst = noise(0.03, 0.5, sample_rate) * np.exp(-np.arange(round(0.03 * sample_rate)) / 300)
    for start in np.arange(0, seconds - 0.05, period):
        place = round(start * sample_rate)
        track[place : place + len(burst)] += burst.astype(np.float32)
    return track


def heard(analyzer: Analyzer, samples: Samples) -> list[Features]:
    """Return the features after every hop of the samples."""
    hop = analyzer.hop
    return [
        analyzer.hear(samples[start : start + hop], (start + hop) / RATE)
        for start in range(0, len(samples) - hop + 1, hop)
    ]


class FakePortAudioError(Exception):
    """As sounddevice raises it."""


class FakeStream:
    """A stream whose callback a test calls by hand."""

    def __init__(self, library: "FakeSoundDevice", **options: Any) -> None:
        if library.broken:
            raise FakePortAudioError("device unavailable")
        if options["samplerate"] not in library.rates:
            raise FakePortAudioError("Invalid sample rate")
        self.options, self.closed = options, False

    def start(self) -> None:
        """Nothing to do."""

    def close(self, ignore_errors: bool = True) -> None:
        """Remember it."""
        self.closed = True

    def send(self, block: Samples, status: object = None) -> None:
        """Call the callback with samples [n, channels], or [n] on every channel."""
        both = np.atleast_2d(block.T).T
        if both.shape[1] == 1:
            both = np.repeat(both, self.options["channels"], axis=1)
        self.options["callback"](both, len(block), None, status)


class FakeSoundDevice(ModuleType):
    """What livebend uses of the module `sounddevice`, with two inputs and one output."""

    PortAudioError = FakePortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.names = ["Built-in Mic", "USB Interface"]
        self.rates = (44100, 48000)
        self.own_rate = 0  # that a device names; 0 = the last of rates
        self.channels = 2
        self.streams: list[FakeStream] = []
        self.outputs: list[FakeStream] = []
        self.broken = False
        self.restarts = 0
        self.default = SimpleNamespace(device=[0, -1])

    def query_hostapis(self) -> list[dict[str, Any]]:
        """One API."""
        return [{"name": "FakeAPI", "default_input_device": 0}]

    def query_devices(self, kind: str | None = None) -> Any:
        """The inputs, and a loudspeaker in front of them; or the default one of a kind."""
        speaker = self._device("Speaker", 0)
        inputs = [self._device(name, self.channels) for name in self.names]
        return speaker if kind else [speaker, *inputs]

    def InputStream(self, **options: Any) -> FakeStream:  # noqa: N802
        """As sounddevice calls it."""
        self.streams.append(FakeStream(self, **options))
        return self.streams[-1]

    def OutputStream(self, **options: Any) -> FakeStream:  # noqa: N802
        """As sounddevice calls it."""
        self.outputs.append(FakeStream(self, **options))
        return self.outputs[-1]

    def _terminate(self) -> None:
        self.restarts += 1

    def _initialize(self) -> None:
        pass

    def _device(self, name: str, channels: int) -> dict[str, Any]:
        return {
            "name": name,
            "hostapi": 0,
            "max_input_channels": channels,
            "default_samplerate": float(self.own_rate or self.rates[-1]),
        }
