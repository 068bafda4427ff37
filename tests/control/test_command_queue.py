"""Folding changes nothing but the count; the text gate changes nothing but the time."""

import threading
from functools import reduce

from hypothesis import example, given, settings
from hypothesis import strategies as st

from livebend.control.command_queue import CommandQueue, PromptGate, texts
from livebend.core import limits
from livebend.core.errors import Refused
from livebend.scene import edit
from livebend.scene.commands import (
    Add,
    Change,
    Load,
    LoadOther,
    Panic,
    Redo,
    Remove,
    Replace,
    Set,
    Store,
    Undo,
)
from livebend.scene.values import Bend, MixedPrompt, Prompt, Scene
from tests.fakes.desk import DUB

START = Load(DUB, "dub").apply(Scene())
STORM = Scene("Storm", prompt=Prompt("storm"))
NIGHT = MixedPrompt("n", "night", 0.5)


class Texts:
    """Texts that become ready when told to."""

    def __init__(self, *ready):
        self.ready = set(ready)
        self.requested = []

    def gate(self):
        return PromptGate(self.ready.__contains__, self.requested.append)


def queue(**more):
    return CommandQueue(notify=more.pop("notify", [].append), **more)


def play(q, scene=START, time=0.0):
    return reduce(lambda s, command: command.apply(s), q.until(time), scene)


def plain(q, time=0.0):
    return [guarded.command for guarded in q.until(time)]


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-500, 500) | st.booleans()
values = numbers | st.sampled_from(["cube", "root", "bogus", "bend.swirl.angle", "storm", "all"])
some_paths = st.sampled_from(
    ["seed", "prompt.text", "prompt.blend", "prompt.to", "walk.radius", "walk.normalise",
     "sampling.steps", "bend.swirl.angle", "bend.swirl.mix", "bend.swirl.channels",
     "bend.tilt.zoom", "route.kick.curve", "route.kick.target", "route.kick.high", "nope"]
)  # fmt: skip
commands = st.one_of(
    st.builds(Set, some_paths, values),
    st.builds(Set, some_paths, values),
    st.sampled_from(
        [Panic(), Undo(), Load(STORM, "storm"), Load(DUB, "dub"), Remove("bend", "swirl"),
         Remove("route", "kick"), Add(Bend("tilt", "transform", "image")), Add(DUB.bends[0]),
         Replace(Bend("swirl", "rotate_pairs", "unet.mid")), Add(DUB.routes[0])]
    ),
)  # fmt: skip


def unfolded(given_commands):
    scene = START
    for command in given_commands:
        try:
            scene = command.apply(scene)
        except Refused:
            continue
    return scene


@given(st.lists(commands, max_size=40))
@example([Set("walk.normalise", 0.0), Set("walk.normalise", 2.0**64)])  # refused for its size
@settings(max_examples=300)
def test_folding_does_not_change_the_last_scene(given_commands):
    q = queue()
    for command in given_commands:
        assert q.give(command)
    folded = play(q)
    expected = unfolded(given_commands)
    assert (folded, folded.past, folded.home) == (expected, expected.past, expected.home)


@given(st.lists(commands, max_size=40))
@settings(max_examples=100)
def test_barriers_keep_their_order_and_their_sides(given_commands):
    q = queue()
    for command in given_commands:
        q.give(command)
    taken = plain(q)
    assert [c for c in taken if c.barrier] == [c for c in given_commands if c.barrier]
    for side, before in zip(segments(taken), segments(given_commands), strict=True):
        assert {c.key for c in side} == {c.key for c in before}
        for key in {c.key for c in before}:
            assert [c for c in side if c.key == key][-1] == [c for c in before if c.key == key][-1]


def segments(some):
    found = [[]]
    for command in some:
        if command.barrier:
            found.append([])
        else:
            found[-1].append(command)
    return found


def test_a_fader_costs_one_place_and_its_newest_value_counts(monkeypatch):
    monkeypatch.setattr(limits, "WAITING", 2)
    q = queue()
    for value in range(5000):
        assert q.give(Set("walk.radius", value / 5000))
    assert plain(q) == [Set("walk.radius", 4999 / 5000)]
    assert (q.given, q.refused) == (5000, 0)


def test_changes_add_up_and_none_is_lost_beside_a_fader(monkeypatch):
    monkeypatch.setattr(limits, "WAITING", 4)
    cues = []
    q = queue(recorder=lambda time, command: cues.append(command))
    q.give(Set("route.kick.high", 10))
    for _ in range(500):
        q.give(Change("route.kick.high", plus=1.0))
    assert q.refused == 0
    assert play(q).route("kick").high == 510.0
    assert cues == [Set("route.kick.high", 10.0), Set("route.kick.high", 510.0)]
    q.give(Change("route.kick.high", plus=1.0))
    q.give(Set("route.kick.high", 7))  # what came before it does not matter any more
    q.give(Change("route.kick.high", times=2.0))
    q.give(Change("route.kick.high", plus=1.0))
    assert [type(g.command) for g in q.until(0.0)] == [Set, Change]


