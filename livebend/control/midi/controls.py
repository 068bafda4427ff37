"""The controls of MIDI devices: knobs, faders, pads, and what a message says of one.

A control is written `cc.1.19` (control change 19 on channel 1), `note.1.60`, `pitch.1` or
`program.1`.
Source: MIDI 1.0 Detailed Specification; Control Change 14-bit pairs are n and n + 32.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from livebend.core.errors import Refused, shown

Kind = Literal["cc", "note", "pitch", "program"]
Mode = Literal["absolute", "fine", "toggle", "hold", "twos", "offset", "sign"]
MODES: tuple[Mode, ...] = get_args(Mode)
RELATIVE: tuple[Mode, ...] = ("twos", "offset", "sign")
COARSE, FINE = 127, 16_383  # the largest values of 7 and 14 bits
PAIRED = 32  # control changes below it have their lower 7 bits at n + 32
SPELLED = re.compile(
    r"(?:(cc|note)\.(?:1[0-6]|[1-9])\.(?:12[0-7]|1[01]\d|\d\d?)|(pitch|program)\.(?:1[0-6]|[1-9]))"
)
NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PROGRAM_CHANGE, PITCH_WHEEL = 0x80, 0x90, 0xB0, 0xC0, 0xE0


@dataclass(frozen=True, slots=True, order=True)
class Control:
    """One knob, fader, pad or wheel: its kind, its channel 1..16, its number 0..127."""

    kind: Kind
    channel: int
    number: int = 0

    def __str__(self) -> str:
        numbered = f".{self.number}" if self.kind in ("cc", "note") else ""
        return f"{self.kind}.{self.channel}{numbered}"


class Moved(NamedTuple):
    """What a message says: `value` of 0..`most` at a control; a note's is its velocity, 0 when it
    is let go."""

    control: Control
    value: int
    most: int = COARSE

    @property
    def position(self) -> float:
        """The value as 0..1."""
        return self.value / self.most


def control_of(text: object) -> Control:
    """Read `cc.1.19`. Raises: Refused."""
    if not isinstance(text, str) or not SPELLED.fullmatch(text):
        raise Refused(
            f"control {shown(text)}: expected cc.CHANNEL.NUMBER, note.CHANNEL.NUMBER,"
            " pitch.CHANNEL or program.CHANNEL"
        )
    kind, *numbers = text.split(".")
    return Control(kind, *map(int, numbers))  # type: ignore[arg-type]


def moved(message: Sequence[int]) -> Moved | None:
    """Read the bytes of one message; None where it moves no control, or is not whole."""
    if not message or len(message) != (2 if message[0] & 0xF0 == PROGRAM_CHANGE else 3):
        return None
    status, channel, first = message[0] & 0xF0, (message[0] & 0x0F) + 1, message[1] & 0x7F
    last = message[-1] & 0x7F
    if status in (NOTE_ON, NOTE_OFF):
        return Moved(Control("note", channel, first), last if status == NOTE_ON else 0)
    if status == CONTROL_CHANGE:
        return Moved(Control("cc", channel, first), last)
    if status == PITCH_WHEEL:
        return Moved(Control("pitch", channel), first | last << 7, FINE)
    if status == PROGRAM_CHANGE:
        return Moved(Control("program", channel), first)
    return None


def message_to(control: Control, value: int) -> tuple[int, ...]:
    """Return the bytes that show a value 0..127 at a control: its ring, motor or light."""
    status = NOTE_ON if control.kind == "note" else CONTROL_CHANGE
    if control.kind == "pitch":
        return (PITCH_WHEEL | control.channel - 1, 0, value)
    return (status | control.channel - 1, control.number, value)


def steps(value: int, mode: Mode) -> int:
    """Return how far an endless encoder was turned, from a value as its `mode` counts: in two's
    complement, around 64, or with the sign in bit 6."""
    if mode == "twos":
        return value if value < 64 else value - 128
    if mode == "offset":
        return value - 64
    return value if value < 64 else 64 - value


class Pairs:
    """Joins the two halves of 14-bit control changes."""

    def __init__(self) -> None:
        self._upper: dict[Control, int] = {}

    def joined(self, event: Moved) -> Moved | None:
        """Return the 14-bit value of the pair to which a control change belongs, at its first
        control; None where there is no pair. An upper half alone means a lower one of 0."""
        control = event.control
        if control.kind != "cc" or control.number >= 2 * PAIRED:
            return None
        if control.number < PAIRED:
            self._upper[control] = event.value
            return Moved(control, event.value << 7, FINE)
        first = Control("cc", control.channel, control.number - PAIRED)
        if first not in self._upper:
            return None
        return Moved(first, self._upper[first] << 7 | event.value, FINE)


def mode_of(gesture: Sequence[Moved]) -> tuple[Control, Mode]:
    """Tell from a gesture, one or more events, which control was moved and how it counts.

    A knob with ends never sends the same value twice; an encoder without ends sends few, over and
    over: near 0 and 127 (two's complement), around 64 (offset), or near 0 and 64 (sign). Halves
    that arrive in turn are a pair of 14 bits.
    """
    first = gesture[0].control
    numbers = {event.control.number for event in gesture if event.control.kind == "cc"}
    if len(numbers) == 2 and max(numbers) - min(numbers) == PAIRED and min(numbers) < PAIRED:
        return Control("cc", first.channel, min(numbers)), "fine"
    values = [event.value for event in gesture if event.control == first]
    if first.kind != "cc" or len(values) < 3 or len(set(values)) == len(values):
        return first, "absolute"
    for mode, near in (("twos", (0, 128)), ("offset", (64,)), ("sign", (0, 64))):
        if all(min(abs(value - centre) for centre in near) < 8 for value in values):
            return first, mode  # type: ignore[return-value]
    return first, "absolute"
