"""Another renderer that takes what one has kept goes on with the same frames."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.audio.demo import demo_sound
from livebend.audio.open_input import pull_sound
from livebend.control.cue_words import command_of
from livebend.core.errors import Refused
from livebend.flow import Tick
from livebend.rendering.kept import Moment, moment_in, text_of
from livebend.rendering.network import Network
from livebend.scene.values import Bend, MixedPrompt, Prompt, Route, Scene, Walk
from tests.fakes.shows import Show

FPS, FRAMES = 20.0, 40
FIRST = Scene(
    "First", 3, Prompt("a red orb", fade=0.5), Walk(0.4, 4.0),
    bends=(Bend("turn", "rotate", "latent@1", {"angle": 20.0}),),
    routes=(
        Route("sway", "lfo.sine", "bend.turn.angle", high=40.0, rate=0.7),
        Route("loud", "rms", "bend.turn.angle", high=90.0, attack=0.1, release=0.4, slew=300.0),
        Route("hit", "onset.pulse", "bend.turn.mix", high=-0.5, release=0.3),
        Route("paper", "paper.rms", "bend.turn.angle"),
    ),
    mix=(MixedPrompt("night", "northern lights", 0.5),),
)  # fmt: skip
CUES = {
    2: ["tempo.bpm 120.0", "tempo.taps 1"],
    4: ['prompt.text "a blue flower"'],
    8: ["preset other 0.8"],
    10: ["bend.turn.angle 70.0"],
    14: ["cross other", "crossfade.position 0.3"],
    18: ['prompt.mix.night.text "ocean waves"', "walk.period 2.0"],
    20: ['add loop sway bend.turn.mix "0:0 2:1" beats=4'],
    24: ["undo"],
    28: ["crossfade.position 0.8"],
    32: ["preset other 1 beats"],
    36: ["panic"],
}
OTHER = replace(
    FIRST, title="Other", seed=9, prompt=Prompt("flames", to="aurora", blend=0.3, every=0.4),
    walk=Walk(0.2, 3.0), routes=FIRST.routes[:2],
)  # fmt: skip
HELD = replace(FIRST, walk=Walk(0.4, 4.0, hold=3))
TRAILS = replace(FIRST, bends=(*FIRST.bends, Bend("trail", "feedback", "latent@1", {"trail": 0.8})))


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def inputs(first):
    """What every frame of a show is painted from."""
    sound, scene, made = pull_sound(demo_sound(), FPS), replace(first, home=first), []
    for index in range(FRAMES):
        tick = Tick(index, (index + 1) / FPS, 1 / FPS, index / FPS)
        for cue in CUES.get(index, ()):
            scene = command_of(cue, lambda _: OTHER).apply(scene)
        made.append((scene, sound.at(tick.time), tick))
    return made


@pytest.mark.parametrize(
    ("first", "after"), [(FIRST, 0), (TRAILS, 0), (HELD, 3)], ids=["plain", "trails", "held"]
)
def test_another_renderer_goes_on_with_the_same_frames(network, first, after):
    """`after`: frames until what is taken from earlier ones by choice is the same again."""
    ours, texts, frames = Show(network, strict=True), {}, []
    for scene, features, tick in inputs(first):
        if tick.index % 6 == 4:
            texts[tick.index] = text_of(Moment(scene, ours.render.kept))
        frames.append(ours.render(scene, features, tick).pixels)
    assert len({frame.tobytes() for frame in frames}) == FRAMES
    for index, text in texts.items():
        other = network.twin()
        theirs = Show(other, strict=True)
        moment = moment_in(text, other.memory, other.model.device)
        theirs.render.kept, scene = moment.kept, moment.scene
        for wanted, features, tick in inputs(first)[index : index + 7]:
            if tick.index > index:
                for cue in CUES.get(tick.index, ()):
                    scene = command_of(cue, lambda _: OTHER).apply(scene)
            assert scene == wanted
            pixels = theirs.render(scene, features, tick).pixels
            if tick.index >= index + after:
                assert np.array_equal(pixels, frames[tick.index]), (index, tick.index)


def test_frames_that_are_followed_without_painting_change_no_later_one(network):
    ours, theirs = Show(network, strict=True), Show(network.twin(), strict=True)
    for scene, features, tick in inputs(FIRST):
        wanted = ours.render(scene, features, tick).pixels
        if tick.index % 5 in (0, 3):
            assert np.array_equal(theirs.render(scene, features, tick).pixels, wanted), tick
        else:
            theirs.render.follow(scene, features, tick)


@pytest.fixture(scope="module")
def moment(network):
    show = Show(network, strict=True)
    for scene, features, tick in inputs(TRAILS)[:12]:
        show.render(scene, features, tick)
    return text_of(Moment(scene, show.render.kept))


def test_of_another_precision_what_was_on_its_way_is_there_at_once(network, moment):
    kept = moment_in(moment, network.memory, "cpu").kept
    text = network.model.encode([""])
    assert kept.fitting(text, network.shape) is kept
    for other, shape in ((text.half(), network.shape), (text, (1, 4, 99, 99))):
        fitted = moment_in(moment, network.memory, "cpu").kept.fitting(other, shape)
        assert (fitted.made, fitted.shown) == ({}, None)
        assert not any(deck.inputs.shown for deck in fitted.decks.decks)


def test_a_moment_survives_a_round_trip(network, moment):
    again = text_of(moment_in(moment, network.memory, "cpu"))
    assert again == text_of(moment_in(again, network.memory, "cpu"))


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 10**30), st.floats(), st.text(max_size=3),
    st.lists(st.integers(0, 400), max_size=4),
)  # fmt: skip


@given(st.data())
def test_a_broken_moment_is_refused_in_one_line(network, moment, data):
    record = json.loads(moment)
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from(record["objects"]))
        if row:
            row[data.draw(st.integers(0, len(row) - 1))] = data.draw(JUNK)
    said = ""
    try:
        moment_in(json.dumps(record), network.memory, "cpu")
    except Refused as why:
        said = str(why)
    assert "\n" not in said
    assert len(said) < 400


def test_a_preset_that_came_in_a_frame_that_was_skipped_leaves_no_trail_of_the_one_before(network):
    fed = inputs(TRAILS)[:8]
    scene = replace(TRAILS, loads=TRAILS.loads + 1)

    def last(before):
        """The last frame, after those of `before` were painted and one was followed."""
        show = Show(network, strict=True)
        for _, features, tick in fed[:6]:
            (show.render if before else show.render.follow)(TRAILS, features, tick)
        show.render.follow(scene, *fed[6][1:])
        return show.render(scene, *fed[7][1:]).pixels

    assert np.array_equal(last(before=True), last(before=False))
