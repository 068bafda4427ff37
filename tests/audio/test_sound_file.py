"""Sound files of any kind, decoded while they are read; what cannot be read is named in a line."""

import os
import tracemalloc
import wave

import av
import numpy as np
import pytest

from livebend.audio.open_input import open_sound, pull_sound
from livebend.audio.sound import RATE
from livebend.audio.sound_file import SoundFile
from livebend.core.errors import SoundError
from tests.fakes.sound import noise, sine
from tests.fakes.sound_files import hertz, join, write_sound

JOINABLE = {  # extension: codec, container
    "wav": ("pcm_s16le", "wav"),
    "mp3": ("libmp3lame", "mp3"),
    "aac": ("aac", "adts"),
    "flac": ("flac", "flac"),
    "ogg": ("flac", "ogg"),
    "opus": ("libopus", "ogg"),
}


def whole(path):
    tape = SoundFile(path).tape()
    samples = tape.read(10**8)
    tape.close()
    return samples


def write_wav(path, samples, rate=44100, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def test_a_file_at_the_rate_of_the_analysis_is_what_is_in_it(tmp_path):
    tone = sine(440, 0.5, 0.5)
    sound = SoundFile(write_wav(tmp_path / "tone.wav", tone))
    assert (sound.sample_rate, sound.name, sound.seconds) == (RATE, "tone.wav", 0.5)
    samples = sound.tape().read(10**6)
    assert (samples.shape, samples.dtype) == ((1, 22050), np.float32)
    assert np.abs(samples[0] - tone).max() < 1e-4


def test_another_rate_is_brought_to_it_or_kept_for_the_movie(tmp_path):
    sound = SoundFile(write_wav(tmp_path / "tone.wav", sine(440, 1.0, 0.5, 48000), 48000))
    ours, original = sound.tape().read(10**6), sound.original()
    assert ours.shape == (1, RATE)
    assert np.abs(ours[0] - sine(440, 1.0))[200:-200].max() < 2e-3
    assert original.sample_rate == 48000
    assert original.read(10**6).shape == (1, 48000)


@pytest.mark.parametrize("rate", [8000, 11025, 96000, 192000, 384000])
def test_every_rate_is_heard_at_its_pitch_and_length(tmp_path, rate):
    samples = whole(write_wav(tmp_path / "tone.wav", sine(1000, 0.5, 0.5, rate), rate))
    assert samples.shape[1] == pytest.approx(RATE / 2, abs=2)
    assert hertz(samples[0], RATE) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 7, 8, 9, 12, 16])
def test_every_number_of_channels_is_read_each_for_itself(tmp_path, channels):
    """From eight on, PyAV reads past a list for planar frames, and the process dies."""
    sent = np.stack([sine(200 + 100 * c, 0.2, 0.3) for c in range(channels)])
    for rate in (44100, 48000):
        got = whole(write_wav(tmp_path / "x.wav", sent.T.ravel(), rate, channels))
        assert [round(hertz(c, RATE) * 44100 / rate, -1) for c in got] == pytest.approx(
            [200 + 100 * c for c in range(channels)], abs=10
        )


@pytest.mark.parametrize("channels", [6, 8])
def test_surround_of_a_compressed_file_is_read(tmp_path, channels):
    sent = np.stack([sine(200 + 100 * c, 0.3, 0.3) for c in range(channels)])
    got = whole(write_sound(tmp_path / "x.flac", sent, 44100, "flac", "flac"))
    assert np.abs(got - sent).max() < 1e-3


