"""The door: who is heard, who may be let in by the operator, and that no message opens it."""

import socket

import pytest
from pythonosc.udp_client import SimpleUDPClient

from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.control import door as doors
from livebend.control.desk import Desk
from livebend.control.door import AGAIN, APART, ASKING, DECISIONS, Door
from livebend.control.key_actions import press
from livebend.control.osc import OscInput
from livebend.control.osc_endpoint import listen
from livebend.control.parameters import tree_of
from livebend.control.targets import check_target
from livebend.core import limits
from livebend.core.errors import LivebendError, Refused
from livebend.outputs.display import Display
from livebend.outputs.key_table import action
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import PATIENCE, datagram, wait_for
from tests.fakes.remote import serving
from tests.fakes.times import ManualTime

HOME = ["10.0.0.0/24"]
ONE, OTHER = "192.168.1.7", "192.168.1.8"


class Closed:
    """A door that is closed to strangers, with what it has said."""

    def __init__(self):
        self.said, self.time = list[str](), ManualTime()
        self.door = Door(HOME, self.said.append, keyed=True, now=self.time.now)

    def knock(self, host, *, after=0.0):
        self.time.moment += after
        return self.door.lets_in(host)


def test_a_stranger_is_named_once_and_comes_in_when_the_operator_says_so():
    at = Closed()
    assert at.knock("10.0.0.3")
    assert [at.knock(ONE, after=1.0) for _ in range(3)] == [False] * 3
    assert at.said == [
        f"{ONE} is turned away; key A lets it in, Shift A never; or --osc-allow {ONE} would let it"
        " in"
    ]
    assert at.door.decide("admit") == f"{ONE} is let in until the show ends"
    assert at.knock(ONE)
    assert not at.knock(OTHER)


def test_only_the_one_that_the_newest_notice_names_is_let_in():
    at = Closed()
    at.knock(ONE)
    for n in range(200):  # others push, from all the addresses that they like
        at.knock(f"192.168.2.{n}", after=0.1)
        at.knock(ONE)
    assert len(at.said) == 1
    at.door.decide("admit")
    assert at.knock(ONE)
    assert not at.knock("192.168.2.199")


def test_what_asks_no_more_is_not_let_in_and_makes_room_for_another():
    at = Closed()
    at.knock(ONE)
    at.time.moment += ASKING + 1.0
    with pytest.raises(Refused, match="no machine asks"):
        at.door.decide("admit")
    at.knock(OTHER)
    assert OTHER in at.said[-1]
    at.door.decide("admit")
    assert (at.knock(ONE), at.knock(OTHER)) == (False, True)


def test_what_is_dismissed_is_not_named_again_and_a_guest_may_be_too():
    at = Closed()
    at.knock(ONE)
    assert at.door.decide("dismiss") == f"{ONE} is turned away, and not named again"
    assert not at.knock(ONE, after=AGAIN + 1.0)
    at.knock(OTHER)
    at.door.decide("admit")
    assert at.knock(OTHER)
    at.door.decide("dismiss")  # nobody asks: the guest goes
    assert not at.knock(OTHER, after=AGAIN + 1.0)
    assert len(at.said) == 2
    with pytest.raises(Refused, match="no guests"):
        at.door.decide("dismiss")


def test_notices_are_rare_whatever_comes():
    at = Closed()
    for n in range(3000):
        at.knock(f"172.16.{n % 250}.{n // 250}", after=1.0)
        if n % 3 == 0 and at.door._asks:
            at.door.decide("dismiss")
    assert len(at.said) <= 3000 / APART + 1
    at = Closed()
    for _ in range(600):
        at.knock(ONE, after=1.0)
    assert len(at.said) <= 600 / AGAIN + 1


def test_guests_and_the_dismissed_are_bounded(monkeypatch):
    monkeypatch.setattr(doors, "REMEMBERED", 20)
    at = Closed()
    for n in range(limits.GUESTS):
        at.knock(f"172.16.0.{n}", after=APART)
        at.door.decide("admit")
    at.knock(ONE, after=APART)
    with pytest.raises(Refused, match=f"{limits.GUESTS} guests are here"):
        at.door.decide("admit")
    for n in range(50):
        at.knock(f"172.17.0.{n}", after=APART)
        at.door.decide("dismiss")
    assert len(at.door._dismissed) == 20


def test_without_keys_none_is_named():
    said = []
    Door(HOME, said.append).lets_in(ONE)
    assert said == [f"{ONE} is turned away; --osc-allow {ONE} would let it in"]


# ---- no message opens it


def test_it_is_a_key_of_the_window_alone():
    assert (action("a").name, action("a", shift=True).name) == DECISIONS
    tree = tree_of(DUB, Display.specs)
    for name in DECISIONS:
        assert not [address for address in tree.addresses if name in address]
        fake = FakeDesk()
        assert not press(fake.desk, name)
        with pytest.raises(LivebendError):
            check_target(name, Display.specs)
    assert not {"door", *DECISIONS} & set(Desk.__dataclass_fields__)


def test_a_guest_plays_and_hears_and_is_cut_off_when_it_is_dismissed():
    """127.0.0.1 is the stranger here."""
    said, fake = [], FakeDesk()
    door = Door(HOME, said.append, keyed=True)
    osc = OscInput(fake.desk, listen(port=0), door=door).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as his:
        his.bind(("127.0.0.1", 0))
        his.settimeout(PATIENCE)
        his.connect(osc.address)
        his.send(datagram("/livebend/seed", 1))
        wait_for(lambda: osc.counts.turned_away == 1)
        assert (fake.commands, len(said)) == ([], 1)
        door.decide("admit")
        with SimpleUDPClient(*osc.address) as client:
            client.send_message("/livebend/feedback", his.getsockname()[1])
        wait_for(lambda: bool(osc._reader.feedback.listeners))
        door.decide("dismiss")
        wait_for(lambda: not osc._reader.feedback.listeners)
        his.send(datagram("/livebend/seed", 2))
        wait_for(lambda: osc.counts.turned_away == 2)
    assert osc.stop()
    assert fake.commands == []


def test_the_remote_answers_a_guest_and_hangs_up_on_it():
    door = Door(HOME, keyed=True)

    async def talk(client):
        door.decide("dismiss")
        assert (await client.socket.receive(PATIENCE)).type.name in ("CLOSED", "CLOSE", "ERROR")

    with serving(door=door) as show:
        assert show.get("/livebend/seed")[0] == 403
        door.decide("admit")
        assert show.get("/livebend/seed")[0] == 200
        show.follow(talk)
        assert show.get("/livebend/seed")[0] == 403


def test_keys_decide_in_a_show(model_folder):
    options = LiveOptions(model=str(model_folder("turbo")), headless=True, osc_allow=HOME)
    show = LiveShow(options)
    show.decide("admit")
    show.door.lets_in(ONE)
    show.decide("admit")
    assert show.door.lets_in(ONE)
    said = [notice["text"] for notice in show.statistics.report()["notices"]]
    assert said == [
        "no machine asks to be let in",
        f"{ONE} is turned away; --osc-allow {ONE} would let it in",
        f"{ONE} is let in until the show ends",
    ]
