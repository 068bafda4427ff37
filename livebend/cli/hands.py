"""The hands of a show beside OSC and keys: MIDI devices, and the band's own clock."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from livebend.control.band_clock import BandClock, Leader, LinkClock, MidiClock
from livebend.control.desk import Desk
from livebend.control.midi.midi_input import MidiInput
from livebend.control.midi.ports import RtMidiPorts
from livebend.core.clock import Time
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.core.watchdog import KeptWorker, Term

KeepGoing = Callable[[str, Callable[[Term], None]], KeptWorker]
OFF = "off"


class Hands(NamedTuple):
    """What listens to hands, for who asks what it does."""

    midi: MidiInput | None
    band: BandClock
    workers: tuple[KeptWorker, ...]


def open_hands(
    ending: ExitStack,
    desk: Desk,
    time: Time,
    notify: Notify,
    keep_going: KeepGoing,
    *,
    midi: str,
    link: bool,
) -> Hands:
    """Start the threads that listen; `ending` stops them.

    keep_going: starts a part of the show that is started again where it fails.
    midi: "auto", "off", or a part of a device's name.
    link: whether to join an Ableton Link session.
    """
    leaders: dict[str, Leader] = {}
    workers: list[KeptWorker] = []
    if link:
        try:
            session = LinkClock(time.now)
            ending.callback(session.close)
            leaders["link"] = session
        except Refused as why:
            notify(str(why))
    played = None
    if midi.casefold() != OFF:
        ticking = leaders["midi"] = MidiClock(time.now)
        played = MidiInput(RtMidiPorts, desk, notify, wanted=midi, timed=ticking.hear, now=time.now)
        workers.append(keep_going("midi", played.work))
    band = BandClock(leaders, desk.give, desk.scene, notify)
    workers.append(keep_going("tempo", band.work))
    for worker in workers:
        ending.callback(worker.stop)
    return Hands(played, band, tuple(workers))
