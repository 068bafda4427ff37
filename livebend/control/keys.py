"""What a key does: the window names an action, this table says what it means.

panic · undo · tap · blackout · freeze · preset N · store N
"""

from livebend.control.desk import Desk, Show, Tap, preset
from livebend.core.errors import LivebendError, OutOfRange, UnknownName
from livebend.scene.commands import Command, Panic, Undo

ACTIONS: dict[str, Command | Show | Tap] = {
    "panic": Panic(),
    "undo": Undo(),
    "tap": Tap(),
    "blackout": Show("blackout"),
    "freeze": Show("freeze"),
}
SLOTTED = ("preset", "store")


def press(desk: Desk, action: str) -> bool:
    """Do what the action says; False where it was refused, and the desk knows why. Any thread."""
    try:
        wish = read(desk, action)
        return wish is None or desk.send(wish)
    except LivebendError as why:
        desk.refuse(str(why))
        return False


def read(desk: Desk, action: str) -> Command | Show | Tap | None:
    """Return what the action asks for; None where it is done already (a scene stored).

    Raises: UnknownName for an action, OutOfRange for a slot, PresetError.
    """
    word, _, slot = action.partition(" ")
    if action in ACTIONS:
        return ACTIONS[action]
    if word not in SLOTTED:
        raise UnknownName("action", action, [*ACTIONS, *(f"{word} N" for word in SLOTTED)])
    if not (slot.isascii() and slot.isdigit()):
        raise OutOfRange(f"{action}: expected {word} and a slot's number")
    if word == "preset":
        return preset(desk.bank, int(slot))
    desk.bank.store(int(slot), desk.scene.get())
    return None
