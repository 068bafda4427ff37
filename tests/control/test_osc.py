"""OSC over a real socket, from clients that nobody here wrote."""

import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from livebend.control.command_queue import CommandQueue
from livebend.control.desk import Desk
from livebend.control.door import AllowList, Door
from livebend.control.osc import OscInput, OscReader
from livebend.control.osc_addresses import FADER
from livebend.control.osc_backlog import Backlog, numbers
from livebend.control.osc_endpoint import PORTS, Sender, endpoint, listen, reach
from livebend.control.parameters import tree_of
from livebend.core import clock, limits
from livebend.core.errors import Refused
from livebend.core.mailbox import Latest
from livebend.outputs.display import Display
from livebend.scene.commands import Add, Panic, Set
from livebend.scene.presets import PresetBank
from livebend.scene.values import Bend, Scene
from tests import ROOT
from tests.fakes.desk import FakeDesk
from tests.fakes.osc import PATIENCE, datagram, message, wait_for

SCENE = Scene(bends=(Bend("swirl", "rotate", "unet.mid"),))


class Heard:
    """A queue that tells when so many commands have come."""

    def __init__(self):
        self.queue = CommandQueue(notify=[].append)
        self.came = threading.Semaphore(0)

    def give(self, command):
        taken = self.queue.give(command)
        self.came.release()
        return taken

    def take(self, count):
        for _ in range(count):
            assert self.came.acquire(timeout=PATIENCE)
        return [guarded.command for guarded in self.queue.until(0.0)]


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def returning():
    """A socket that waits for replies."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answers:
        answers.bind(("127.0.0.1", 0))
        answers.settimeout(PATIENCE)
        yield answers


@pytest.fixture
def osc(heard, returning, monkeypatch):
    monkeypatch.setattr("livebend.control.osc.REPLY_PORT", returning.getsockname()[1])
    shown = lambda what, on: heard.came.release()  # noqa: E731
    desk = Desk(heard.give, shown, Latest(SCENE), PresetBank(), [].append)
    listening = OscInput(desk, listen(port=0)).start()
    yield listening
    assert listening.stop()


def test_only_those_who_are_named_are_heard():
    fake = FakeDesk()
    door = Door(["192.168.1.0/24", "::1"], fake.desk.warn)
    closed = OscInput(fake.desk, listen(port=0), door=door).start()
    with SimpleUDPClient(*closed.address) as client:
        for _ in range(3):
            client.send_message("/livebend/seed", 1)
    wait_for(lambda: closed.counts.turned_away == 3)
    assert closed.stop()
    assert (closed.counts.messages, fake.commands) == (0, [])
    assert fake.refused == ["127.0.0.1 is turned away; --osc-allow 127.0.0.1 would let it in"]


@pytest.mark.parametrize(
    ("allowed", "host", "heard"),
    [
        ([], "8.8.8.8", True),
        (["192.168.1.0/24"], "192.168.1.77", True),
        (["192.168.1.77/24"], "192.168.1.2", True),
        (["192.168.1.0/24"], "192.168.2.1", False),
        (["192.168.1.0/24"], "::ffff:192.168.1.9", True),
        (["10.0.0.1", "fd00::/8"], "fd12::3", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["10.0.0.1"], "127.0.0.1", False),
    ],
)
def test_senders_are_machines_or_networks(allowed, host, heard):
    assert AllowList(allowed).allows(host) is heard


@pytest.mark.parametrize("text", ["", "router", "192.168.1.0/33", "1.2.3"])
def test_a_sender_that_is_none_is_refused(text):
    with pytest.raises(Refused, match=r"--osc-allow .*: expected an address or a network"):
        AllowList([text])


def test_python_osc_changes_the_scene(osc, heard):
    with SimpleUDPClient(*osc.address) as client:
        client.send_message("/livebend/prompt", "starry night")
        client.send_message("/livebend/bend/swirl/angle", 45)
        client.send_message("/livebend/blackout", [])
        client.send_message("/livebend/bend/add", ["tilt", "transform", "image", "zoom", 1.5])
        client.send_message("/livebend/panic", 1)
    assert heard.take(5) == [
        Set("prompt.text", "starry night"),
        Set("bend.swirl.angle", 45.0),
        Add(Bend("tilt", "transform", "image", {"zoom": 1.5})),
        Panic(),
    ]
    assert osc.counts.messages == 5


def test_a_dated_bundle_acts_at_its_time_and_blocks_nothing(osc, heard):
    bundle = OscBundleBuilder(clock.calendar() + 0.2)
    bundle.add_content(message("/livebend/seed", 2))
    with SimpleUDPClient(*osc.address) as client:
        client.send(bundle.build())
        client.send_message("/livebend/seed", 1)
        client.send_message("/livebend/panic", [])
    assert heard.take(2) == [Set("seed", 1), Panic()]
    assert heard.take(1) == [Set("seed", 2)]


def test_garbage_between_messages_is_survived(osc, heard):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for datagram in (b"", b"garbage", b"#bundle\0", b"/\xff\0\0", b"/livebend/panic\0"):
            client.sendto(datagram, osc.address)
    assert heard.take(1) == [Panic()]
    assert osc.counts.garbage == 4


def test_a_question_is_answered_at_the_reply_port(osc, returning):
    with SimpleUDPClient(*osc.address) as client:
        client.send_message("/livebend/seed", "?")
    answer = OscMessage(returning.recv(1024))
    assert (answer.address, answer.params) == ("/livebend/seed", [46])


def test_the_first_message_loads_nothing():
    """Or those that come meanwhile are lost: operators take seconds to load."""
    look = (
        "import sys; from livebend.control.osc import OscReader; from tests.fakes.desk import"
        " FakeDesk; from tests.fakes.osc import datagram; fake = FakeDesk();"
        " reader = OscReader(fake.desk); known = set(sys.modules);"
        " reader.receive(datagram('/livebend/bend/swirl/angle', 1.0));"
        " sys.exit(len(fake.commands) != 1 or bool(set(sys.modules) - known))"
    )
    command = [sys.executable, "-c", look]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_of_too_many_the_oldest_are_lost(monkeypatch):
    monkeypatch.setattr(limits, "BACKLOG", 1000)
    backlog, sender = Backlog(), Sender("x")
    lost = [backlog.add(b"%d" % i, sender, {})[0] for i in range(9)]
    assert lost == [0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert backlog.take() == (b"2", sender)
    assert backlog.add(b"x" * 2000, sender, {}) == (7, 0)
    assert len(backlog) == 0


def test_a_number_that_waits_gives_way_to_a_newer_one_of_its_sender():
    known, one, other = (
        numbers(tree_of(SCENE, Display.specs), FADER),
        Sender("x", 1),
        Sender("x", 2),
    )
    radius, play, panic = "/livebend/walk/radius", "/livebend/walk/radius/play", "/livebend/panic"
    seed, black, text = "/livebend/seed", "/livebend/output/blackout", "/livebend/prompt/text"
    sent = [
        (radius, 0.1, one), (seed, 5, one), (radius, 0.2, one), (play, 0.5, one),
        (radius, 0.3, other), (radius, 0.4, one), (radius, float("nan"), one), (radius, 0.6, one),
        (panic, 1, one), (radius, 0.7, one), (black, 1, one), (black, 0, one), (text, "x", one),
    ]  # fmt: skip
    backlog = Backlog()
    replaced = [backlog.add(datagram(a, v), who, known)[1] for a, v, who in sent]
    assert replaced == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    left = [backlog.take() for _ in range(len(backlog))]
    expected = [sent[3], sent[1], *sent[4:]]
    assert left == [(datagram(address, value), who) for address, value, who in expected]
    assert backlog.add(datagram(radius, 1.0), one, known) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1, width=32), st.booleans())))
def test_what_gave_way_would_have_changed_nothing(moves):
    addresses = (
        "/livebend/walk/radius", "/livebend/walk/radius/play", "/livebend/walk/period",
        "/livebend/panic", "/livebend/bend/swirl/angle/play", "/livebend/bend/*/angle",
    )  # fmt: skip
    known, backlog = numbers(tree_of(SCENE, {}), FADER), Backlog()
    sent = [(datagram(addresses[n], value), Sender("x", port)) for n, value, port in moves]
    for one, sender in sent:
        backlog.add(one, sender, known)
    left = [backlog.take() for _ in range(len(backlog))]
    assert played(left) == played(sent)


def played(datagrams):
    """The scene after some datagrams."""
    fake = FakeDesk(SCENE)
    reader = OscReader(fake.desk)
    for one, sender in datagrams:
        reader.receive(one, sender)
    scene = replace(SCENE, home=SCENE)
    for command in fake.commands:
        scene = command.apply(scene)
    return scene


SENDS = """
import random, socket, sys, time
from tests.fakes.osc import datagram
draw, rate, total = random.Random(1), int(sys.argv[2]), int(sys.argv[3])
heads = (b"", b"/", b"#bundle\\0")
junk = [heads[i % 3] + draw.randbytes(draw.randrange(4, 120)) for i in range(999)]
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", int(sys.argv[1])))
begin, sent = time.perf_counter(), 0
while sent < total:
    due = min(int((time.perf_counter() - begin) * rate), total)
    while sent < due:
        client.send(junk[sent % 999] if sent % 100 else datagram("/livebend/seed", sent))
        sent += 1
    time.sleep(0.001)
