"""Feedback: what a listener gets, and what never comes back to it."""

import shutil
import socket
import subprocess
import threading
from dataclasses import replace

import pytest
from pythonosc.osc_bundle import OscBundle
from pythonosc.udp_client import SimpleUDPClient

from livebend.control import osc_feedback
from livebend.control.door import Door
from livebend.control.osc import OscInput, OscReader
from livebend.control.osc_endpoint import REPLY_PORT, Sender, listen
from livebend.control.osc_feedback import BUNDLES, HOLD, INTERVAL, NOTICE, RETRY, Feedback
from livebend.control.osc_learnt import GESTURE
from livebend.control.osc_listener import BYTES, SENDERS, Listener
from livebend.control.parameters import soft_range
from livebend.control.readings import READINGS
from livebend.core import limits
from livebend.core.errors import LivebendError
from livebend.core.status import Notice, RouteStatus, Status
from livebend.flow import Features
from livebend.outputs.display import Display
from livebend.scene.values import Bend, Scene
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import PATIENCE, datagram, free_port, wait_for
from tests.fakes.times import ManualTime

TABLET, OTHER = Sender("10.0.0.5", 50_000), Sender("10.0.0.6", 50_001)


class Rig:
    """A reader whose commands change the scene at once, and whose listeners write down what they
    are sent: `got` is (address, value) by listener since the last look."""

    def __init__(self, monkeypatch, scene: Scene = DUB) -> None:
        self.display, self.status, self.time = Display(), Status(), ManualTime()
        self.fake = FakeDesk(scene)
        self.desk = replace(
            self.fake.desk, give=self._give, display=self._show, output=Display.specs,
            view=self.display.get, status=lambda: self.status,
        )  # fmt: skip
        self.reader = OscReader(self.desk, self.time.now)
        self.feedback = self.reader.feedback
        self.sent, self.gone = [], set()
        monkeypatch.setattr(Listener, "send", lambda one, data: self.write(one, data))  # noqa: PLW0108 - bound

    def _give(self, command):
        try:
            self.desk.scene.put(command.apply(self.desk.scene.get()))
        except LivebendError as why:
            self.fake.refused.append(str(why))
        return True

    def _show(self, what, on):
        self.display.toggle(what) if on is None else self.display.set(what, on)

    def write(self, one, data):
        """Stand for a listener's `send`."""
        self.sent.append(((one.host, one.port), data))
        return (one.host, one.port) not in self.gone

    def hear(self, sender, address, *arguments):
        """Hear a message to an address of ours."""
        return self.reader.receive(datagram(f"/livebend/{address}", *arguments), sender)

    def turn(self, seconds=INTERVAL):
        """Let time pass and have a turn; return what each listener got, without readings."""
        self.time.moment += seconds
        del self.sent[:]
        self.feedback.turn()
        got = {}
        for where, data in self.sent:
            assert len(data) <= BYTES or len(list(OscBundle(data))) == 1
            for one in OscBundle(data):
                assert one.address.startswith(("/livebend/", "/desk/"))
                value = one.params[0]
                value = round(value, 4) if isinstance(value, float) else value
                got.setdefault(where[0], []).append((one.address.removeprefix("/livebend/"), value))
        return {
            host: [pair for pair in pairs if pair[0].replace("/", ".") not in MEASURED]
            for host, pairs in got.items()
        }


MEASURED = READINGS.keys() - {NOTICE}


@pytest.fixture
def rig(monkeypatch):
    return Rig(monkeypatch)


def joined(rig, *senders):
    """Have senders send something, so that they are listeners."""
    for sender in senders:
        rig.hear(sender, "seed", "?")
    rig.turn()


def test_what_one_sends_the_others_get_and_it_does_not(rig):
    joined(rig, TABLET, OTHER)
    rig.hear(TABLET, "bend/swirl/angle", 45.0)
    assert rig.turn() == {"10.0.0.6": [("bend/swirl/angle", 45.0)]}
    assert rig.turn(2 * HOLD) == {}


