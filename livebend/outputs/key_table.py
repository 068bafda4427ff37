"""Keys of the window: one table, from which both the actions and the help on screen come."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """An action and the keys that start it."""

    chords: tuple[str, ...]  # with SDL's names of keys; "digit" = 1 to 9
    action: str
    doc: str
    label: str  # the chords as the help shows them


@dataclass(frozen=True, slots=True)
class Action:
    """What a key press means."""

    name: str
    argument: int | None = None  # the digit that was pressed, or the slot


KEYS = (
    Key(("f", "f11"), "fullscreen", "full screen on and off", "F  F11"),
    Key(("escape",), "leave", "leave full screen", "Esc"),
    Key(("b",), "blackout", "black on and off", "B"),
    Key(("space",), "freeze", "hold the picture", "Space"),
    Key(("p",), "panic", "back to the preset as it was loaded", "P"),
    Key(("u",), "undo", "take the last change back", "U"),
    Key(("shift+u",), "redo", "what U took back, again", "Shift U"),
    Key(("t",), "tap", "tap the tempo", "T"),
    Key(("shift+t",), "resync", "the nearest beat begins a phrase", "Shift T"),
    Key(("digit",), "preset", "recall a preset", "1 – 9"),
    Key(("ctrl+digit",), "cross", "preset on the other side", "Ctrl 1 – 9"),
    Key(("shift+digit",), "store", "store the scene as a preset", "Shift 1 – 9"),
    Key(("d",), "display", "picture to the next display", "D"),
    Key(("r",), "record", "begin and end a film", "R"),
    Key(("l",), "learn", "the parameter touched last learns a control", "L"),
    Key(("shift+l",), "loop", "four bars of it, looped", "Shift L"),
    Key(("a",), "admit", "let in the machine that asks", "A"),
    Key(("shift+a",), "dismiss", "turn it, or the last guest, away", "Shift A"),
    Key(("m",), "meters", "operator's view on and off", "M"),
    Key(("f1",), "help", "this list", "F1"),
    Key(("ctrl+q", "meta+q"), "close", "end the show", "Ctrl Q"),
)

_BY_CHORD = {chord: key.action for key in KEYS for chord in key.chords}


def action(
    name: str, *, shift: bool = False, ctrl: bool = False, meta: bool = False
) -> Action | None:
    """Return the action of a key, by its SDL name; None without one."""
    digit = int(name) if name in tuple("123456789") else None
    held = [word for word, on in (("ctrl", ctrl), ("meta", meta), ("shift", shift)) if on]
    found = _BY_CHORD.get("+".join([*held, name if digit is None else "digit"]))
    return None if found is None else Action(found, digit)
