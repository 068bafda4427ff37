"""Several machines, one show: who is let in, what is said, and what a follower does without."""

import json
import socket
import stat
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.control.osc_endpoint import listen
from livebend.control.rig.alone import Alone
from livebend.control.rig.clock_offset import ClockOffset
from livebend.control.rig.connecting import leader_at, leads_at
from livebend.control.rig.following import Following
from livebend.control.rig.key import MAC, MAGIC, NONCE, Handshake, Seal, nonce, read_key
from livebend.control.rig.leader import Leader, mark_of
from livebend.control.rig.messages import (
    Begin,
    Join,
    Opening,
    Painted,
    Ping,
    Pong,
    Said,
    bytes_of,
    command_in,
    message_in,
    said_of,
)
from livebend.control.rig.receiver import Inbox, Receiver
from livebend.core import limits
from livebend.core.errors import LivebendError, Refused
from livebend.flow import Features, Frame, Tick
from livebend.modulation.heard import features_of, heard
from livebend.scene.commands import Load, Set
from livebend.scene.values import Prompt, Scene, Walk
from tests.fakes.osc import wait_for
from tests.fakes.times import ManualTime

KEY = b"a key of a test, long enough"
SCENE = Scene("Orb", 3, Prompt("a red orb"), Walk(0.4, 4.0))
SOUND = Features(time=0.5, rms=0.25, bpm=120.0, beat_count=7, beat_phase=0.5, silent=False)
OPENING = Opening("livebend", (64, 64), {"model": "1"})


def frame_of(index, *said, scene=SCENE, mark=False, fps=10.0):
    tick = Tick(index, (index + 1) / fps, 1 / fps, index / fps)
    return Painted(
        tick, heard(SOUND), tuple(map(said_of, said)), mark=mark_of(scene) if mark else ""
    )


# ---- the key


def test_the_leader_makes_the_key_and_nobody_else_may_read_it(tmp_path):
    file = tmp_path / "show.key"
    with pytest.raises(Refused, match="No such file"):
        read_key(file, make=False)
    key = read_key(file, make=True)
    assert (key, len(key)) == (read_key(file, make=False), 64)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("short")
    with pytest.raises(Refused, match="5 bytes; expected 16 to"):
        read_key(file, make=True)


def test_without_a_key_there_is_no_rig(monkeypatch):
    monkeypatch.delenv("LIVEBEND_KEY", raising=False)
    with pytest.raises(Refused, match="--key FILE, or LIVEBEND_KEY"):
        read_key(None, make=True)
    monkeypatch.setenv("LIVEBEND_KEY", "of the environment, long enough")
    assert read_key(None, make=False) == b"of the environment, long enough"


@pytest.mark.parametrize("text", ["", "host:", "host:0", "a b", "host:99999", "::1", "-x:/:1"])
def test_an_address_that_is_none_is_refused_in_one_line(text):
    with pytest.raises(Refused, match="expected HOST or HOST:PORT"):
        leader_at(text)


def test_where_a_leader_listens():
    assert leads_at("9000") == ("0.0.0.0", 9000)
    with pytest.raises(Refused, match="expected PORT or HOST:PORT"):
        leads_at("nine")


def seals():
    shake = Handshake(KEY, nonce(), nonce())
    return shake.seal("lead"), shake.seal("lead")


def parts(sealed):
    return sealed[4 : 4 + MAC], sealed[4 + MAC :]


@given(st.data())
def test_only_the_next_message_of_this_connection_is_taken(data):
    """Changed, repeated, left out, of another side or another connection: refused."""
    shake = Handshake(KEY, nonce(), nonce())
    ours, theirs = shake.seal("lead"), shake.seal("lead")
    messages = data.draw(st.lists(st.binary(max_size=20), min_size=2, max_size=4))
    sent = [parts(ours.sealed(message)) for message in messages]
    assert theirs.opened(*sent[0]) == messages[0]
    signature, message = data.draw(st.sampled_from([
        sent[0], (sent[1][0], sent[1][1] + b"x"), (bytes(MAC), sent[1][1]), *sent[2:],
        parts(shake.seal("follow").sealed(messages[1])),
        parts(Handshake(KEY, nonce(), nonce()).seal("lead").sealed(messages[1])),
        parts(Seal(KEY).sealed(messages[1])),
    ]))  # fmt: skip
    with pytest.raises(Refused, match="message 1 is changed, repeated or of somebody else"):
        theirs.opened(signature, message)