@pytest.mark.parametrize("kind", JOINABLE)
def test_joined_files_play_whole_at_the_right_speed(tmp_path, kind):
    """44.1 kHz mono, then 48 kHz stereo. A chain of three where every part is a file of its own."""
    codec, container = JOINABLE[kind]
    first = 48000 if kind == "opus" else 44100
    one = write_sound(tmp_path / "1", sine(440, 1.0, 0.4, first), first, codec, container)
    both = np.stack([sine(1000, 1.0, 0.4, 48000)] * 2)
    two = write_sound(tmp_path / "2", both, 48000, codec, container)
    path = join(tmp_path / f"joined.{kind}", one, two, one)
    sound = SoundFile(path)
    got = sound.tape().read(10**7)
    assert got.shape[1] / RATE == pytest.approx(3.0, abs=0.13)
    assert sound.seconds == pytest.approx(3.0, abs=0.3)
    third = got.shape[1] // 3
    for part, pitch in enumerate((440, 1000, 440)):
        piece = got[:, part * third + 8000 : (part + 1) * third - 8000]
        for channel in piece:
            assert hertz(channel, RATE) == pytest.approx(pitch, abs=4)
        assert np.sqrt((piece**2).mean()) == pytest.approx(0.4 / 2**0.5, rel=0.07)


