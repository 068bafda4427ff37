"""The sound of a rendered film is the song's: its packets or samples, cut where the film is."""

from itertools import pairwise

import av
import numpy as np
import pytest

from livebend.audio.sound import MemorySound
from livebend.audio.sound_file import SoundFile
from livebend.outputs.film_sound import HELD, WAV, film_sound
from livebend.outputs.joined_movie import JoinedMovie, Piece
from livebend.outputs.recording import Recording
from tests.fakes.films import frame_of
from tests.fakes.sound_files import join, write_sound

FRAMES, FPS = 20, 20.0
KINDS = {  # the encoder, its container and a rate, by FFmpeg's name of what it makes
    "flac": ("flac", "flac", 96_000),
    "alac": ("alac", "ipod", 44_100),
    "pcm_s16le": ("pcm_s16le", "wav", 44_100),
    "pcm_s24le": ("pcm_s24le", "wav", 192_000),
    "pcm_f32le": ("pcm_f32le", "wav", 48_000),
    "pcm_s16be": ("pcm_s16be", "aiff", 44_100),
    "mp3": ("libmp3lame", "mp3", 44_100),
    "aac": ("aac", "ipod", 44_100),
    "opus": ("libopus", "ogg", 48_000),
    "vorbis": ("vorbis", "ogg", 44_100),
}
ALL = [(kind, channels) for kind in KINDS for channels in (1, 2, 6)
       if (kind, channels) != ("mp3", 6) and (kind != "vorbis" or channels == 2)]  # fmt: skip


def song(folder, kind, channels, seconds=1.5):
    codec, container, rate = KINDS[kind]
    rng = np.random.default_rng(channels)
    tones = rng.uniform(200, 2000, (channels, 1)) * np.arange(round(seconds * rate)) / rate
    sound = 0.4 * np.sin(2 * np.pi * tones) + 0.01 * rng.standard_normal(tones.shape)
    return write_sound(folder / f"song.{kind}", sound, rate, codec, container)


def film_of(file, ending, until, codec="h264"):
    """A film of a second with that sound; return it and the line for the user."""
    piece, path = file.parent / "piece.mov", file.parent / f"film{ending}"
    recording = Recording(piece, (64, 48), FPS, codec=codec)
    for number in range(FRAMES):
        recording.write(frame_of(number))
    recording.close()
    sound = film_sound(SoundFile(file), ending, codec, until)
    JoinedMovie(path, [Piece(piece, 0)], FPS, sound, codec=codec).write()
    return path, sound.line


def packets_in(file):
    with av.open(str(file)) as opened:
        return [bytes(packet) for packet in opened.demux(audio=0) if packet.size]


def samples_in(file):
    """The samples as they are decoded, [channels, n], from the first picture or the beginning on;
    and how long the file says that they are, in s."""
    with av.open(str(file)) as film:
        video, stream = next(iter(film.streams.video), None), film.streams.best("audio")
        frames = list(film.decode(stream))
        layout = stream.codec_context.layout.nb_channels
        said = float((stream.duration or 0) * stream.time_base)
        begin = float(frames[0].pts * frames[0].time_base)
    with av.open(str(file)) as film:
        shown = next(film.decode(video=0)).time if video else begin
    arrays = [
        frame.to_ndarray() if frame.format.is_planar else
        frame.to_ndarray().reshape(-1, layout).T for frame in frames
    ]  # fmt: skip
    lead = round((shown - begin) * frames[0].sample_rate)
    samples = np.concatenate(arrays, axis=1)
    full = {"int16": 2**15, "int32": 2**31}.get(str(samples.dtype), 1)
    return samples[:, max(lead, 0) :] / full, said