# ---- what is said


def refusal(data):
    """Why bytes are no message, or "" where they are one."""
    try:
        message_in(data)
    except Refused as why:
        return str(why)
    return ""


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=7), inner),
    max_leaves=8,
)


@given(st.one_of(st.binary(max_size=80), st.sampled_from(b"opbfjia").flatmap(
    lambda letter: st.binary(max_size=60).map(lambda rest: bytes([letter]) + rest))))  # fmt: skip
def test_bytes_are_a_message_or_refused_in_one_line(data):
    assert "\n" not in refusal(data)


@settings(max_examples=40)
@given(st.sampled_from(b"opbfjia"), st.lists(JUNK, max_size=4), JUNK)
def test_records_of_anything_are_a_message_or_refused(letter, objects, root):
    data = bytes([letter]) + json.dumps({"objects": objects, "root": root}).encode()
    assert "\n" not in refusal(data)


def test_what_is_said_is_heard():
    scene = replace(SCENE, title="Pasted", walk=Walk(0.1, 1 / 3))
    for command in (Set("walk.radius", 0.1 + 0.2), Load(scene, "tide", 2.0), Load(scene)):
        painted = message_in(bytes_of(frame_of(3, command, mark=True)))
        assert painted == frame_of(3, command, mark=True)
        (said,) = painted.said
        assert command_in(said).apply(SCENE) == command.apply(SCENE)
    assert heard(features_of(painted.heard)) == heard(SOUND)


@pytest.mark.parametrize("said", [
    Said("preset tide"), Said("preset tide", "[bend"), Said("walk.radius"), Said("eval 1"),
    Said("../../etc/passwd 1"),
])  # fmt: skip
def test_a_command_that_is_none_is_refused(said):
    with pytest.raises(LivebendError):
        command_in(said).apply(SCENE)


def test_sound_that_is_none_is_refused():
    for numbers in ((), heard(SOUND)[:-1], (True, *heard(SOUND)[1:])):
        with pytest.raises(Refused):
            features_of(numbers)


# ---- leader and follower by real sockets


class Told:
    """A leader and the receivers that a test starts, and what they said."""

    def __init__(self) -> None:
        self.leader_said, self.said, self.met = [], [], []
        self.leader = Leader(
            listen("127.0.0.1", 0, kind=socket.SOCK_STREAM), KEY, OPENING, lambda scene: "moment",
            notify=self.leader_said.append,
        ).start()  # fmt: skip
        self.index = 0

    def receiver(self, key=KEY, at=None):
        return Receiver(
            at or self.leader.address, key, met=self.met.append, foreseen=self.said.append,
            now=ManualTime(5.0).now, notify=self.said.append,
        ).start()  # fmt: skip

    def paint(self, *commands):
        for command in commands:
            self.leader.record(0.0, command)
        self.leader.begin(SCENE, SOUND, frame_of(self.index).tick)
        self.index += 1


@contextmanager
def rig(**options):
    told = Told()
    receiver = told.receiver(**options)
    try:
        yield told, receiver
    finally:
        receiver.worker.stop()
        told.leader.stop()


def joined(told, receiver):
    """Paint until it has joined; return what it got."""
    got = []

    def has_joined():
        told.paint()
        got.extend(receiver.inbox.take(0.02))
        return bool(got)

    wait_for(has_joined)
    return got