def test_a_touched_control_is_left_alone_and_hears_then_where_it_is(rig):
    joined(rig, TABLET, OTHER)
    rig.hear(TABLET, "walk/radius", 0.5)
    rig.hear(OTHER, "walk/radius", 0.75)
    assert rig.turn() == {}
    rig.hear(TABLET, "walk/radius", 0.8)
    assert rig.turn(HOLD - 2 * INTERVAL) == {}
    assert rig.turn(HOLD / 2) == {"10.0.0.6": [("walk/radius", 0.8)]}
    rig.hear(TABLET, "walk/radius", 9.0)  # clamped: its fader stands too high
    assert rig.turn()["10.0.0.6"] == [("walk/radius", 4.0)]
    assert rig.turn(HOLD) == {"10.0.0.5": [("walk/radius", 4.0)]}


def test_keys_and_presets_are_others(rig):
    joined(rig, TABLET)
    rig.display.toggle("blackout")
    assert rig.turn() == {"10.0.0.5": [("output/blackout", 1)]}
    rig.desk.scene.put(replace(DUB, seed=7, prompt=replace(DUB.prompt, text="flames")))
    assert rig.turn()["10.0.0.5"] == [("seed", 7), ("prompt/text", "flames")]


def test_parts_that_come_and_go_are_said_with_all_their_values(rig):
    joined(rig, TABLET)
    rig.hear(TABLET, "preset", "storm")
    got = rig.turn()["10.0.0.5"]
    assert got[:3] == [
        ("removed", "bend.swirl"), ("removed", "route.kick"), ("added", "bend.flash")
    ]  # fmt: skip
    assert ("bend/flash/mix", 1.0) in got
    assert {address for address, _ in got[3:]} == {
        p.address.removeprefix("/livebend/")
        for p in rig.reader._trees.of(rig.desk.scene.get()).below("bend.flash")
    }


def test_who_plays_by_faders_gets_where_they_stand(rig):
    joined(rig, TABLET, OTHER)
    rig.hear(TABLET, "walk/radius/play", 0.25)
    assert rig.turn() == {"10.0.0.6": [("walk/radius", 0.25)]}
    rig.hear(OTHER, "bend/swirl/angle", 90.0)
    assert rig.turn() == {"10.0.0.5": [("bend/swirl/angle", 90.0), ("bend/swirl/angle/play", 0.75)]}


def teach(rig, target, address, *values):
    rig.reader.learnt.learn(target)
    for value in values:
        rig.reader.receive(datagram(address, value), TABLET)
    rig.time.moment += GESTURE
    rig.reader.learnt.turn()


def test_a_foreign_fader_follows_what_others_change_as_far_as_it_goes(rig):
    for target, address, *values in (
        ("bend.swirl.angle", "/desk/1", 0.1, 0.2),
        ("bend.@1.mix", "/desk/2", 12, 13),
        ("prompt.weight", "/desk/3", -0.5),
        ("prompt.text", "/desk/4", "sea"),
        ("output.brightness", "/desk/5", 0.5),
    ):
        teach(rig, target, address, *values)
    joined(rig, TABLET, OTHER)
    rig.hear(OTHER, "bend/swirl/angle", 90.0)
    rig.hear(OTHER, "bend/swirl/mix", 0.5)
    rig.hear(OTHER, "prompt/weight", 0.25)
    rig.hear(OTHER, "prompt/text", "flames")
    rig.hear(OTHER, "output/brightness", 0.5)
    got = dict(rig.turn()["10.0.0.5"])
    where = {at: got[at] for at in got if at.startswith("/desk")}
    half = soft_range(DUB, rig.reader._trees.of(DUB).parameters["output.brightness"]).to_unit(0.5)
    assert where == {
        "/desk/1": 0.75, "/desk/2": 64, "/desk/3": 0.25, "/desk/4": "flames",
        "/desk/5": pytest.approx(half, abs=1e-3),
    }  # fmt: skip


def test_a_foreign_fader_that_is_touched_is_left_alone(rig):
    teach(rig, "walk.radius", "/desk/1", 0.1, 0.2)
    joined(rig, TABLET, OTHER)
    rig.reader.receive(datagram("/desk/1", 0.5), TABLET)
    assert "10.0.0.5" not in rig.turn()
    assert "10.0.0.5" not in rig.turn(2 * HOLD)  # it is where it was put
    rig.hear(OTHER, "walk/radius", 1.0)
    assert ("/desk/1", 1.0) in rig.turn()["10.0.0.5"]
    rig.reader.learnt.forget("walk.radius")
    rig.hear(OTHER, "walk/radius", 2.0)
    assert all(at != "/desk/1" for at, _ in rig.turn()["10.0.0.5"])


