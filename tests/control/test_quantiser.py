"""Recalls that wait for the beat, loops that are recorded: from cues they are the same."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.control.command_queue import CommandQueue
from livebend.control.cues import cue_line, read_cues
from livebend.control.desk import Automate, Desk
from livebend.control.loop_recorder import LoopRecorder
from livebend.control.quantiser import NO_TEMPO, Quantiser
from livebend.core.errors import LivebendError, Refused
from livebend.core.mailbox import Latest
from livebend.core.notify import ignore
from livebend.flow import Features
from livebend.modulation.band_time import BandTime
from livebend.modulation.beats import Beats
from livebend.modulation.looped import looped
from livebend.scene.commands import Load, LoadOther, Panic, Redo, Remove, Set, Undo
from livebend.scene.show_values import Recall, Tempo
from livebend.scene.values import Scene
from tests.fakes.desk import DUB, PRESETS, STORM, FakeBank

FPS = 20
START = replace(Load(DUB, "dub").apply(Scene()), tempo=Tempo(120.0, bar=2, phrase=2))
BAR = 20  # frames


class Room:
    """A show without pictures: a desk, a queue, and what is played in every frame."""

    def __init__(self, scene=START, features=Features()):
        self.scenes, self.scene, self.features = Latest(scene), scene, features
        self.band, self.beats = BandTime(), Beats()
        self.said, self.cues, self.seen = [], [], []
        self.loops = LoopRecorder(self.scenes, lambda: self.beats, self.said.append)
        self.quantiser = Quantiser(lambda: self.beats, self.said.append)
        self.queue = CommandQueue(
            notify=self.said.append,
            recorder=lambda time, command: self.cues.append(cue_line(time, command)),
            feed=[self.loops],
            quantiser=self.quantiser,
        )
        self.desk = Desk(
            self.queue.give, ignore, self.scenes, FakeBank(), self.said.append,
            automate=self.loops.automate,
        )  # fmt: skip

    def frame(self, *actions):
        for action in actions:
            try:
                self.desk.send(action)
            except LivebendError as why:
                self.said.append(str(why))
        index = len(self.seen)
        time = index / FPS
        for command in self.queue.until(time):
            self.scene = command.apply(self.scene)
        self.scenes.put(self.scene)
        timed = self.band.apply(self.scene.tempo, self.features, time, 1 / FPS)
        self.beats = Beats(time, self.scene.tempo, timed)
        self.seen.append(self.played(self.scene))

    def played(self, scene):
        return looped(scene, self.beats.played), scene.other, scene.deck

    def frames(self, count):
        for _ in range(count):
            self.frame()

    @property
    def titles(self):
        return [scene.title for scene, _, _ in self.seen]


def quantised(boundary):
    return replace(START, preset=Recall(quantise=boundary))


@pytest.mark.parametrize(("boundary", "at"), [("beat", 10), ("bar", 20), ("phrase", 40)])
def test_a_recall_comes_with_the_frame_of_the_boundary(boundary, at):
    room = Room(quantised(boundary))
    room.frames(3)
    room.frame(Load(STORM, "storm"))
    assert room.quantiser.waiting == "storm"
    room.frames(50)
    assert room.titles.index("Storm") == at
    assert room.cues == [f"{at / FPS:.3f} preset storm"]
    assert room.quantiser.waiting == ""


def test_with_quantising_off_and_without_a_tempo_nothing_waits():
    room = Room()
    room.frame(Load(STORM, "storm"))
    silent = Room(replace(quantised("bar"), tempo=Tempo()))
    silent.frame(Load(STORM, "storm"))
    silent.frame(Load(DUB, "dub"))
    assert (room.titles, silent.titles, silent.said) == (["Storm"], ["Storm", "Dub"], [NO_TEMPO])


def test_the_newest_recall_comes_and_a_panic_or_an_undo_takes_it_back():
    room = Room(quantised("bar"))
    room.frame()
    room.frame(Load(STORM, "storm"))
    room.frame(Load(DUB, "dub", 1.0))
    room.frames(BAR)
    assert room.cues == ["1.000 preset dub 1.0"]
    room.frame(Set("seed", 7), Load(STORM, "storm"))
    room.frame(Undo())
    assert (room.quantiser.waiting, room.scene.seed) == ("", 7)
    room.frame(Load(STORM, "storm"))
    room.frame(Panic())
    room.frames(2 * BAR)
    assert "Storm" not in room.titles
    assert [line.partition(" ")[2] for line in room.cues[1:]] == ["seed 7", "panic"]


def test_what_is_not_heard_on_the_other_side_does_not_wait():
    room = Room(quantised("bar"))
    room.frame(LoadOther(STORM, "storm"))
    assert room.scene.other.title == "Storm"
    room.frame(Set("crossfade.position", 0.3))
    room.frame(LoadOther(DUB, "dub"), Load(STORM, "storm"))
    assert room.quantiser.waiting == "dub, storm"
    room.frames(BAR)
    assert (room.scene.other.title, room.scene.title) == ("Dub", "Storm")


def test_what_waits_goes_with_a_resync_and_comes_where_the_tempo_is_gone():
    room = Room(quantised("bar"))
    room.frames(13)
    room.frame(Load(STORM, "storm"))
    room.frame(Set("tempo.resyncs", 1))  # the beat at frame 10 begins a phrase
    room.frames(30)
    assert room.titles.index("Storm") == 30
    room.frame(Load(DUB, "dub"))
    room.frame(Set("tempo.bpm", 0.0))
    room.frames(2)
    assert room.titles[-1] == "Dub"


@pytest.mark.parametrize(("boundary", "begin"), [("off", 4), ("beat", 20)])
def test_a_parameter_is_recorded_for_its_bars_and_loops(boundary, begin):
    room = Room(quantised(boundary))
    room.frames(5)
    room.frame(Automate("walk.radius", 1))
    assert room.loops.recording == "walk.radius"
    values = [round(0.01 * ((7 * k) % 100), 3) for k in range(100)]
    for value in values:
        room.frame(Set("walk.radius", value))
        if not room.loops.recording:
            break
    room.frames(2 * BAR)
    (loop,) = room.scene.loops
    assert (loop.name, loop.target, loop.beats) == ("walk-radius", "walk.radius", 2.0)
    assert not loop.mute
    recorded = [scene.walk.radius for scene, _, _ in room.seen[begin : begin + BAR]]
    again = [scene.walk.radius for scene, _, _ in room.seen[begin + 2 * BAR :][:BAR]]
    assert again == pytest.approx(recorded, abs=1e-3)
    assert len(set(recorded)) > 10
    assert sum("replace loop" in line for line in room.cues) == 1
    room.frame(Automate("walk.radius", stop=True))
    assert room.scene.loops == ()


def test_what_cannot_be_recorded_is_refused_and_what_goes_is_dropped():
    room = Room()
    with pytest.raises(Refused, match="no tempo"):
        room.desk.send(Automate("walk.radius"))
    room.frame()
    for path, why in (("prompt.text", "no loop"), ("tempo.bpm", "goes by it"), ("", "touched")):
        with pytest.raises(Refused, match=why):
            room.desk.send(Automate(path))
    room.frame(Automate("bend.swirl.angle"))
    room.frame(Remove("bend", "swirl"))
    room.frames(2)
    assert room.loops.recording == ""
    assert "is recorded no longer: unknown bend 'swirl'" in room.said[-1]
    room.frame(Set("walk.radius", 1.0), Automate())
    assert room.loops.recording == "walk.radius"
    room.frame(Automate(stop=True))
    assert room.loops.recording == ""


actions = st.one_of(
    st.builds(Load, st.sampled_from([DUB, STORM]), st.just("x"), st.sampled_from([None, 0.0, 1.0]))
    .map(lambda load: replace(load, preset=load.scene.title.lower())),
    st.builds(LoadOther, st.sampled_from([DUB, STORM]), st.just("x"))
    .map(lambda load: replace(load, preset=load.scene.title.lower())),
    st.builds(Set, st.just("crossfade.position"), st.sampled_from([0.0, 0.3, 0.7, 1.0])),
    st.builds(Set, st.just("bend.swirl.angle"), st.floats(-180, 180)),
    st.builds(Set, st.just("walk.radius"), st.floats(0, 4)),
    st.builds(Set, st.just("preset.quantise"), st.sampled_from(["off", "beat", "bar", "phrase"])),
    st.builds(Set, st.just("tempo.bpm"), st.sampled_from([90.0, 120.0])),
    st.builds(Set, st.just("tempo.resyncs"), st.integers(0, 3)),
    st.builds(Automate, st.sampled_from(["walk.radius", "bend.swirl.angle"]), st.just(1)),
    st.sampled_from([Panic(), Undo(), Redo(), Automate(stop=True), Remove("bend", "swirl")]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 100), st.lists(actions, max_size=3), max_size=30))
def test_a_show_of_hands_is_the_same_from_its_cues(tmp_path_factory, played):
    live = Room()
    for index in range(120):
        live.frame(*played.get(index, []))
    file = tmp_path_factory.mktemp("cues") / "show.txt"
    file.write_text("\n".join(["# livebend cues 2: seconds, then a command", *live.cues, ""]))
    cues = read_cues(file, PRESETS.__getitem__)
    again = Room()
    for index in range(120):
        while cues and cues[0].time <= index / FPS:
            again.scene = cues.pop(0).command.apply(again.scene)
        again.frame()
    assert again.seen == live.seen
    assert not cues
