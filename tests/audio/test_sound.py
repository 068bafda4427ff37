"""Sound files, read whole; what cannot be read is named in a line."""

import wave

import av
import numpy as np
import pytest

from livebend.audio.open_input import open_sound
from livebend.audio.sound import Sound, read_sound
from livebend.core.errors import SoundError
from tests.fakes.sound import sine


def write_wav(path, samples, rate=44100, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def test_a_wav_comes_back_at_its_own_rate(tmp_path):
    tone = sine(440, 0.5, 0.5, 32000)
    sound = read_sound(write_wav(tmp_path / "tone.wav", tone, 32000))
    assert (sound.sample_rate, sound.name, sound.samples.dtype) == (32000, "tone.wav", np.float32)
    assert sound.seconds == pytest.approx(0.5)
    assert np.abs(sound.samples - tone).max() < 1e-3


def test_stereo_is_averaged(tmp_path):
    left, right = sine(440, 0.2, 0.6), np.zeros(8820, np.float32)
    both = np.stack((left, right), axis=1).ravel()
    sound = read_sound(write_wav(tmp_path / "two.wav", both, channels=2))
    assert np.abs(sound.samples - left / 2).max() < 1e-3


def test_a_compressed_file_is_read(tmp_path):
    path = tmp_path / "tone.flac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=44100, layout="mono")
        data = (sine(440, 0.5) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert read_sound(path).seconds == pytest.approx(0.5, abs=0.01)


def test_a_missing_file_is_named():
    with pytest.raises(SoundError, match=r"nowhere/x\.ogg: no such file"):
        open_sound("nowhere/x.ogg")


@pytest.mark.parametrize(
    "content", [b"", b"hello, I am not a sound" * 50, b"OggS\0\2" + b"\7" * 900]
)
def test_a_corrupt_file_is_one_line_with_its_name(tmp_path, content):
    path = tmp_path / "bad.ogg"
    path.write_bytes(content)
    with pytest.raises(SoundError, match=r"bad\.ogg: cannot be read as sound") as caught:
        read_sound(path)
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_file_without_sound_are_refused(tmp_path):
    with pytest.raises(SoundError, match="is a folder"):
        read_sound(tmp_path)


def test_a_file_that_breaks_off_gives_what_came_before(tmp_path):
    path = write_wav(tmp_path / "long.wav", sine(440, 2.0))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert read_sound(path).seconds == pytest.approx(1.0, abs=0.1)


def test_blocks_loop_or_end_in_silence():
    sound = Sound(np.arange(10, dtype=np.float32), 10, "ten")
    assert sound.block(0, 4, loop=False).tolist() == [0, 1, 2, 3]
    assert sound.block(2, 4, loop=False).tolist() == [8, 9, 0, 0]
    assert sound.block(2, 4, loop=True).tolist() == [8, 9, 0, 1]
    assert sound.block(9, 4, loop=False).tolist() == [0, 0, 0, 0]
    assert sound.block(3, 4, loop=True).tolist() == [2, 3, 4, 5]