def test_a_change_by_steps_comes_back_where_it_ended(rig):
    joined(rig, TABLET)
    for _ in range(3):
        rig.hear(TABLET, "bend/swirl/angle", "+", 5.0)
    assert rig.turn() == {}
    assert rig.turn(HOLD) == {"10.0.0.5": [("bend/swirl/angle", 45.0)]}


def test_meters_and_notices_come_where_they_moved(rig):
    joined(rig, TABLET)
    rig.status = Status(
        features=Features(rms=0.5, onset_count=1, bpm=120.0), fps=60.0, title="Dub",
        notices=(Notice(1.0, "unplugged"),),
    )  # fmt: skip
    assert rig.turn() == {"10.0.0.5": [("notice", "unplugged")]}
    sent = {m.address: m.params[0] for m in OscBundle(rig.sent[0][1])}
    assert sent == {
        "/livebend/notice": "unplugged", "/livebend/meter/rms": 0.5, "/livebend/meter/bpm": 0.5,
        "/livebend/meter/onset/pulse": 1.0, "/livebend/meter/tempo": 120.0,
        "/livebend/meter/fps": 60.0, "/livebend/title": "Dub",
    }  # fmt: skip
    rig.turn()
    assert [(m.address, m.params) for m in OscBundle(rig.sent[0][1])] == [
        ("/livebend/meter/onset/pulse", [0.0])
    ]
    rig.turn()
    assert rig.sent == []


def test_what_routes_move_comes_when_it_is_asked_for(rig):
    joined(rig, OTHER)
    rig.hear(TABLET, "feedback", 9001, "routes")
    rig.status = Status(routes=(RouteStatus("kick", "low", 0.5, "bend.swirl.angle", 12.0),))
    assert rig.turn() == {"10.0.0.5": [("bend/swirl/angle", 42.0)]}
    assert rig.turn() == {}


def test_feedback_is_sent_where_it_was_asked_for_and_no_more_when_it_is_not(rig):
    joined(rig, TABLET)
    assert [*rig.feedback.listeners] == [("10.0.0.5", REPLY_PORT)]
    rig.hear(TABLET, "feedback", 9001)
    rig.turn()
    assert [*rig.feedback.listeners] == [("10.0.0.5", 9001)]
    rig.hear(TABLET, "seed", 9)
    another = Sender(TABLET.host, 60_000)  # another program on the same machine
    rig.hear(another, "seed", 10)
    assert rig.turn() == {"10.0.0.5": []}
    assert rig.turn(HOLD)["10.0.0.5"] == [("seed", 10)]
    rig.hear(TABLET, "feedback", 0)
    rig.turn()
    assert [*rig.feedback.listeners] == [("10.0.0.5", REPLY_PORT)]


def test_everything_is_sent_in_turns(rig):
    bends = tuple(Bend(f"b{number}", "rotate", "image") for number in range(64))
    rig.desk.scene.put(replace(DUB, bends=bends, routes=()))
    joined(rig, OTHER)
    rig.hear(TABLET, "?")
    tree, found, turns = rig.reader._trees.of(rig.desk.scene.get()), {}, 0
    while got := rig.turn().get("10.0.0.5"):
        found, turns = found | dict(got), turns + 1
        assert len(rig.sent) <= BUNDLES
    wanted = {p.address.removeprefix("/livebend/") for p in tree.values()}
    assert set(found) == wanted
    assert turns > 3
    rig.hear(TABLET, "walk/?")
    assert rig.turn() == {"10.0.0.5": [
        ("walk/radius", 0.3), ("walk/period", 20.0), ("walk/phase", 0.0), ("walk/normalise", 1),
        ("walk/hold", 1),
    ]}  # fmt: skip
    rig.hear(TABLET, "walks/?")
    rig.reader.receive(datagram("/other/?"), TABLET)
    assert "did you mean '/livebend/walk" in rig.fake.refused[0]
    assert rig.reader.counts.refused == 2