def test_who_joins_gets_a_state_and_then_every_frame():
    with rig() as (told, receiver):
        got = joined(told, receiver)
        assert isinstance(got[0], Begin)
        assert (got[0].moment, got[0].painted.said) == ("moment", ())
        told.leader.foresee("aurora")
        for radius in (0.1, 0.2):
            told.paint(Set("walk.radius", radius))
        wait_for(lambda: got.extend(receiver.inbox.take(0.02)) or len(got) >= 3)
        wait_for(lambda: receiver.clock.seconds is not None)
        numbers = [one.painted.tick.index if isinstance(one, Begin) else one.tick.index
                   for one in got]  # fmt: skip
        assert numbers == list(range(numbers[0], told.index))
        assert [one.said for one in got[-2:]] == [
            (Said("walk.radius 0.1"),), (Said("walk.radius 0.2"),)
        ]  # fmt: skip
        assert told.met == [OPENING]
        assert "aurora" in told.said
        wait_for(lambda: told.leader.described == "leads 1 show")
    assert told.leader_said[:1] == ["127.0.0.1 follows"]


def test_a_wrong_key_is_refused_on_both_sides_in_one_line():
    with rig(key=b"another key, that is long too") as (told, receiver):
        wait_for(lambda: told.said and told.leader_said)
        told.paint()
        assert not receiver.connected
        assert told.said == [f"rig: the leader at {receiver.name} has another key, or no room"]
        assert told.leader_said == ["rig: 127.0.0.1 does not know the key, and does not follow"]
        assert receiver.inbox.take(0.0) == []


@contextmanager
def recorder(to):
    """A port that passes everything on to a leader, and what the follower and the leader said."""
    said = {"follower": b"", "leader": b""}

    def pump(source, target, name):
        while data := source.recv(1 << 16):
            said[name] += data
            target.sendall(data)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve():
            ours, _ = server.accept()
            with closing(ours), closing(socket.create_connection(to)) as theirs:
                thread = threading.Thread(target=_quietly, args=(pump, theirs, ours, "leader"))
                thread.start()
                _quietly(pump, ours, theirs, "follower")
                theirs.shutdown(socket.SHUT_RDWR)
                thread.join()

        threading.Thread(target=_quietly, args=(serve,), daemon=True).start()
        yield server.getsockname()[:2], said


def _quietly(function, *arguments):
    with suppress(OSError):
        function(*arguments)


def test_a_recorded_connection_is_played_to_nobody():
    """Neither a leader's words to a follower, nor a follower's to a leader."""
    with rig(key=b"no key of anybody in this test") as (told, _):
        with recorder(told.leader.address) as (at, said):
            receiver = told.receiver(at=at)
            joined(told, receiver)
            receiver.worker.stop()
        told.leader_said.clear()
        with closing(socket.create_connection(told.leader.address)) as again:
            again.settimeout(5.0)
            again.sendall(said["follower"])
            _drained(again)
        wait_for(lambda: any("does not know the key" in one for one in told.leader_said))
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            fooled = told.receiver(at=server.getsockname()[:2])
            ours, _ = server.accept()
            ours.sendall(said["leader"])
            wait_for(lambda: any("does not know the key" in one for one in told.said))
            ours.close()
            assert fooled.inbox.take(0.0) == []
            fooled.worker.stop()


def _drained(opened):
    try:
        while opened.recv(1 << 16):
            pass
    except ConnectionError:
        pass


def known(told):
    """A connection that has shown the key, and its seal."""
    opened = socket.create_connection(told.leader.address)
    opened.settimeout(5.0)
    head = b""
    while len(head) < len(MAGIC) + NONCE:
        head += opened.recv(1 << 16)
    shake = Handshake(KEY, head[len(MAGIC) :], nonce())
    opened.sendall(shake.followers + shake.proof("follow"))
    return opened, shake.seal("follow")


@pytest.mark.parametrize(("sent", "why"), [
    (lambda seal: (1 << 31).to_bytes(4, "big") + bytes(MAC), "at most 256"),
    (lambda seal: seal.sealed(b"nonsense"), "no message of a rig"),
    (lambda seal: seal.sealed(bytes_of(Pong(0.0, 0.0))), "expected a question"),
    (lambda seal: seal.sealed(bytes_of(Join()))[:-1] + b"x", "is changed, repeated"),
    (lambda seal: b"".join(seal.sealed(bytes_of(Ping(0.0))) for _ in range(99)), "in a second"),
])  # fmt: skip
def test_a_follower_that_breaks_the_rules_is_hung_up_on(sent, why):
    with rig(key=b"no key of anybody in this test") as (told, _):
        opened, seal = known(told)
        with closing(opened):
            opened.sendall(sent(seal))
            _drained(opened)
        wait_for(lambda: any(why in one for one in told.leader_said))
        assert all("\n" not in one for one in told.leader_said)
        wait_for(lambda: told.leader.described == "leads 0 shows")


