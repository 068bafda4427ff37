"""Lessons: which MIDI controls and which foreign OSC addresses play a parameter, as one."""

from contextlib import ExitStack, suppress

from livebend.control.desk import Learn, no_midi
from livebend.control.midi.midi_input import MidiInput
from livebend.control.osc_learnt import LearntAddresses
from livebend.core.errors import Refused


class Lessons:
    """What a desk asks to learn. Made before what learns, since that acts on the desk.

    midi: the input, or None where none is listened to.
    osc: the foreign addresses; nothing is asked before they are there.
    """

    def __init__(self) -> None:
        self.midi: MidiInput | None = None
        self.osc: LearntAddresses

    def learn(self, what: Learn) -> None:
        """Begin a lesson, or forget what plays a parameter. Raises: LivebendError."""
        midi, osc = self.midi, self.osc
        if what.by == "midi" and midi is None:
            no_midi(what)
        if what.by != "midi":
            (osc.forget if what.forget else osc.learn)(what.target)
        if midi is not None and what.by != "osc":
            with ExitStack() if what.by else suppress(Refused):  # a text: OSC alone plays it
                (midi.forget if what.forget else midi.learn)(what.target)

    def playing(self, path: str) -> list[str]:
        """Return what plays a parameter: controls of MIDI, and foreign OSC addresses."""
        return [*(self.midi.playing(path) if self.midi else ()), *self.osc.playing(path)]

    def waiting(self) -> str:
        """Return the parameter that waits for a control, or ""."""
        return (self.midi.waiting if self.midi else "") or self.osc.waiting

    def end_midi(self) -> None:
        """End the lesson of MIDI: an OSC address was learnt."""
        if self.midi is not None:
            self.midi.drop()
