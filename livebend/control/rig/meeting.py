"""A leader met once before the show, and where what it plays on differs from what is here."""

import threading

from livebend.control.rig.messages import Opening
from livebend.control.rig.receiver import Receiver
from livebend.core import clock
from livebend.core.errors import Refused
from livebend.core.notify import Notify, ignore

MEETS = 5.0  # s that a leader may take to say what it plays on


def meet(leader: tuple[str, int], key: bytes, patience: float = MEETS) -> Opening:
    """Return what a leader, host and port, plays on; it is asked as a follower asks, and left.

    Raises: Refused where it is not there, has another key, or is silent for `patience` s.
    """
    found: list[Opening] = []
    said: list[str] = []
    over = threading.Event()

    def met(opening: Opening) -> None:
        found.append(opening)
        over.set()

    def failed(text: str) -> None:
        said.append(text.removeprefix("rig: "))
        over.set()

    notify: Notify = failed
    receiver = Receiver(leader, key, met=met, foreseen=ignore, now=clock.now, notify=notify)
    receiver.start()
    over.wait(patience)
    receiver.worker.stop(patience)
    if found:
        return found[0]
    raise Refused(said[0] if said else f"the leader at {receiver.name} does not answer")


def differences(ours: Opening, leaders: Opening) -> list[str]:
    """Return where this show differs from its leader, so that its frames may."""
    found = [
        f"{what}: {theirs}, here {own}"
        for what, theirs, own in (
            ("size", "x".join(map(str, leaders.size)), "x".join(map(str, ours.size))),
            ("made by", leaders.made, ours.made),
        )
        if theirs != own
    ]
    return found + [
        f"another {name}"
        for name, value in leaders.material.items()
        if ours.material.get(name) != value
    ]
