"""The band's own clock: tempo and beat from Ableton Link or a MIDI clock, as commands.

What leads sets `tempo.bpm` and `tempo.beat_at`, like a hand would: so a show that followed a band
is in its cue file, and is rendered again without one. A tap, or a tempo that is set, leads where
neither is there; and without any of them, what is heard.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from livebend.core import clock
from livebend.core.errors import Refused, one_line
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.scene.commands import Command, Set
from livebend.scene.show_values import Tempo
from livebend.scene.values import Scene

PER_BEAT = 24  # ticks of a MIDI clock
KEPT = 2 * PER_BEAT  # ticks that the tempo is told from
ENOUGH = PER_BEAT  # ticks from which it is told
GONE = 1.0  # s without a tick, after which a MIDI clock has stopped
LOOK = 0.05  # s between looks at what leads
OFF_BEAT = 0.008  # s that a beat may be off before it is put right
OFF_BPM = 0.02  # bpm, likewise
JOIN_AFTER = 1.0  # s to joining a Link session: of two that began within 0.5 s either may win
TICK, START, CONTINUE, POSITION = 0xF8, 0xFA, 0xFB, 0xF2


class Led(NamedTuple):
    """A tempo, and a moment of the show, in s, with the first beat of a phrase."""

    bpm: float
    beat_at: float


class Leader(Protocol):
    """Something that may lead the tempo."""

    def led(self, tempo: Tempo) -> Led | None:
        """Return the tempo, its bars and phrases as in `tempo`; None where there is none now."""


class MidiClock:
    """A MIDI clock: 24 ticks a beat, and where its song begins. `hear` is for the driver's thread.

    The tempo and the beat are those of the straight line through the last two beats' ticks, since
    single ticks come a millisecond early or late.
    Source: MIDI 1.0, System Real Time messages and Song Position Pointer.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: s, on the clock of the show."""
        self._now, self._lock = now, threading.Lock()
        self._ticks: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self._next = 0  # the number of the next tick in the song

    def hear(self, message: Sequence[int], time: float) -> None:
        """Take a message that came at `time` s on the clock of the show."""
        with self._lock:
            if message[0] == TICK:
                if self._ticks and time - self._ticks[-1][1] > GONE:
                    self._ticks.clear()
                self._ticks.append((self._next, time))
                self._next += 1
            elif message[0] == START:
                self._begin(0)
            elif message[0] == POSITION and len(message) == 3:
                sixteenths = message[1] | message[2] << 7
                self._begin(sixteenths * PER_BEAT // 4)

    def led(self, tempo: Tempo) -> Led | None:
        """Return what the clock says; None before a beat of it, and when it has stopped."""
        with self._lock:
            ticks = tuple(self._ticks)
        if len(ticks) < ENOUGH or self._now() - ticks[-1][1] > GONE:
            return None
        numbers, times = np.array(ticks).T
        middle = numbers.mean()
        slope, at_middle = np.polyfit(numbers - middle, times, 1)
        if slope <= 0.0:
            return None
        phrase = tempo.bar * tempo.phrase * PER_BEAT
        first = (ticks[-1][0] // phrase) * phrase
        return Led(60.0 / (PER_BEAT * slope), float(at_middle + slope * (first - middle)))

    def _begin(self, tick: int) -> None:
        """Count from a place in the song on; what came before is of another."""
        self._next = tick
        self._ticks.clear()


class LinkClock:
    """An Ableton Link session, which this machine follows and never sets."""

    def __init__(self, now: Callable[[], float], session: Any = None) -> None:
        """
        now: s, on the clock of the show.
        session: a `link.Link`; None makes one.

        Raises: Refused where the package is missing or there is no network.
        """
        self._now = now
        try:
            self._session = _session() if session is None else session
        except ImportError as why:
            raise Refused(
                "Ableton Link: needs linkpython-extern: pip install 'livebend[link]'"
            ) from why
        except Exception as why:
            raise Refused(f"Ableton Link: {one_line(why)}") from why
        self._join_at = clock.now() + JOIN_AFTER

    @property
    def peers(self) -> int:
        """How many others are in the session."""
        return int(self._session.numPeers()) if self._session.enabled else 0

    def led(self, tempo: Tempo) -> Led | None:
        """Return the session's tempo and beat; None without others in it."""
        if not self._session.enabled and clock.now() >= self._join_at:
            self._session.enabled = True
        if not self.peers:
            return None
        state, micros = self._session.captureAppSessionState(), self._session.clock().micros()
        phrase = float(tempo.bar * tempo.phrase)
        phase = state.phaseAtTime(micros, phrase)
        bpm = float(state.tempo())
        return Led(bpm, self._now() - phase * 60.0 / bpm)

    def close(self) -> None:
        """Leave the session."""
        self._session.enabled = False


class BandClock:
    """Lets one source at a time lead the tempo; `work` is a Worker's body.

    leaders: what may lead, the first that is there before the next, by name.
    give: takes commands.
    scene: the newest scene.
    notify: is told who leads.
    """

    def __init__(
        self,
        leaders: dict[str, Leader],
        give: Callable[[Command], bool],
        scene: Latest[Scene],
        notify: Notify,
    ) -> None:
        self._leaders, self._give, self._scene, self._notify = leaders, give, scene, notify
        self._leads = ""

    def work(self, stop: threading.Event) -> None:
        """Follow until stopped."""
        while not stop.wait(LOOK):
            self.follow()

    def follow(self) -> None:
        """Put the tempo to what leads, where it is off."""
        tempo = self._scene.get().tempo
        name, led = self._leader(tempo)
        if name != self._leads:
            self._change(name, tempo)
        if led is not None:
            for command in _corrections(tempo, led):
                self._give(command)

    def _leader(self, tempo: Tempo) -> tuple[str, Led | None]:
        for name, leader in self._leaders.items():
            if tempo.source in ("auto", name) and (led := leader.led(tempo)) is not None:
                return name, led
        return "", None

    def _change(self, name: str, tempo: Tempo) -> None:
        """Say that another leads; where none does, go back to what is heard."""
        if name:
            self._notify(f"tempo: {TITLES.get(name, name)} leads")
        else:
            self._notify(f"tempo: {TITLES.get(self._leads, self._leads)} is gone")
            if tempo.source == "auto":
                self._give(Set("tempo.bpm", 0.0))
        self._leads = name


TITLES = {"link": "Ableton Link", "midi": "a MIDI clock"}


def _corrections(tempo: Tempo, led: Led) -> Iterable[Command]:
    """The commands that bring a tempo to what leads; none where it is near enough."""
    beat = 60.0 / led.bpm
    phrase = beat * tempo.bar * tempo.phrase
    off = (led.beat_at - tempo.beat_at + phrase / 2) % phrase - phrase / 2
    if abs(led.bpm - tempo.bpm) > OFF_BPM:
        yield Set("tempo.bpm", led.bpm)
        yield Set("tempo.beat_at", led.beat_at)
    elif abs(off) > OFF_BEAT:
        yield Set("tempo.beat_at", led.beat_at)


def _session() -> Any:
    import link  # noqa: PLC0415 - an extra, which may be missing

    return link.Link(120.0)
