"""The paper's drives from a sound file to an angle: 25·RMS rad and its like, frame by frame."""

import math
import wave
from pathlib import Path

import numpy as np
import pygame
import pytest

from livebend.audio.open_input import open_sound, pull_sound
from livebend.core.clock import OfflineClock
from livebend.modulation.modulator import Modulator
from livebend.scene.values import Bend, Route, Scene
from tests.fakes.sound import clicks, noise, sine

RATE, FPS, FRAME = 44100, 20, 2205
SONG = Path(pygame.__file__).parent / "examples" / "data" / "house_lo.wav"  # 11025 Hz, 8 bit, mono
DRIVES = ("rms", "flux", "centroid")


def synthesised():
    return clicks(2.0, 0.37) + noise(2.0, 0.05) + sine(700, 2.0, 0.3)


def packaged():
    """A few bars of house music that come with pygame, every sample four times: 44.1 kHz."""
    with wave.open(str(SONG)) as file:
        whole = np.frombuffer(file.readframes(file.getnframes()), np.uint8) / 128.0 - 1.0
    return np.repeat(whole[: RATE // 2], 4)


def written(path, samples):
    """Write a 16-bit file; return the samples as they are in it, −1..1."""
    integers = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(integers.tobytes())
    return integers / 32768


def formulas(samples):
    """Section 1 of the bending study: (25·RMS, Σ|ΔA|/2500, centroid/2500) rad of every frame."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    A = np.abs(np.fft.fft(frames, 4096, axis=1))[:, :2049]
    before = np.vstack([A[:1], A[:-1]])  # the first frame has no flux
    hertz = np.arange(2049) * RATE / 4096
    return {
        "rms": 25 * np.sqrt((frames**2).mean(1)),
        "flux": np.abs(A - before).sum(1) / 2500,
        "centroid": (A * hertz).sum(1) / A.sum(1) / 2500,
    }


def angles(path, drive):
    """The angle in radians that livebend gives a bend in every frame of a file, unwrapped."""
    sound = open_sound(str(path))
    features, modulator = pull_sound(sound, frame_rate=FPS), Modulator()
    bend = Bend("r1", "rotate", "latent@0.8")
    route = Route("sound", f"paper.{drive}", "bend.r1.angle", edge="wrap")
    scene = Scene(bends=(bend,), routes=(route,))
    for tick in OfflineClock(FPS, sound.seconds):
        given = modulator.modulate(scene, features.at(tick.time), tick.time, tick.dt)
        source, angle = given.sources["sound"], given.values["bend.r1.angle"]
        assert math.isclose(math.fmod(source, 360.0), angle, abs_tol=1e-9)
        yield math.radians(source)


@pytest.mark.parametrize("make", [synthesised, packaged])
def test_every_frame_of_a_sound_file_gives_the_papers_angle(tmp_path, make):
    samples = written(tmp_path / "sound.wav", make())
    expected = formulas(samples)
    got = {drive: np.array(list(angles(tmp_path / "sound.wav", drive))) for drive in DRIVES}
    assert len(expected["rms"]) >= 40
    assert expected["rms"].max() > 1.0
    assert np.abs(got["rms"] - expected["rms"]).max() <= 1e-6
    for drive in ("flux", "centroid"):
        assert np.abs(got[drive] - expected[drive]).max() <= 1e-4 * expected[drive].max()