def test_a_change_and_what_may_be_refused_do_not_replace_one_another():
    q = queue()
    q.give(Change("route.kick.high", plus=1.0))
    q.give(Set("route.kick.high", "many"))
    q.give(Change("route.kick.high", 0.1, by_fader=True))
    q.give(Change("route.kick.high", plus=1.0))
    assert len(q.until(0.0)) == 4


def test_a_full_queue_refuses_and_counts_commands_but_a_newest_value_still_counts(monkeypatch):
    monkeypatch.setattr(limits, "WAITING", 2)
    said = []
    q = queue(notify=said.append)
    assert q.give(Set("walk.radius", 1.0))
    assert q.give(Panic())
    assert not q.give(Undo())
    assert not q.give(Set("walk.radius", 2.0))
    assert (q.refused, len(said)) == (2, 2)
    assert plain(q) == [Set("walk.radius", 1.0), Panic()]
    q.give(Set("seed", 1))
    q.give(Set("walk.radius", 1.0))
    assert q.give(Set("seed", 2))
    assert plain(q) == [Set("seed", 2), Set("walk.radius", 1.0)]


def test_each_command_is_given_once():
    q = queue()
    q.give(Panic())
    assert plain(q) == [Panic()]
    assert plain(q) == []


def test_a_refused_command_leaves_the_scene_and_says_why():
    said = []
    q = queue(notify=said.append)
    q.give(Set("bend.nope.angle", 3))
    q.give(Set("walk.radius", 1.0))
    assert play(q) == edit.put(START, "walk.radius", 1.0)
    assert (q.refused, len(said)) == (1, 1)
    assert "unknown bend 'nope'" in said[0]


def test_the_check_may_refuse_what_the_model_lacks():
    def check(scene):
        if any(bend.site == "unet.nope" for bend in scene.bends):
            raise Refused("no such site")

    said = []
    q = queue(notify=said.append, check=check)
    q.give(Add(Bend("x", "add", "unet.nope")))
    q.give(Set("bend.swirl.site", "unet.nope"))
    assert play(q) == START
    assert said == ["no such site", "no such site"]


def test_a_number_out_of_range_is_clamped_once_said_and_recorded_as_it_came_out():
    said, recorded = [], []
    q = queue(notify=said.append, recorder=lambda _, command: recorded.append(command))
    for path, value in (("walk.radius", 9.0), ("bend.swirl.angle", 400.0), ("seed", 3.0)):
        q.give(Set(path, value))
    scene = play(q)
    assert (scene.walk.radius, scene.bend("swirl").values["angle"], scene.seed) == (4.0, 40.0, 3)
    assert said == ["walk.radius = 9: clamped to 4.0"]
    assert (q.clamped, q.refused) == (1, 0)
    assert recorded == [Set("walk.radius", 4.0), Set("bend.swirl.angle", 40.0), Set("seed", 3)]


def test_what_was_applied_is_recorded_at_its_tick_and_a_failing_recorder_stops_nothing():
    shown, said = [], []

    def recorder(time, command):
        if command == Panic():
            raise Refused("no words")
        shown.append((time, command))

    q = queue(recorder=recorder, notify=said.append)
    for command in (Set("seed", 1), Set("nope", 1), Panic(), Set("seed", 2)):
        q.give(command)
    assert play(q, time=2.5).seed == 2
    assert shown == [(2.5, Set("seed", 1)), (2.5, Set("seed", 2))]
    assert said[1] == "not recorded: no words"


def test_cues_go_the_same_way_as_hands():
    class Source:
        def until(self, time):
            return [Set("seed", int(time))]

    assert play(queue(feed=[Source()]), time=7.0).seed == 7


# ---- the text gate


def test_which_commands_bring_texts():
    assert texts(Set("prompt.text", "a")) == {"a"}
    assert texts(Set("prompt.text", "")) == texts(Set("prompt.negative", "")) == {""}
    assert texts(Set("prompt.turns", "a | b")) == {"a", "b"}
    assert {"a", "b"} <= texts(Load(Scene(prompt=Prompt(turns="a | b"))))
    assert texts(Set("prompt.to", "")) == texts(Set("prompt.blend", 1)) == frozenset()
    assert texts(Load(Scene(prompt=Prompt("a", "b", negative="c")))) == {"a", "b", "c"}
    assert texts(Load(Scene(mix=(NIGHT,)))) == {"", "night"}
    assert texts(Add(NIGHT)) == texts(Set("prompt.mix.n.text", "night")) == {"night"}
    assert texts(Set("prompt.mix.n.weight", 0.5)) == texts(Remove("prompt.mix", "n")) == frozenset()
    assert texts(Panic()) == texts(Undo()) == texts(Add(DUB.bends[0])) == frozenset()


