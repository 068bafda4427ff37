"""Films in segments: the same bytes however many paint them, and whatever happens on the way."""

import hashlib
import re
import sys
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.cli.film import plan, rendering
from livebend.cli.film.album import films_of
from livebend.cli.film.jobs import WorkerLost
from livebend.cli.film.options import FilmOptions, as_text, read_options
from livebend.cli.film.painter import Painter
from livebend.cli.film.plan import cut
from livebend.cli.film.rendering import Crew, crew_of, render_films
from livebend.cli.film.segment_files import SegmentFiles
from livebend.cli.main import main
from livebend.core.errors import LivebendError, Refused
from livebend.rendering.painted_past import FADED, PaintedPast, Past, past_of
from livebend.scene import presets
from livebend.scene.tables import scene_from

PRESET = """
title = "Test"
[prompt]
text = "a red orb"
[walk]
period = 3
hold = 2
[bend.hue]
operator = "rotate"
site = "latent@1"
[bend.trail]
operator = "feedback"
site = "latent@1"
trail = 0.02
normalise = "none"
[route.loud]
source = "rms"
target = "bend.hue.angle"
high = 90
"""
CUES = """
0.3 prompt.fade 0.5
0.35 prompt.text "a blue flower"
0.7 preset storm 0.6
1.45 preset tide
"""
FLASHES = """
[prompt]
text = "a red orb"
[bend.flash]
operator = "add"
site = "image"
units = "raw"
normalise = "none"
amount = 3
[route.strobe]
source = "lfo.square"
target = "bend.flash.mix"
low = -1
high = 0
rate = 5
"""


@pytest.fixture
def job(tmp_path, model_folder, monkeypatch):
    """A film of 1.6 s that is cut at every 0.4 s, with all that goes on from frame to frame."""
    monkeypatch.setattr(plan, "SEGMENT", 0.4)
    monkeypatch.setattr(plan, "SPARE", 1)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "test.toml").write_text(PRESET)
    (tmp_path / "flashes.toml").write_text(FLASHES)
    (tmp_path / "cues.txt").write_text(CUES)
    return FilmOptions(
        sound="demo", output=tmp_path / "one.mp4", preset=str(tmp_path / "test.toml"),
        model=str(model_folder("turbo")), size=(64, 64), seconds=1.6, cues=tmp_path / "cues.txt",
        backend="torch",
    )  # fmt: skip


class Hand:
    """A worker in a thread of this process; `before` is called at every frame."""

    def __init__(self, before=lambda: None):
        self._painter, self._before, self._is_over = Painter(lambda _: None), before, False

    def ready(self):
        pass

    def paint(self, job, told):
        def frame(count):
            self._before()
            if self._is_over:
                raise WorkerLost("it was sent home")
            told(count)

        return self._painter.paint(job, frame)

    def close(self):
        self._is_over = True


def crew(count, before=lambda: None):
    return Crew(count, lambda: Hand(before))


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def numbers_of(file):
    with av.open(str(file)) as film:
        return [round(frame.pts * frame.time_base * 20) for frame in film.decode(video=0)]


# ---- where it is cut


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, np.inf]), st.booleans()), min_size=1),
    st.integers(1, 9),
)
def test_segments_are_the_film_and_nothing_older_than_a_pre_roll_counts(frames, length):
    past = PaintedPast()
    for seconds, anew in frames:
        past.add(Past(seconds), 0.05, anew=anew)
    segments = cut(past, length)
    assert [n for s in segments for n in range(s.first, s.until)] == list(range(len(frames)))
    for segment in segments[1:]:
        begins = segment.first - segment.preroll
        assert segment.first % length == 0
        lost = range(begins, segment.first + 1)
        faded = sum(
            0.05 / seconds if seconds else np.inf for seconds, _ in (frames[n] for n in lost)
        )
        assert begins == 0 or frames[begins][1] or faded >= FADED
        before = next(s for s in segments if s.until == segment.first)
        assert segment.preroll <= (before.until - before.first) / plan.SPARE


def test_what_a_frame_keeps_of_those_before_it():
    bend = {"operator": "feedback", "site": "latent@1", "trail": 2.0}
    echo = scene_from({"picture": {"strength": 0.5}, "echo": {"decay": 3.0}})
    assert past_of(presets.load("default")).seconds == 0.0
    assert past_of(scene_from({"bend": {"a": bend, "b": bend}})) == (4.0, 0, "bend.a")
    assert past_of(scene_from({"bend": {"a": bend | {"mute": True}}})).seconds == 0.0
    assert past_of(echo).seconds == np.inf
    assert past_of(scene_from({"reuse": {"tween": 3, "deep": 2}, "walk": {"hold": 4}})).frames == 24


# ---- the same bytes


