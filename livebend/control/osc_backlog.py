"""Datagrams that have come in and wait to be read."""

import math
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from pythonosc.parsing.osc_types import write_string

from livebend.control.osc_endpoint import Sender
from livebend.control.parameters import Tree
from livebend.core import limits
from livebend.scene.sides import POSITION

OVERHEAD = 128  # bytes that a waiting datagram takes besides its own
FLOAT, WHOLE = b",f\0\0", b",i\0\0"  # type tags of one number


@dataclass(slots=True)
class _Waiting:
    """A datagram, its sender, and the path of the number that it sets, "" for anything else."""

    datagram: bytes
    sender: Sender
    path: str


def numbers(tree: Tree, fader: str) -> Mapping[bytes, str]:
    """Return the paths of all numbers, by what a datagram that sets one begins with: its address,
    alone or with `fader` behind it; not that of the crossfader, around which order matters."""
    found: dict[bytes, str] = {}
    for parameter in tree.values():
        if parameter.spec.range is not None and parameter.path != POSITION:
            found[write_string(parameter.address)] = parameter.path
            if not parameter.is_setting:
                found[write_string(parameter.address + fader)] = parameter.path
    return found


class Backlog:
    """Datagrams that wait to be read, and their senders; of too many, the oldest are lost.

    A number takes the place of one that its sender has set at the same path meanwhile, as it would
    in the queue of commands, but before it costs anything; never across a datagram that is anything
    else, because order matters around it.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._numbers: dict[str, _Waiting] = {}  # that may be replaced, by path
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, datagram: bytes, sender: Sender, numbers: Mapping[bytes, str]) -> tuple[int, int]:
        """Add a datagram; return how many were lost for it, and how many it replaced."""
        path = numbers.get(datagram[:-8], "") if _is_number(datagram) else ""
        old = self._numbers.get(path) if path else None
        if old is not None and old.sender == sender:
            self._bytes += len(datagram) - len(old.datagram)
            old.datagram = datagram
            return 0, 1
        new = _Waiting(datagram, sender, path)
        if path:
            self._numbers[path] = new
        else:
            self._numbers.clear()
        self._waiting.append(new)
        self._bytes += len(datagram) + OVERHEAD
        lost = 0
        while self._bytes > limits.BACKLOG:
            self.take()
            lost += 1
        return lost, 0

    def take(self) -> tuple[bytes, Sender]:
        """Return the oldest."""
        oldest = self._waiting.popleft()
        if self._numbers.get(oldest.path) is oldest:
            del self._numbers[oldest.path]
        self._bytes -= len(oldest.datagram) + OVERHEAD
        return oldest.datagram, oldest.sender


def _is_number(datagram: bytes) -> bool:
    """Whether a message holds one number, and not NaN, which is refused."""
    tag = datagram[-8:-4]
    if tag == FLOAT:
        (value,) = struct.unpack(">f", datagram[-4:])
        return not math.isnan(value)
    return tag == WHOLE