def test_a_prompt_waits_for_its_encoding_and_is_asked_for_once():
    known = Texts()
    q = queue(gate=known.gate())
    q.give(Set("prompt.text", "storm"))
    q.give(Set("walk.radius", 1.0))
    q.give(Add(Bend("tilt", "transform", "image")))
    assert plain(q) == [Set("walk.radius", 1.0), Add(Bend("tilt", "transform", "image"))]
    assert plain(q) == []
    assert known.requested == ["storm"]
    known.ready.add("storm")
    assert plain(q) == [Set("prompt.text", "storm")]


def test_a_newer_prompt_supersedes_one_that_waits():
    known = Texts("calm")
    q = queue(gate=known.gate())
    q.give(Set("prompt.text", "storm"))
    assert plain(q) == []
    q.give(Add(Bend("tilt", "transform", "image")))
    q.give(Set("prompt.text", "calm"))
    assert plain(q)[-1] == Set("prompt.text", "calm")
    known.ready.add("storm")
    assert plain(q) == []


def test_a_newer_prompt_supersedes_even_when_both_wait():
    known = Texts()
    q = queue(gate=known.gate())
    q.give(Set("prompt.text", "storm"))
    plain(q)
    q.give(Set("prompt.text", "flames"))
    plain(q)
    known.ready |= {"storm", "flames"}
    assert plain(q) == [Set("prompt.text", "flames")]


def test_panic_acts_at_once_and_cancels_a_waiting_prompt():
    known = Texts()
    q = queue(gate=known.gate())
    q.give(Set("prompt.text", "storm"))
    q.give(Panic())
    assert plain(q) == [Panic()]
    known.ready.add("storm")
    assert plain(q) == []


def test_a_waiting_load_holds_what_comes_behind_it():
    known = Texts("")
    q = queue(gate=known.gate())
    behind = [Set("walk.radius", 1.0), Panic(), Set("prompt.text", "")]
    q.give(Set("seed", 1))
    q.give(Load(STORM, "storm"))
    for command in behind:
        q.give(command)
    assert plain(q) == [Set("seed", 1)]
    q.give(Set("walk.period", 9.0))
    assert plain(q) == []
    known.ready.add("storm")
    assert plain(q) == [Load(STORM, "storm"), *behind, Set("walk.period", 9.0)]
    assert known.requested == ["storm"]


def test_a_store_waits_for_the_prompts_before_it_and_holds_what_comes_behind():
    known, kept = Texts(""), {}
    q = queue(gate=known.gate())
    q.give(Set("walk.radius", 1.0))
    q.give(Set("prompt.text", "storm"))
    q.give(Store(5, kept.__setitem__))
    q.give(Set("walk.radius", 2.0))
    scene = play(q)
    assert (scene.walk.radius, kept) == (1.0, {})
    known.ready.add("storm")
    scene = play(q, scene)
    assert (kept[5].prompt.text, kept[5].walk.radius, scene.walk.radius) == ("storm", 1.0, 2.0)


def test_a_store_holds_up_no_panic():
    q = queue(gate=Texts("").gate())
    for command in (Set("prompt.text", "storm"), Store(5), Panic()):
        q.give(command)
    assert plain(q) == [Store(5), Panic()]


def test_a_mixed_prompt_that_is_added_holds_what_comes_behind_it_until_it_is_encoded():
    known = Texts("")
    q = queue(gate=known.gate())
    behind = [Set("prompt.mix.n.weight", 0.25), Undo()]
    for command in (Set("seed", 1), Add(NIGHT), *behind):
        q.give(command)
    assert plain(q) == [Set("seed", 1)]
    known.ready.add("night")
    assert plain(q) == [Add(NIGHT), *behind]
    assert known.requested == ["night"]


def test_a_panic_or_a_load_does_not_wait_for_one():
    q = queue(gate=Texts("").gate())
    for command in (Add(NIGHT), Set("prompt.mix.n.weight", 0.25), Panic(), Set("seed", 1)):
        q.give(command)
    assert plain(q) == [Panic(), Set("seed", 1)]
    for command in (Replace(NIGHT), Load(DUB, "dub")):
        q.give(command)
    assert plain(q) == [Load(DUB, "dub")]
    kept = {}
    for command in (Add(NIGHT), Store(5, kept.__setitem__), Panic()):
        q.give(command)
    assert (plain(q), kept) == ([], {})