def test_options_are_read_as_they_were_written(job):
    full = replace(
        job, loras=((Path("ink"), 0.5),), embeddings=((Path("cat"), "cat"),), frames=Path("f"),
        sets=(("walk.radius", 0.5), ("prompt.text", "a")), masks=Path("m"),
    )  # fmt: skip
    assert read_options(as_text(full)) == full


def test_a_film_is_the_same_bytes_whoever_paints_it(job, tmp_path):
    said = []
    render_films([job], Crew(), said.append)
    other = replace(job, output=tmp_path / "two.mp4", frames=tmp_path / "frames")
    painted = count()

    def die():
        if next(painted) in (7, 30):
            raise WorkerLost("killed")

    render_films([other], crew(2, die), said.append)
    assert numbers_of(job.output) == list(range(32))
    assert digest(other.output) == digest(job.output)
    assert len(list((tmp_path / "frames").iterdir())) == 32
    assert sum("is painted again: killed" in line for line in said) == 2
    assert not list(tmp_path.glob("*.segments"))
    with av.open(str(job.output)) as film:
        assert [c["metadata"]["title"] for c in film.chapters()] == ["Test", "Storm cellar", "Tide"]


def test_flashes_are_limited_as_in_one_go(job, tmp_path, monkeypatch):
    job = replace(job, cues=None, preset=str(tmp_path / "flashes.toml"))
    said = []
    with monkeypatch.context() as patch:
        patch.setattr(plan, "SEGMENT", 60.0)
        render_films([replace(job, frames=tmp_path / "whole")], Crew(), said.append)
    render_films([replace(job, frames=tmp_path / "here")], Crew(), said.append)
    one = digest(job.output)
    render_films([replace(job, frames=tmp_path / "there")], crew(3), said.append)
    assert digest(job.output) == one
    assert sum("flashes are limited" in line for line in said) == 3
    for file in (tmp_path / "whole").iterdir():
        same = {digest(tmp_path / where / file.name) for where in ("whole", "here", "there")}
        assert len(same) == 1, file.name


# ---- on the way


def test_a_stopped_film_goes_on_and_names_what_has_changed(job, tmp_path):
    render_films([job], Crew(), print)
    whole, files, painted = digest(job.output), SegmentFiles(job.output), []

    def stop():
        painted.append(1)
        if len(painted) == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_films([job], crew(1, stop), print)
    done = files.finished()
    assert 2 <= done <= 3
    files.pictures(0).write_bytes(b"half")  # a segment that a fault of the disk has spoilt

    (tmp_path / "cues.txt").write_text(CUES + "\n1.5 walk.radius 0.1\n")
    changed = replace(job, fps=25.0)
    with pytest.raises(Refused) as refused:
        render_films([changed], Crew(), print)
    for name in ("cues.txt differs", "--fps was 20.0, is 25.0", "presets of its cues", "--anew"):
        assert name in str(refused.value)
    (tmp_path / "cues.txt").write_text(CUES)

    said, again = [], []
    render_films([job], crew(1, lambda: again.append(1)), said.append)
    assert f"{done} of 4 segments are there; it goes on" in " ".join(said)
    assert len(again) < 44
    assert digest(job.output) == whole
    assert not files.folder.exists()


def test_a_segment_is_tried_three_times_and_nothing_is_left(job):
    def die():
        raise WorkerLost("signal 9")

    with pytest.raises(Refused, match=r"segment 0 has failed 3 times: signal 9"):
        render_films([job], crew(1, die), print)
    assert not SegmentFiles(job.output).folder.exists()


class Waiting(Hand):
    """A worker that never begins, until it is sent home."""

    def __init__(self):
        super().__init__()
        self._is_home = threading.Event()

    def ready(self):
        self._is_home.wait(60)
        raise WorkerLost("there was never any room")

    def close(self):
        self._is_home.set()


def test_a_worker_for_which_there_is_no_room_keeps_nothing_waiting(job):
    hands = iter((Waiting(), Hand(), Waiting()))
    render_films([job], Crew(3, lambda: next(hands)), print)
    assert numbers_of(job.output) == list(range(32))


def test_where_no_worker_begins_it_is_said(job):
    def hire():
        worker = Waiting()
        worker.close()
        return worker

    with pytest.raises(Refused, match=r"no worker has begun, tried 3 times: there was never any"):
        render_films([job], Crew(1, hire), print)


def test_a_cue_that_cannot_be_played_and_a_full_disk_are_found_before_painting(
    job, tmp_path, monkeypatch
):
    monkeypatch.setattr(Painter, "paint", None)
    (tmp_path / "cues.txt").write_text("1.0 add bend odd rotate unet.nowhere\n")
    with pytest.raises(LivebendError, match=r"unet\.nowhere"):
        render_films([job], Crew(), print)
    (tmp_path / "cues.txt").write_text(CUES)
    monkeypatch.setattr(rendering, "BITS", 1e12)
    with pytest.raises(Refused, match=r"MB are free, the film may take"):
        render_films([job], Crew(), print)
    assert not list(tmp_path.glob("*.segments"))


