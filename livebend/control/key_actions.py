"""What a key does: the window names an action, this table says what it means.

panic · undo · tap · blackout · freeze, and with the number of a slot: preset · store
"""

from livebend.control.desk import Desk, SetDisplay, Store, Tap, Wish, preset
from livebend.core.errors import LivebendError, OutOfRange, UnknownName
from livebend.scene.commands import Panic, Undo

ACTIONS: dict[str, Wish] = {
    "panic": Panic(),
    "undo": Undo(),
    "tap": Tap(),
    "blackout": SetDisplay("blackout"),
    "freeze": SetDisplay("freeze"),
}
SLOTTED = ("preset", "store")


def press(desk: Desk, action: str, slot: int | None = None) -> bool:
    """Do what the action says; False where it was refused, and the desk knows why. Any thread."""
    try:
        return _do(desk, action, slot)
    except LivebendError as why:
        desk.refuse(str(why))
        return False


def _do(desk: Desk, action: str, slot: int | None) -> bool:
    """Raises: UnknownName for an action, OutOfRange for a slot, PresetError."""
    if action in ACTIONS:
        return desk.send(ACTIONS[action])
    if action not in SLOTTED:
        raise UnknownName("action", action, (*ACTIONS, *SLOTTED))
    if slot is None:
        raise OutOfRange(f"{action}: expected a slot's number")
    return desk.send(preset(desk.bank, slot) if action == "preset" else Store(slot))