def test_a_mixed_text_that_waits_ends_with_its_prompt():
    for after in (Remove("prompt.mix", "n"), Replace(MixedPrompt("n", ""))):
        known = Texts("")
        q = queue(gate=known.gate())
        q.give(Set("prompt.mix.n.text", "storm"))
        q.give(Set("prompt.mix.other.text", "sea"))
        q.give(after)
        assert plain(q) == [after]
        known.ready |= {"storm", "sea"}
        assert plain(q) == [Set("prompt.mix.other.text", "sea")]


def test_a_panic_finds_room_behind_3000_bends_and_acts_in_the_same_frame():
    said = []
    q = queue(notify=said.append)
    for number in range(3000):
        q.give(Add(Bend(f"b{number}", "add", "image")))
    assert q.give(Panic())
    assert q.give(Panic())
    taken = q.until(0.0)
    assert len(taken) == limits.WAITING + 1
    scene = reduce(lambda s, command: command.apply(s), taken[:-1], START)
    assert len(scene.bends) == limits.BENDS
    assert taken[-1].apply(scene) == START
    assert "65 bends: expected up to 64" in said


def test_a_newer_load_takes_the_place_of_one_that_waits():
    known = Texts("")
    q = queue(gate=known.gate())
    q.give(Load(STORM, "storm"))
    q.give(Add(Bend("tilt", "transform", "image")))
    assert plain(q) == []
    q.give(Load(DUB, "dub"))
    q.give(Set("seed", 1))
    assert plain(q) == [Load(DUB, "dub"), Set("seed", 1)]
    known.ready.add("storm")
    assert plain(q) == []


@given(st.lists(commands | st.none(), max_size=40))
@settings(max_examples=100)
def test_with_every_text_ready_the_gate_changes_nothing(given_commands):
    with_gate, without = queue(gate=PromptGate(lambda text: True, lambda text: None)), queue()
    for command in given_commands:
        if command is None:
            assert plain(with_gate) == plain(without)
        else:
            assert with_gate.give(command) == without.give(command)
    assert plain(with_gate) == plain(without)


def test_many_threads_may_give(monkeypatch):
    monkeypatch.setattr(limits, "WAITING", 100_000)
    q = queue()

    def controller(number):
        for value in range(500):
            q.give(Set(f"bend.b{number}.angle", float(value)))
            q.give(Undo())

    threads = [threading.Thread(target=controller, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    taken = []
    while any(thread.is_alive() for thread in threads):
        taken += plain(q)
    taken += plain(q)
    for number in range(4):
        own = [c.value for c in taken if c.key == f"bend.b{number}.angle"]
        assert own == sorted(own)
        assert own[-1] == 499.0
    assert sum(c == Undo() for c in taken) == 2000


crossing = st.one_of(
    commands,
    st.builds(Set, st.just("crossfade.position"), st.sampled_from([0.0, 0.4, 0.6, 1.0])),
    st.sampled_from([LoadOther(STORM, "storm"), Redo(), Set("bend.swirl.angle", 5.0)]),
)


@given(st.lists(crossing, max_size=40))
def test_folding_does_not_take_a_value_to_the_other_side(given_commands):
    q = queue()
    for command in given_commands:
        assert q.give(command)
    folded, expected = play(q), unfolded(given_commands)
    assert (folded, folded.other, folded.deck) == (expected, expected.other, expected.deck)


def test_a_crossfader_costs_one_place_while_nothing_else_is_given():
    q = queue()
    for number in range(2000):
        assert q.give(Set("crossfade.position", number / 2000))
    assert q.give(Set("seed", 1))
    assert q.give(Set("crossfade.position", 0.25))
    assert plain(q) == [
        Set("crossfade.position", 1999 / 2000), Set("seed", 1), Set("crossfade.position", 0.25),
    ]  # fmt: skip


def test_a_scene_for_the_other_side_that_waits_holds_all_but_a_panic():
    known, tide = Texts(""), LoadOther(Scene(mix=(NIGHT,)), "tide")
    q = queue(gate=known.gate())
    behind = [Set("crossfade.position", 1.0), Load(DUB, "dub")]
    for command in (Set("seed", 1), tide, *behind):
        q.give(command)
    assert plain(q) == [Set("seed", 1)]
    known.ready.add("night")
    assert plain(q) == [tide, *behind]
    known.ready.discard("night")
    for command in (tide, *behind, Panic(), Set("seed", 2)):
        q.give(command)
    assert plain(q) == [Panic(), Set("seed", 2)]