def test_joined_aiff_plays_whole(tmp_path):
    parts = [
        write_sound(tmp_path / str(hz), sine(hz, 0.5), 44100, "pcm_s16be", "aiff")
        for hz in (440, 880)
    ]
    got = whole(join(tmp_path / "both.aiff", *parts))
    assert got.shape[1] == RATE
    assert hertz(got[0, RATE // 2 :], RATE) == pytest.approx(880, abs=2)


@pytest.mark.parametrize(
    "name",
    ["21:30 set.wav", "concat:a|b.wav", "-i.wav", "%d.wav", "\U0001f39b.wav", "é" * 125 + ".wav"],
)
def test_any_legal_name_is_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "x", sine(440, 0.3))
    os.rename("x", name)
    for path in (name, tmp_path / name):
        assert SoundFile(path).name == name
        assert whole(path).shape == (1, 13230)


def test_a_name_that_is_not_utf8_is_a_file(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    write_wav(tmp_path / "x", sine(440, 0.3))
    os.rename(tmp_path / "x", path)
    assert whole(path).shape == (1, 13230)


def test_a_name_longer_than_the_system_allows_is_no_file():
    with pytest.raises(SoundError, match="no such file"):
        open_sound("x" * 300 + ".wav")


def test_tags_in_latin_1_are_no_fault(tmp_path):
    path = write_sound(tmp_path / "x.mp3", sine(440, 0.5), 44100, "libmp3lame", "mp3")
    tag = b"TIT2" + (6).to_bytes(4, "big") + b"\0\0" + b"\3caf\xe9s"
    header = b"ID3\3\0\0" + (len(tag)).to_bytes(4, "big")
    path.write_bytes(header + tag + path.read_bytes())
    assert whole(path).shape[1] > 20_000


def test_cover_art_and_video_beside_the_sound_are_passed_over(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as film:
        picture = film.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        voice = film.add_stream("pcm_s16le", rate=44100, layout="mono")
        for k in range(10):
            film.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
            data = (sine(440, 0.1) * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(data, "s16", "mono")
            frame.sample_rate, frame.pts = 44100, k * 4410
            film.mux(voice.encode(frame))
        film.mux(picture.encode(None))
    assert whole(path).shape == (1, 44100)


def test_float_beyond_one_and_not_numbers_are_brought_to_what_can_be_heard(tmp_path):
    wild = sine(440, 0.5, 4.0)
    wild[100:110], wild[200], wild[300] = np.nan, np.inf, 1e30
    got = whole(write_sound(tmp_path / "x.wav", wild, 44100, "pcm_f32le"))
    assert np.isfinite(got).all()
    assert np.abs(got).max() <= 100.0
    assert np.abs(got[0, 1000:] - wild[1000:]).max() < 1e-5


def test_webm_without_a_duration_has_a_length(tmp_path):
    class Pipe:
        """Cannot seek, so the muxer cannot go back to write the duration."""

        def __init__(self):
            self.data = bytearray()

        def write(self, data):
            self.data += data
            return len(data)

    pipe = Pipe()
    with av.open(pipe, "w", format="webm", options={"live": "1"}) as film:
        stream = film.add_stream("libopus", rate=48000, layout="mono")
        for k in range(100):
            frame = av.AudioFrame.from_ndarray(noise(0.02, 0.1, 48000)[None], "flt", "mono")
            frame.sample_rate, frame.pts = 48000, 960 * k
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    path = tmp_path / "x.webm"
    path.write_bytes(pipe.data)
    with av.open(str(path)) as film:
        assert film.duration is None
    assert SoundFile(path).seconds == pytest.approx(2.0, abs=0.05)
    assert whole(path).shape[1] == pytest.approx(2 * RATE, abs=2000)


def test_a_variable_bit_rate_without_a_header_has_a_length(tmp_path):
    loud, quiet = noise(1.0, 0.3), np.zeros(3 * RATE, np.float32)
    path = write_sound(
        tmp_path / "x.mp3", np.concatenate((loud, quiet)), 44100, "libmp3lame", "mp3"
    )
    data = path.read_bytes()
    at = max(data.find(b"Xing"), data.find(b"Info"))
    path.write_bytes(data[:at] + b"none" + data[at + 4 :])
    assert SoundFile(path).seconds == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "opus", "mov", "m4a"])
def test_a_file_that_breaks_off_gives_what_came_before(tmp_path, kind, share):
    codec, container = JOINABLE.get(kind, ("aac", "mov" if kind == "mov" else "mp4"))
    rate, length, page = (48000, 8.0, 1.1) if kind == "opus" else (44100, 2.0, 0.25)
    tone = sine(440, length, 0.4, rate) + noise(length, 0.02, rate)
    path = write_sound(tmp_path / f"x.{kind}", tone, rate, codec, container)
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    if kind == "m4a":  # its index is at the end
        with pytest.raises(SoundError, match=r"x\.m4a: cannot be read as sound"):
            SoundFile(path)
        return
    assert whole(path).shape[1] / RATE == pytest.approx(length * share, abs=page)


@pytest.mark.parametrize(
    "content", [b"", b"hello, I am not a sound" * 50, b"OggS\0\2" + b"\7" * 900, b"RIFF", b"fLaC"]
)
def test_a_corrupt_file_is_one_line_with_its_name(tmp_path, content):
    path = tmp_path / "bad.ogg"
    path.write_bytes(content)
    with pytest.raises(SoundError, match=r"bad\.ogg: cannot be read as sound") as caught:
        SoundFile(path)
    assert "\n" not in str(caught.value)


def test_broken_bytes_in_the_middle_are_left_out(tmp_path):
    path = write_sound(tmp_path / "x.mp3", sine(440, 3.0), 44100, "libmp3lame", "mp3")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    assert whole(path).shape[1] > 2.5 * RATE


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(SoundError, match="is a folder"):
        SoundFile(tmp_path)
    with pytest.raises(SoundError, match=r"nowhere/x\.ogg: no such file"):
        open_sound("nowhere/x.ogg")


@pytest.mark.parametrize(("count", "said"), [(0, "there is none"), (441, "10 ms of sound")])
def test_too_short_or_empty_says_so(tmp_path, count, said):
    with pytest.raises(SoundError, match=said):
        SoundFile(write_wav(tmp_path / "x.wav", np.zeros(count)))


def test_a_film_without_sound_says_so(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        film.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        film.mux(stream.encode(None))
    with pytest.raises(SoundError, match="no sound in it"):
        SoundFile(path)


def test_what_no_ear_can_hear_is_refused(tmp_path):
    with pytest.raises(SoundError, match="10 samples a second; expected"):
        SoundFile(write_wav(tmp_path / "x.wav", np.zeros(1000), 10))


def test_a_long_file_is_neither_read_nor_held_whole(tmp_path):
    """Four hours as a sparse file: the first frame is there at once, and nothing grows."""
    path = write_wav(tmp_path / "long.wav", np.zeros(RATE), channels=1)
    size = 4 * 3600 * RATE * 2
    with path.open("r+b") as file:
        file.seek(4)
        file.write((size + 36).to_bytes(4, "little"))
        file.seek(40)
        file.write(size.to_bytes(4, "little"))
        file.truncate(size + 44)
    tracemalloc.start()
    sound = SoundFile(path)
    features = pull_sound(sound, 20.0)
    features.at(20.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sound.seconds == 4 * 3600
    assert features.reaches(21.0)
    assert peak < 8e6
    features.close()