"""


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1500, 4000, 8000])
def test_no_message_is_lost_in_a_flood_of_junk_beside_a_busy_thread(osc, heard, rate):
    """The thread keeps up where another never lets go of the interpreter by itself."""
    stop, before = threading.Event(), sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # as in a show
    busy = threading.Thread(target=lambda: any(iter(stop.is_set, True)))
    busy.start()
    try:
        total = 3 * rate
        command = [sys.executable, "-c", SENDS, str(osc.address[1]), str(rate), str(total)]
        subprocess.run(command, check=True, cwd=ROOT)
        wait_for(lambda: heard.queue.given >= total // 100)
    finally:
        stop.set()
        busy.join()
        sys.setswitchinterval(before)
    assert heard.queue.given == total // 100


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools are not installed")
def test_oscsend_changes_the_scene(osc, heard):
    def oscsend(address, *arguments):
        host, port = osc.address
        subprocess.run(["oscsend", host, str(port), address, *arguments], check=True)

    oscsend("/livebend/prompt", "s", "neon tunnel")
    oscsend("/livebend/bend/swirl/angle", "f", "90")
    oscsend("/livebend/bend/swirl/mute", "T")
    oscsend("/livebend/seed", "h", "4000000000")
    oscsend("/LiveBend/walk/radius/", "d", "0.1")
    oscsend("/livebend/walk/radius", "f", "0.1")
    oscsend("/livebend/walk/period", "s", "12,5")
    oscsend("/livebend/bend/*/mask/{x,y}", "ff", "0.25", "0.75")
    oscsend("/livebend/prompt", "SS", "ocean", "waves")
    oscsend("/livebend/panic", "N")
    taken = heard.take(11)
    assert taken == [
        Set("prompt.text", "ocean waves"),
        Set("bend.swirl.angle", 90.0),
        Set("bend.swirl.mute", True),
        Set("seed", 4000000000),
        Set("walk.radius", 0.1),
        Set("walk.period", 12.5),
        Set("bend.swirl.mask.x", 0.25),
        Set("bend.swirl.mask.y", 0.75),
        Panic(),
    ]


def test_where_a_port_is_taken_the_next_free_one_is_used_and_said(osc):
    host, port = osc.address
    said = []
    with listen(host, port, said.append) as other:
        free = other.getsockname()[1]
    assert port < free < port + PORTS
    assert said == [f"OSC: port {port} is taken, perhaps by another livebend; here it is {free}"]


def test_an_address_that_is_not_here_is_refused():
    with pytest.raises(Refused, match=r"OSC on 192\.0\.2\.1:8000: .*; .*--osc"):
        listen("192.0.2.1", 8000)


@pytest.mark.parametrize(
    ("host", "allow", "said"),
    [
        (
            "127.0.0.1",
            (),
            "on this machine only (127.0.0.1:8000); for a tablet: --lan --osc-allow",
        ),
        ("::1", (), "on this machine only ([::1]:8000)"),
        ("localhost", ("10.0.0.1",), "on this machine only"),
        ("0.0.0.0", (), "anyone on the network may play this show (0.0.0.0:8000); --osc-allow"),
        ("0.0.0.0", ("10.0.0.1", "fd00::/8"), "listening at 0.0.0.0:8000 to 10.0.0.1, fd00::/8"),
    ],
)
def test_who_can_reach_a_port_is_said(host, allow, said):
    assert said in reach(host, 8000, allow)


@pytest.mark.parametrize(
    ("allow", "whom"),
    [((), "nobody else; --osc-allow ADDRESS lets a tablet in"), (("10.0.0.1",), "10.0.0.1")],
)
def test_a_tablet_is_told_where_to_send(allow, whom):
    said = reach("0.0.0.0", 8000, allow, here=["192.168.1.5", "fd00::5"])
    where = "192.168.1.5:8000 or [fd00::5]:8000"
    assert said == f"OSC: listening at {where}, to this machine and {whom}"


def test_a_port_for_connections_is_found_beside_one_that_is_taken():
    notices = []
    with listen(port=0, kind=socket.SOCK_STREAM) as taken:
        port = taken.getsockname()[1]
        with listen(
            "127.0.0.1", port, notices.append, what="remote", kind=socket.SOCK_STREAM
        ) as one:
            assert port < one.getsockname()[1] < port + PORTS
    assert notices[0].startswith(f"remote: port {port} is taken")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("0.0.0.0:9001", ("0.0.0.0", 9001)), ("8001", ("127.0.0.1", 8001)),
     (":8001", ("127.0.0.1", 8001)), ("[::1]:8000", ("::1", 8000))],
)  # fmt: skip
def test_an_endpoint_is_read(text, meant):
    assert endpoint(text) == meant


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "h:99999", "h:-1", "h:²"])
def test_a_bad_endpoint_is_refused(text):
    with pytest.raises(Refused, match="expected HOST:PORT"):
        endpoint(text)