def is_heard(before, after, rate, *, exact):
    """Whether a second of samples is the same, in a container that knows milliseconds."""
    most = rate // 1000
    one = before[:, most : rate - most]
    for shift in range(2 * most + 1):
        two = after[:, shift : shift + one.shape[1]]
        if np.array_equal(one, two) or (not exact and np.allclose(one, two, atol=2**-23)):
            return True
    return False


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(("kind", "channels"), ALL)
def test_a_song_is_in_the_film_as_it_is(tmp_path, kind, channels, ending):
    file = song(tmp_path, kind, channels)
    path, line = film_of(file, ending, 1.0)
    rate = KINDS[kind][2]
    source, film = packets_in(file), packets_in(path)
    (before, _), (after, said) = samples_in(file), samples_in(path)
    is_lossless = kind in ("flac", "alac") or kind.startswith("pcm")
    if kind in HELD[ending]:
        assert line == ""
        joined, sent = b"".join(source), b"".join(film)
        assert joined.startswith(sent)
        if not kind.startswith("pcm"):
            assert film == source[: len(film)]
    else:
        assert f"{file.name}: its sound, {kind}, is encoded again as" in line
        assert ("which loses nothing" in line) == (is_lossless and kind != "pcm_f32le")
    assert len(after) == len(before) == channels
    if is_lossless or kind in HELD[ending]:
        assert is_heard(before, after, rate, exact=kind != "pcm_f32le" or not line)
    if ending != ".mkv":
        assert said == pytest.approx(1.0, abs=2e-3 if not line else 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_cut_the_whole_song_is_there(tmp_path, kind):
    file = song(tmp_path, kind, 2, 1.01)
    path, _ = film_of(file, ".mkv", 1.05)
    source, film = packets_in(file), packets_in(path)
    if kind in HELD[".mkv"]:
        assert b"".join(film) == b"".join(source)


def test_what_is_cut_is_as_long_as_the_film_to_the_sample(tmp_path):
    for kind in ("pcm_s16le", "pcm_s24le", "pcm_f32le"):
        path, _ = film_of(song(tmp_path, kind, 2), ".mov", 1.0)
        assert samples_in(path)[0].shape == (2, KINDS[kind][2])
    path, line = film_of(song(tmp_path, "pcm_s16be", 2), ".mkv", 1.0)
    assert ".mkv does not hold it, .mov would" in line
    assert samples_in(path)[0].shape == (2, 44_100)


def test_a_film_that_ends_between_two_samples_ends(tmp_path):
    """The rest of a sample is never there, however long it is waited for."""
    path, line = film_of(song(tmp_path, "pcm_s16be", 2), ".mkv", 1.0 + 0.4 / 44_100)
    assert line
    assert samples_in(path)[0].shape == (2, 44_100)


def test_a_song_of_several_parts_is_decoded(tmp_path):
    parts = [song(tmp_path, "flac", 1, 0.8).rename(tmp_path / "1.flac"),
             song(tmp_path, "flac", 2, 0.8).rename(tmp_path / "2.flac")]  # fmt: skip
    path, line = film_of(join(tmp_path / "song.flac", *parts), ".mp4", 1.0)
    assert "as FLAC of 16 bits, which loses nothing: it is joined of several parts" in line
    both, _ = samples_in(path)
    one, _ = samples_in(parts[0])
    assert both.shape == (2, 96_000)
    assert np.array_equal(both[1, : one.shape[1]], one[0])


def test_a_song_beside_pictures_keeps_its_rate_and_its_samples(tmp_path):
    for kind in KINDS:
        file = song(tmp_path, kind, 2)
        film_sound(SoundFile(file), WAV, "png", 1.0).write(tmp_path / "sound.wav")
        after, _ = samples_in(tmp_path / "sound.wav")
        assert after.shape == (2, KINDS[kind][2])
        before, _ = samples_in(file)
        assert np.allclose(after, before[:, : after.shape[1]], atol=2**-23)


def test_what_is_no_file_is_encoded_as_the_kind_of_film_wants(tmp_path):
    sound = film_sound(MemorySound(np.zeros(44_100, np.float32), "demo"), ".mp4", "h264", 1.0)
    assert (sound.encoding, sound.encoder, sound.channels, sound.line) == (None, "aac", 2, "")


def test_packets_of_sound_and_pictures_lie_beside_each_other(tmp_path):
    path, _ = film_of(song(tmp_path, "mp3", 2), ".mp4", 1.0)
    with av.open(str(path)) as film:
        times = [(p.pos, float(p.dts * p.time_base)) for p in film.demux() if p.size]
    times.sort()
    assert max(one - two for (_, one), (_, two) in pairwise(times)) < 0.2