def test_a_listener_that_is_gone_costs_nothing_until_it_sends_again(rig):
    rig.gone.add(("10.0.0.5", REPLY_PORT))
    joined(rig, TABLET, OTHER)
    rig.turn()
    for seed in range(20):
        rig.hear(TABLET, "seed", seed)
        rig.turn()
    assert [where for where, _ in rig.sent if where[0] == "10.0.0.5"] == []
    rig.gone.clear()
    rig.hear(OTHER, "seed", 99)
    assert rig.turn(RETRY) == {}
    rig.hear(TABLET, "walk/radius", 0.5)
    rig.turn()
    assert {where[0] for where, _ in rig.sent} == {"10.0.0.5", "10.0.0.6"}


def test_there_are_not_too_many_listeners_nor_notes_about_them(rig, monkeypatch):
    monkeypatch.setattr(osc_feedback, "TOUCHES", 100)
    for number in range(300):
        rig.hear(Sender(f"10.0.1.{number % 250}", 40_000 + number), "seed", number)
    rig.turn()
    assert len(rig.feedback.listeners) == limits.LISTENERS
    for number in range(limits.LISTENERS + 1):
        rig.hear(Sender(f"10.0.2.{number}", 1), "feedback", 9001)
        rig.turn()
    assert {host[:6] for host, _ in rig.feedback.listeners} == {"10.0.2"}
    assert rig.fake.refused[-1] == f"OSC: feedback for {limits.LISTENERS} at most"
    for port in range(100):
        rig.hear(Sender("10.0.2.1", port), "seed", port)
        rig.turn()
    assert all(len(one.senders) <= SENDERS for one in rig.feedback.listeners.values())


def test_junk_makes_no_listener(rig):
    for sent in (b"junk", datagram("/livebend/nothing", 1), datagram("/livebend/_x", 1)):
        rig.reader.receive(sent, TABLET)
    rig.turn()
    assert rig.feedback.listeners == {}


# ---- over real sockets


@pytest.fixture
def show():
    """A listening OscInput with a desk whose scene the test puts."""
    fake = FakeDesk()
    listening = OscInput(fake.desk, listen(port=0)).start()
    yield listening, fake.desk
    assert listening.stop()


def test_a_refusing_port_is_found_by_the_system():
    one = Listener("127.0.0.1", free_port())
    wait_for(lambda: not one.send(datagram("/livebend/seed", 1)))
    assert one.send(datagram("/livebend/seed", 1))  # another socket: nobody has refused it yet
    one.close()


def test_who_is_turned_away_listens_to_nothing():
    fake = FakeDesk()
    closed = OscInput(fake.desk, listen(port=0), door=Door(["192.168.1.0/24"])).start()
    with SimpleUDPClient(*closed.address) as client:
        client.send_message("/livebend/feedback", 9001)
        client.send_message("/livebend/?", [])
    wait_for(lambda: closed.counts.turned_away == 2)
    assert closed.stop()
    assert closed._reader.feedback.listeners == {}


def test_a_python_client_hears_what_others_change(show):
    listening, desk = show
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.bind(("127.0.0.1", 0))
        client.sendto(datagram("/livebend/feedback", client.getsockname()[1]), listening.address)
        client.recv(2048)  # the first meters
        desk.scene.put(replace(DUB, seed=7))
        got = [(m.address, m.params) for m in OscBundle(client.recv(2048))]
    assert ("/livebend/seed", [7]) in got


@pytest.mark.skipif(shutil.which("oscdump") is None, reason="liblo-tools are not installed")
def test_oscdump_shows_what_others_change(show):
    listening, desk = show
    port = free_port()
    with subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True) as dump:
        ending = threading.Timer(PATIENCE, dump.kill)
        ending.start()
        wait_for(lambda: is_taken(port))
        to = ("oscsend", "localhost", str(listening.address[1]))
        subprocess.run([*to, "/livebend/feedback", "i", str(port)], check=True)
        assert any("/livebend/meter/rms f 0" in line for line in dump.stdout)
        desk.scene.put(replace(DUB, seed=7))
        assert any("/livebend/seed i 7" in line for line in dump.stdout)
        ending.cancel()
        dump.terminate()


def is_taken(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def test_the_thread_ends_and_closes_what_it_opened(rig, monkeypatch):
    monkeypatch.undo()
    feedback = Feedback(rig.desk, rig.reader._trees)
    feedback.listeners["127.0.0.1", 9] = one = Listener("127.0.0.1", free_port())
    one.send(b"x")
    assert one._socket is not None
    feedback.close()
    assert one._socket is None