def test_the_echo_is_not_cut_and_that_is_said(job, tmp_path):
    (tmp_path / "test.toml").write_text("[picture]\nstrength = 0.5\n[echo]\ndecay = 2.0\n")
    job = replace(job, cues=None, picture="echo", seconds=0.9)
    said = []
    render_films([job], crew(2), said.append)
    assert any(re.match(r"echo\.decay: every frame from 0 s on", line) for line in said)
    assert numbers_of(job.output) == list(range(18))


# ---- albums, quality


def write_song(file, seconds=0.5, **tags):
    with av.open(str(file), "w") as song:
        song.metadata.update(tags)
        stream = song.add_stream("flac", rate=44_100)
        tone = (8000 * np.sin(np.arange(round(44_100 * seconds)) * 0.1)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 44_100
        song.mux(stream.encode(frame))
        song.mux(stream.encode(None))


def test_an_album_is_a_film_of_each_song_and_stays_where_it_is_whole(job, tmp_path, capsys):
    album, films = tmp_path / "album", tmp_path / "films"
    album.mkdir()
    write_song(album / "a.flac", title="Last", artist="Band", track="2/2")
    write_song(album / "b.flac", title="First", artist="Band", track="1/2")
    (album / "cover.txt").write_text("no song")
    given = ["render", str(album), "-o", str(films), "--model", job.model, "--size", "64"]
    given += ["--backend", "torch"]
    assert main(given) == 0
    first, last = films / "b.mp4", films / "a.mp4"
    assert capsys.readouterr().out.splitlines()[:2] == [
        f"10 frames in {first}",
        f"10 frames in {last}",
    ]
    with av.open(str(first)) as film:
        assert (film.metadata["title"], film.metadata["artist"]) == ("First", "Band")
    assert (films / "contact-sheet.png").stat().st_size > 1000
    before = digest(first)
    last.unlink()
    assert main(given) == 0
    assert f"{first} is there, made of the same" in capsys.readouterr().err
    assert digest(first) == before
    assert last.is_file()


def test_variations_are_named_by_their_seeds(job):
    films = films_of(job, ["demo"], 3, 7)
    assert [film.named.name for film in films] == [f"one-seed-{n}.mp4" for n in (7, 8, 9)]
    assert [film.seed for film in films] == [7, 8, 9]


def test_the_songs_of_an_album_do_not_show_the_same_pictures(job, tmp_path):
    album = replace(job, output=tmp_path / "films", seed=None)
    assert [film.seed for film in films_of(album, ["demo"] * 3, None, 7)] == [None, 8, 9]
    given = replace(album, seed=5)
    assert [film.seed for film in films_of(given, ["demo"] * 3, None, 5)] == [5, 5, 5]


def test_motion_blur_is_the_mean_of_light_and_the_film_is_enlarged(job, tmp_path):
    job = replace(job, cues=None, seconds=0.8, frames=tmp_path / "sharp", fps=40.0)
    render_films([replace(job, output=None)], Crew(), print)
    soft = replace(job, frames=tmp_path / "soft", fps=20.0, blur=2, record_size=(160, 90))
    render_films([soft], crew(2), print)
    assert numbers_of(job.output) == list(range(16))
    with av.open(str(job.output)) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (160, 90)
        note = film.metadata["comment"]
    assert "painted at 64x64, enlarged to 160x90 by Lanczos, 2 pictures a frame" in note
    sharp = [pixels_in(tmp_path / "sharp" / f"frame_{n:06d}.png") for n in (10, 11)]
    light = np.mean([np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
                     for x in (picture / 255.0 for picture in sharp)], axis=0)  # fmt: skip
    mean = 255.0 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    made = pixels_in(tmp_path / "soft" / "frame_000005.png")
    assert made.shape == (90, 160, 3)
    assert not made[:, :30].any()  # a bar
    assert abs(made[:, 40:120].mean() - mean.mean()) < 2.0


def pixels_in(file):
    with av.open(str(file)) as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24")


KINDS = [("hevc10", "mp4"), ("prores422", "mov"), ("ffv1", "mkv")]


@pytest.mark.parametrize(("codec", "ending"), KINDS)
def test_every_kind_of_film_is_joined(job, tmp_path, codec, ending):
    one, two = (replace(job, codec=codec, output=tmp_path / f"{n}.{ending}") for n in "ab")
    render_films([one], Crew(), print)
    render_films([two], crew(2), print)
    assert numbers_of(one.output) == list(range(32))
    assert digest(one.output) == digest(two.output)


def test_without_ray_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Refused, match=r"pip install 'livebend\[ray\]'; without it --workers N"):
        crew_of(2, None, "auto", print)
