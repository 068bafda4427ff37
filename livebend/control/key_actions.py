"""What a key does: the window gives the name of an action, and this table its meaning.

panic · undo · redo · tap · resync · half · double · learn · loop · blackout · freeze, and with a
slot: preset · cross · store
"""

from livebend.control.desk import Action, Automate, Desk, Learn, Retime, SetDisplay, Tap, preset
from livebend.core.errors import LivebendError, OutOfRange, UnknownName
from livebend.scene.commands import Panic, Redo, Store, Undo

ACTIONS: dict[str, Action] = {
    "panic": Panic(),
    "undo": Undo(),
    "redo": Redo(),
    "tap": Tap(),
    "resync": Retime("resync"),
    "half": Retime("half"),
    "double": Retime("double"),
    "learn": Learn(),
    "loop": Automate(),
    "blackout": SetDisplay("blackout"),
    "freeze": SetDisplay("freeze"),
}
SLOTTED = {  # the trigger that does the same with a slot
    "preset": "preset.recall", "cross": "crossfade.to", "store": "preset.store",
}  # fmt: skip


def press(desk: Desk, action: str, slot: int | None = None) -> bool:
    """Do an action; False if it was refused, of which the desk warns. Any thread."""
    try:
        return _do(desk, action, slot)
    except LivebendError as why:
        desk.warn(str(why))
        return False


def _do(desk: Desk, action: str, slot: int | None) -> bool:
    """Raises: UnknownName for an action, OutOfRange for a slot, PresetError."""
    if action in ACTIONS:
        return desk.send(ACTIONS[action])
    if action not in SLOTTED:
        raise UnknownName("action", action, (*ACTIONS, *SLOTTED))
    if slot is None:
        raise OutOfRange(f"{action}: expected a slot's number")
    if action == "store":
        return desk.send(Store(slot))
    return desk.send(preset(desk.bank, slot, other=action == "cross"))
