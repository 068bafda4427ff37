"""From a hop of sound to `Features`. It has no input, output or clock: time is given.

All sound comes at RATE, so every window means the same in seconds and hertz. One short-time
spectrum (23 ms) feeds flux, centroid, bands, drums and tempo, from the power of all channels;
onsets (of 12 ms, reported 14–20 ms after the attack) and pitch are aubio's, of the channels mixed.
"""

import math
from fractions import Fraction

import numpy as np

from livebend.audio.bands import Bands, Drums
from livebend.audio.beat import BeatPhase
from livebend.audio.channels import Mixdown
from livebend.audio.levels import FluxScale, Levels
from livebend.audio.paper_features import PaperTape
from livebend.audio.sound import RATE
from livebend.audio.spectrum import FREQUENCIES, Spectrum
from livebend.audio.tempo import Tempo
from livebend.flow import Features, Samples

ONSET_WINDOW = 512
PITCH_WINDOW = 2048  # lowest pitch about 43 Hz at 44.1 kHz
SHUT, OPEN = -45.0, -90.0  # dB, gate of the onsets: usually, and just after something loud
ONSET_POWER = 10.0 ** (SHUT / 10)
ONSET_HOLD = 0.03  # s that the gate stays open
OFFSET = np.float32(1e-4)
GATE = 1e-3  # rms, -60 dBFS: below it is silence
PITCH_HOPS = 3  # hops for one pitch: it is the most expensive feature
ONES = np.ones_like(FREQUENCIES)
CONFIDENCE = 0.7  # of a pitch; below it there is none
LOWEST_BRIGHTNESS, HIGHEST_BRIGHTNESS = 50.0, 10_000.0  # Hz


def hop_for(frame_rate: float) -> int:
    """Return the hop, in samples at RATE, whose ends fall on the ends of video frames.

    The largest divisor of RATE / frame_rate in 128..256, or 256 where there is none.
    """
    per_frame = Fraction(RATE) / Fraction(frame_rate).limit_denominator(1001)
    if per_frame.denominator != 1:
        return 256
    divisors = (hop for hop in range(256, 127, -1) if per_frame.numerator % hop == 0)
    return next(divisors, 256)


class Analyzer:
    """Analyses hop after hop of sound at RATE; each takes about 0.07 ms, two thirds of it in aubio.

    The features of the founding paper are over the last 1/frame_rate seconds. Owned by one thread.
    """

    def __init__(self, hop: int = 256, frame_rate: float = 20.0) -> None:
        import aubio  # noqa: PLC0415 - heavy, and not needed to list devices

        self.hop, dt = hop, hop / RATE
        self._mixdown, self._spectrum, self._bands = Mixdown(), Spectrum(hop), Bands()
        self._magnitudes = np.zeros_like(FREQUENCIES)
        self._onset = aubio.onset("default", ONSET_WINDOW, hop, RATE)
        self._onset.set_minioi_ms(80.0)
        self._open_hops = math.ceil(ONSET_HOLD / dt)
        self._open_left = 0  # hops for which the gate of the onsets stays open
        self._pitch = aubio.pitch("yinfast", PITCH_WINDOW, PITCH_HOPS * hop, RATE)
        self._pitch.set_unit("Hz")
        self._pitch_block = np.zeros((PITCH_HOPS, hop), np.float32)
        self._pitch_now = 0.0
        self._levels, self._flux_scale = Levels(dt), FluxScale(dt)
        self._tempo, self._beat, self._drums = Tempo(dt), BeatPhase(dt), Drums(dt)
        self._paper = PaperTape(RATE, frame_rate)
        self._hops = self._onsets = 0
        self._onset_time = 0.0

    def hear(self, block: Samples, time: float) -> Features:
        """Return the features of the sound after `block`, float32 [channels, hop] or [hop].

        `time` is the moment of the block's last sample, in seconds on the clock of the show. A
        block that is not finite counts as silence.
        """
        block = block if block.ndim > 1 else block[np.newaxis]
        mixed, power = self._mixdown.step(block)
        if not math.isfinite(power):
            block = np.zeros((len(block), self.hop), np.float32)
            self._mixdown, mixed, power = Mixdown(), block[0], 0.0
        bins = self._spectrum.step(block)
        bands = self._bands.step(bins)
        levels = self._levels.step(power, bands.low, bands.mid, bands.high)
        silent = levels.rms < GATE
        flux_raw, centroid = self._hear_spectrum(bins, silent)
        kicks, snares, hats = self._drums.step(bands)
        self._hear_onset(mixed, power, time)
        beat = self._beat.step(self._tempo.step(bands), self._tempo.bpm, silent)
        pitch = self._hear_pitch(mixed)
        self._hops += 1
        return Features(
            time=time,
            rms=levels.rms,
            flux=self._flux_scale.step(flux_raw, silent),
            flux_raw=flux_raw,
            centroid=centroid,
            brightness=brightness(centroid),
            low=levels.low,
            mid=levels.mid,
            high=levels.high,
            onset_count=self._onsets,
            onset_time=self._onset_time,
            kick_count=kicks,
            snare_count=snares,
            hat_count=hats,
            bpm=beat.bpm,
            beat_count=beat.beats,
            beat_phase=beat.phase,
            pitch=0.0 if silent else pitch,
            silent=silent,
            paper=self._paper.step(mixed),
        )

    def _hear_spectrum(self, power: Samples, silent: bool) -> tuple[float, float]:
        """Return the spectral flux, Σ of what the magnitudes grew, and the centroid in Hz."""
        magnitudes = np.sqrt(power)
        flux = float(ONES.dot(np.maximum(magnitudes - self._magnitudes, 0.0)))
        self._magnitudes = magnitudes
        total = float(ONES.dot(magnitudes))
        centroid = 0.0 if silent or total <= 0.0 else float(FREQUENCIES.dot(magnitudes)) / total
        return flux, centroid

    def _hear_onset(self, block: Samples, power: float, time: float) -> None:
        """Count an onset. aubio reports it some hops late, when a short click is already over. So
        its gate stays open for a moment after anything loud, even in digital silence, which a
        constant offset lifts to -80 dB."""
        self._open_left = self._open_hops if power > ONSET_POWER else max(self._open_left - 1, 0)
        self._onset.set_silence(OPEN if self._open_left else SHUT)
        if self._onset(block + OFFSET)[0] > 0:
            ago = (self._hops + 1) * self.hop - self._onset.get_last()
            self._onsets += 1
            self._onset_time = time - ago / RATE

    def _hear_pitch(self, block: Samples) -> float:
        """Return the pitch in Hz, updated every PITCH_HOPS hops."""
        place = self._hops % PITCH_HOPS
        self._pitch_block[place] = block
        if place == PITCH_HOPS - 1:
            pitch = float(self._pitch(self._pitch_block.reshape(-1))[0])
            self._pitch_now = pitch if self._pitch.get_confidence() > CONFIDENCE else 0.0
        return self._pitch_now


def brightness(hertz: float) -> float:
    """Return where a frequency lies between 50 Hz (0) and 10 kHz (1), on a logarithmic scale."""
    if hertz <= LOWEST_BRIGHTNESS:
        return 0.0
    return min(math.log(hertz / LOWEST_BRIGHTNESS, HIGHEST_BRIGHTNESS / LOWEST_BRIGHTNESS), 1.0)