def test_strangers_hold_nobody_up():
    with rig(key=b"no key of anybody in this test") as (told, _):
        strangers = [socket.create_connection(told.leader.address) for _ in range(3)]
        for stranger in strangers:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 9)
        receiver = told.receiver()
        assert joined(told, receiver)
        receiver.worker.stop()
        for stranger in strangers:
            stranger.close()


# ---- what waits, and the clock


def test_what_does_not_fit_is_joined_anew(monkeypatch):
    monkeypatch.setattr(limits, "RIG_TICKS", 3)
    inbox = Inbox()
    assert [inbox.put(frame_of(n)) for n in range(5)] == [True] * 3 + [False] * 2
    assert len(inbox.take(0.0)) == 3
    assert not inbox.put(frame_of(5))  # frames between are lost: it has to begin again
    assert inbox.put(Begin("moment", frame_of(6)))
    assert inbox.put(frame_of(7))
    assert [type(one) for one in inbox.take(0.0)] == [Begin, Painted]


@given(
    st.floats(-1e4, 1e4),
    st.lists(st.tuples(st.floats(0.0, 0.001), st.floats(0.0, 0.001)), min_size=16, max_size=40),
    st.data(),
)
def test_the_other_clock_is_known_whatever_a_few_answers_take(offset, ways, data):
    clock = ClockOffset()
    for number, (there, back) in enumerate(ways):
        slow = data.draw(st.floats(0.1, 3.0)) if number % 4 == 3 else 0.0
        sent = number * 0.25
        clock.add(sent, sent + there + slow + offset, sent + there + slow + back)
    assert abs(clock.seconds - offset) < 0.0006
    assert abs(clock.drift) < 0.001


# ---- a follower's frames


class Painter:
    """A player without a network: what it painted, followed and took."""

    def __init__(self) -> None:
        self.scene, self.done = SCENE, []

    def render(self, scene, features, tick):
        self.done.append(("paint", tick.index, scene.walk.radius))
        return Frame(None, tick.index, tick.time, features.time, tick.presentation)

    def follow(self, scene, features, tick):
        self.done.append(("follow", tick.index, scene.walk.radius))

    def take(self, moment):
        if moment == "of another model":
            raise Refused("no such site")
        return replace(SCENE, title=moment)

    def check(self, scene):
        return scene

    def take_up(self):
        pass

    anew = renew = take_up


class Follower:
    """A follower whose leader is a test: each step, messages come, and one tick is played."""

    def __init__(self) -> None:
        self.time, self.notices, self.hands, self.view = ManualTime(), [], [], {}
        self.coming, self.joins = [], 0
        inbox = SimpleNamespace(take=self._take)
        receiver = SimpleNamespace(
            inbox=inbox, clock=ClockOffset(), connected=True, name="leader:8100", join=self._join
        )
        self.player = Painter()
        self.following = Following(
            receiver, self.player, self.time, fps=10.0, seconds=None,
            ends=(SimpleNamespace(at=lambda time: Features(time=time)),
                  SimpleNamespace(until=lambda _: [self.hands.pop()] if self.hands else [])),
            set_view=self.view.__setitem__, notify=self.notices.append,
        )  # fmt: skip
        self.stop = threading.Event()
        self.ticks = iter(self.following.going_on(self.stop))
        self.scene, self.waits = SCENE, 0

    def _take(self, timeout):
        if not self.coming and timeout:
            self.time.moment += timeout
        came, self.coming = self.coming, []
        return came

    def _join(self):
        self.joins += 1

    def step(self, *messages):
        """Play one tick after these; return its frame."""
        self.coming = list(messages)
        tick = next(self.ticks)
        for command in self.following.until(tick.time):
            self.scene = command.apply(self.scene)
        features = self.following.at(tick.time)
        frame = self.following.render(self.scene, features, tick)
        self.time.moment += 0.05
        return frame


