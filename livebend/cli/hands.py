"""The hands of a show beside keys: OSC, MIDI devices, the band's own clock, and the remote."""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from livebend.cli.guarded import KEY
from livebend.cli.live_options import OFF
from livebend.cli.printing import print_notice
from livebend.control.band_clock import BandClock, Leader, LinkClock, MidiClock
from livebend.control.desk import Desk
from livebend.control.door import Door
from livebend.control.lessons import Lessons
from livebend.control.midi.midi_input import MidiInput
from livebend.control.midi.ports import Ports, RtMidiPorts
from livebend.control.osc import OscInput
from livebend.control.osc_endpoint import HOST, is_loopback, listen, place
from livebend.control.osc_endpoint import reach as reached_by
from livebend.control.osc_learnt import LearntAddresses, user_file
from livebend.core.clock import Time, now
from livebend.core.errors import Refused
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.status import Level
from livebend.core.watchdog import KeptWorker, OnFault, Term
from livebend.flow import Frame
from livebend.outputs.display import Display
from livebend.scene import presets

KeepGoing = Callable[[str, Callable[[Term], None]], KeptWorker]
if TYPE_CHECKING:
    from livebend.control.remote.server import Remote

THIS_MACHINE = ("127.0.0.0/8", "::1")


class Hands(NamedTuple):
    """What listens to hands, for who asks what it does."""

    midi: MidiInput | None
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
    ports: Callable[[], Ports] = RtMidiPorts,
    learnt: Callable[[], None] = lambda: None,
) -> Hands:
    """Start the threads that listen; `ending` stops them.

    keep_going: starts a part of the show that is started again where it fails.
    midi: "auto", "off", or a part of a device's name.
    link: whether to join an Ableton Link session.
    ports: opens the MIDI system.
    learnt: is called when a MIDI control is bound.
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
        played = MidiInput(
            ports, desk, notify, wanted=midi, timed=ticking.hear, learnt=learnt, now=time.now
        )
        workers.append(keep_going("midi", played.work))
    if leaders:
        band = BandClock(leaders, desk.give, desk.scene, notify)
        workers.append(keep_going("tempo", band.work))
    for worker in workers:
        ending.callback(worker.stop)
    return Hands(played, tuple(workers))


class Reach(NamedTuple):
    """Who may play a show by a network.

    osc: where OSC is received.
    allow: those who are heard; all if empty.
    here: with --lan, this machine's addresses; else empty.
    """

    osc: tuple[str, int]
    allow: Sequence[str] = ()
    here: Sequence[str] = ()

    @property
    def lan(self) -> bool:
        """Whether the network is let in."""
        return bool(self.here)


def opened_to(osc: tuple[str, int], allow: Sequence[str], *, lan: bool) -> Reach:
    """Return who may play. With `lan` OSC is received at all of this machine's addresses, from it
    and from whom `allow` names; nobody else. Raises: Refused."""
    if not lan:
        return Reach(osc, allow)
    try:
        from livebend.control.remote.announcing import addresses  # noqa: PLC0415 - imports ifaddr

        here = addresses()
    except ImportError as why:
        raise Refused(f"--lan: needs {why.name}: pip install {why.name}") from why
    if not here:
        raise Refused("--lan: this machine is in no network")
    host, port = osc
    known = (*allow, *THIS_MACHINE, *here)
    return Reach(("0.0.0.0" if is_loopback(host) else host, port), known, here)


def open_osc(
    ending: ExitStack,
    desk: Desk,
    listening: socket.socket,
    door: Door,
    lessons: Lessons,
    notify: Notify,
    on_fault: OnFault,
) -> OscInput:
    """Start to listen to OSC at a socket; `ending` stops it."""
    learnt = lessons.osc = LearntAddresses(desk, user_file(), notify, learnt=lessons.end_midi)
    osc = OscInput(desk, listening, door=door, learnt=learnt, on_fault=on_fault).start()
    ending.callback(osc.stop)
    return osc


def who_is_heard(reach: Reach, allow: Sequence[str]) -> tuple[str, Level]:
    """Return who can reach the port, those of --osc-allow among them, and how grave that is: a
    tablet that cannot, or a venue that can, is a surprise."""
    host, port = reach.osc
    is_open = not is_loopback(host) and not reach.allow
    return reached_by(host, port, allow, reach.here), "warning" if is_open else "info"


class Seen(NamedTuple):
    """What the remote shows of a show, and where it is shown itself.

    sites: where bends can act.
    masks: returns the names of the drawn masks.
    """

    display: Display
    frames: Latest[Frame | None]
    sites: Sequence[str]
    masks: Callable[[], Sequence[str]]


def open_remote(
    ending: ExitStack,
    desk: Desk,
    reach: Reach,
    door: Door,
    seen: Seen,
    notify: Notify,
    on_fault: OnFault,
) -> "Remote | None":
    """Start the remote at OSC's port number; `ending` stops it. With --lan it answers what the
    door lets in, else this machine alone. None, with a notice, where it cannot be had.

    The display shows where the page is and its code, and they are printed; no notice has the code,
    since notices go out to who listens.
    """
    host, port = reach.osc
    try:
        from livebend.control.remote.pairing import Pairing, key_from  # noqa: PLC0415
        from livebend.control.remote.server import Remote  # noqa: PLC0415 - takes 0.2 s
        from livebend.control.remote.site import Material  # noqa: PLC0415
        from livebend.control.remote.uploads import Uploads  # noqa: PLC0415

        at = host if reach.lan or is_loopback(host) else HOST
        listening = listen(at, port, notify, what="remote", kind=socket.SOCK_STREAM)
    except ImportError as why:
        notify(f"remote: needs {why.name}: pip install {why.name}")
        return None
    except Refused as why:
        notify(str(why))
        return None
    pairing = Pairing(now, key_from(os.environ.get(KEY, "")))
    uploads = Uploads(presets.user_folder() / presets.MASKS)
    material = Material(seen.frames, seen.sites, seen.masks, uploads)
    remote = Remote(
        desk, listening, osc_port=port, door=door if reach.lan else Door(THIS_MACHINE),
        lan=reach.lan, pairing=pairing, material=material, on_fault=on_fault,
    ).start()  # fmt: skip
    ending.callback(remote.stop)
    everywhere = [f"http://{place(one, remote.address[1])}" for one in reach.here or (at,)]
    whom = "to those whom OSC hears" if reach.lan else "on this machine only"
    notify(f"OSCQuery: {' or '.join(everywhere)}, {whom}")
    seen.display.remote = everywhere[0], pairing.code
    print_notice(f"remote: {everywhere[0]} in a browser, code {pairing.code}")
    return remote
