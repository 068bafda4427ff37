"""The band's own clock: MIDI clocks with jitter, Ableton Link with real peers, who leads."""

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.control.band_clock import (
    CONTINUE,
    POSITION,
    START,
    TICK,
    BandClock,
    Led,
    LinkClock,
    MidiClock,
)
from livebend.core.errors import Refused
from livebend.core.mailbox import Latest
from livebend.scene.commands import Set
from livebend.scene.show_values import Tempo
from livebend.scene.values import Scene

PHRASE = Tempo()


class Ticking:
    """A MIDI clock with a sender whose ticks come up to `jitter` s early or late."""

    def __init__(self, bpm: float, jitter: float = 0.0, start: float = 10.0) -> None:
        self.time, self.bpm = start, bpm
        self.clock = MidiClock(lambda: self.time)
        self._random, self._jitter = random.Random(1), jitter

    def send(self, ticks: int) -> None:
        for _ in range(ticks):
            off = self._random.uniform(-self._jitter, self._jitter)
            self.clock.hear((TICK,), self.time + off)
            self.time += 60.0 / self.bpm / 24


def test_a_midi_clock_gives_tempo_and_the_beginning_of_its_song():
    sender = Ticking(128.0)
    sender.clock.hear((START,), sender.time)
    sender.send(20)
    assert sender.clock.led(PHRASE) is None  # not yet
    sender.send(200)
    bpm, beat_at = sender.clock.led(PHRASE)
    assert bpm == pytest.approx(128.0)
    assert beat_at == pytest.approx(10.0)


@given(st.floats(60, 200))
def test_jitter_of_the_wire_is_taken_out(bpm):
    sender = Ticking(bpm, jitter=0.002)
    sender.send(24 * 40)  # past the phrase of 32 beats
    led = sender.clock.led(PHRASE)
    assert led.bpm == pytest.approx(bpm, rel=0.004)
    assert led.beat_at == pytest.approx(10.0 + 32 * 60 / bpm, abs=0.01)


def test_a_clock_that_stops_leads_no_more_and_goes_on_where_its_song_is():
    sender = Ticking(120.0)
    sender.send(60)
    sender.time += 1.5
    assert sender.clock.led(PHRASE) is None
    sender.clock.hear((POSITION, 16, 0), sender.time)  # the second bar: 16 sixteenths
    sender.clock.hear((CONTINUE,), sender.time)
    begin = sender.time
    sender.send(30)
    assert sender.clock.led(PHRASE).beat_at == pytest.approx(begin - 4 * 0.5)


class Given:
    """A leader that says what it is given."""

    def __init__(self, led: Led | None) -> None:
        self.says = led

    def led(self, tempo: Tempo) -> Led | None:
        return self.says


class Show:
    """A band's clock on a scene that follows."""

    def __init__(self, **leaders: Given) -> None:
        self.scene, self.given, self.said = Latest(Scene()), list[Set](), list[str]()
        self.band = BandClock(leaders, self._give, self.scene, self.said.append)

    def _give(self, command: Set) -> bool:
        self.given.append(command)
        self.scene.put(command.apply(self.scene.get()))
        return True

    def follow(self) -> list[tuple[str, float]]:
        before = len(self.given)
        self.band.follow()
        return [(c.path, c.value) for c in self.given[before:]]


def test_the_first_that_is_there_leads_and_is_followed_where_it_is_off():
    link, midi = Given(None), Given(Led(120.0, 1.0))
    show = Show(link=link, midi=midi)
    assert show.follow() == [("tempo.bpm", 120.0), ("tempo.beat_at", 1.0)]
    assert show.follow() == []
    midi.says = Led(120.01, 1.004)
    assert show.follow() == []  # near enough
    midi.says = Led(120.0, 17.02)  # a phrase later, 20 ms off
    assert show.follow() == [("tempo.beat_at", 17.02)]
    link.says = Led(90.0, 2.0)
    assert show.follow() == [("tempo.bpm", 90.0), ("tempo.beat_at", 2.0)]
    assert show.said == ["tempo: a MIDI clock leads", "tempo: Ableton Link leads"]
    link.says = midi.says = None
    assert show.follow() == [("tempo.bpm", 0.0)]  # what is heard
    assert show.said[-1] == "tempo: Ableton Link is gone"


def test_only_what_is_chosen_leads():
    show = Show(link=Given(Led(90.0, 1.0)), midi=Given(Led(120.0, 1.0)))
    for source, followed in {"midi": 120.0, "tap": 100.0, "heard": 100.0, "link": 90.0}.items():
        show.given.clear()
        show._give(Set("tempo.bpm", 100.0))
        show._give(Set("tempo.source", source))
        show.follow()
        assert show.scene.get().tempo.bpm == followed


class FakeSession:
    """A Link session with one other."""

    def __init__(self, peers: int = 1) -> None:
        self.enabled, self.peers, self.was = False, peers, list[bool]()

    def numPeers(self) -> int:  # noqa: N802 - the library's name
        return self.peers

    def captureAppSessionState(self) -> "FakeSession":  # noqa: N802
        return self

    def clock(self) -> "FakeSession":
        return self

    def micros(self) -> int:
        return 0

    def phaseAtTime(self, micros: int, quantum: float) -> float:  # noqa: N802
        return quantum / 4

    def tempo(self) -> float:
        return 120.0


def test_a_session_is_joined_later_and_only_followed(monkeypatch):
    times = iter([0.0, 0.6, 1.2, 1.8])
    monkeypatch.setattr("livebend.control.band_clock.clock.now", lambda: next(times))
    session = FakeSession()
    link = LinkClock(lambda: 50.0, session)
    assert link.led(PHRASE) is None
    assert not session.enabled
    assert link.led(PHRASE) == Led(120.0, 50.0 - 8 * 0.5)  # a quarter of 32 beats ago
    session.peers = 0
    assert link.led(PHRASE) is None
    link.close()
    assert not session.enabled


def test_without_the_package_the_line_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "link", None)
    with pytest.raises(Refused, match="pip install"):
        LinkClock(lambda: 0.0)


def test_two_real_peers_agree_and_ours_sets_nothing():
    link = pytest.importorskip("link")
    from livebend.core.clock import now  # noqa: PLC0415 - only here

    other = link.Link(97.0)
    other.enabled = True
    ours = LinkClock(now)
    try:
        led = next((led for _ in range(120) if (led := _patiently(ours)) is not None), None)
        if led is None:
            pytest.skip("no network that two peers can meet in")
        assert led.bpm == pytest.approx(97.0)
        assert other.captureSessionState().tempo() == pytest.approx(97.0)
        phase = other.captureSessionState().phaseAtTime(other.clock().micros(), 32.0)
        assert (now() - led.beat_at) * 97.0 / 60.0 % 32.0 == pytest.approx(phase, abs=0.1)
    finally:
        ours.close()
        other.enabled = False


def _patiently(ours: LinkClock) -> Led | None:
    """Wait for the network a little, as `led` does not."""
    threading.Event().wait(0.05)
    return ours.led(PHRASE)