def begin(index):
    return Begin("First", frame_of(index))


def test_a_slow_follower_skips_frames_but_not_what_was_done_in_them():
    show = Follower()
    show.step(begin(4))
    show.step(frame_of(5, Set("walk.radius", 0.1)), frame_of(6), frame_of(7, Set("walk.radius", 1)))
    assert show.player.done == [
        ("paint", 4, 0.4), ("follow", 5, 0.1), ("follow", 6, 0.1), ("paint", 7, 1.0)
    ]  # fmt: skip
    assert (show.scene.title, show.scene.walk.radius) == ("First", 1.0)
    assert (show.following.counts.painted, show.following.counts.skipped) == (2, 2)


def test_without_a_leader_a_show_plays_on_and_joins_again():
    show = Follower()
    frames = [show.step(begin(4)), show.step(frame_of(5))]
    frames += [show.step() for _ in range(5)]
    assert "rig: the leader is gone; playing on alone, at its tempo" in show.notices
    assert show.joins >= 1
    assert show.following.at(0.0).bpm == 120.0
    show.hands = [Set("walk.radius", 0.9)]  # acts while there is no leader
    frames.append(show.step())
    assert show.scene.walk.radius == 0.9
    frames += [show.step(frame_of(7)), show.step(Begin("Back", frame_of(0)))]
    assert show.scene.title == "Back"
    assert show.player.done[-1] == ("paint", 0, 0.4)
    frames.append(show.step(frame_of(1)))
    numbers = [number for _, number, _ in show.player.done]
    assert numbers == [4, 5, *range(6, 13), 0, 1]  # a frame before it has joined says nothing
    times = [frame.time for frame in frames]
    assert times == sorted(times)  # what is shown never goes back
    assert [frame.index for frame in frames] == list(range(len(frames)))


def test_hands_of_a_follower_do_nothing_and_it_is_said_once():
    show = Follower()
    show.step(begin(0))
    for index in (1, 2):
        show.hands = [Set("walk.radius", 0.9)]
        show.step(frame_of(index))
    assert show.scene.walk.radius == 0.4
    assert sum("has no effect" in one for one in show.notices) == 1


def test_black_of_the_leader_is_black_everywhere_and_nothing_else_of_its_display():
    show = Follower()
    show.step(begin(0))
    show.step(replace(frame_of(1), view={"blackout": True, "record": True}))
    assert show.view == {"blackout": True}


@pytest.mark.parametrize(("broken", "why"), [
    (frame_of(9), "frames of the leader's are missing"),
    (replace(frame_of(5), mark="0123"), "the scene differs"),
    (replace(frame_of(5), said=(Said("eval 1"),)), "unknown cue 'eval'"),
    (replace(frame_of(5), heard=(0.5,)), "sound of 1 numbers"),
    (Begin("of another model", frame_of(5)), "no such site"),
])  # fmt: skip
def test_a_frame_that_cannot_be_followed_is_no_end(broken, why):
    show = Follower()
    show.step(begin(4))
    show.step(broken)
    assert show.joins >= 1
    assert any(why in one for one in show.notices)
    show.step(begin(6))
    assert show.step(frame_of(7, mark=True)) is not None
    assert show.player.done[-1][:2] == ("paint", 7)


def test_alone_beats_go_on_and_no_counter_jumps():
    own = Features(onset_count=40, kick_count=9, rms=0.1)
    last = replace(SOUND, onset_count=3, kick_count=1)
    alone = Alone(last, own, offset=100.0)
    later = replace(own, time=2.0, rms=0.7, onset_count=42, onset_time=1.5)
    found = alone.at(last.time + 1.0, later)
    assert (found.onset_count, found.kick_count, found.rms) == (5, 1, 0.7)
    assert (found.beat_count, found.beat_phase, found.bpm) == (9, 0.5, 120.0)
    assert (found.time, found.onset_time) == (102.0, 101.5)
