"""What a control of MIDI or OSC may be bound to: an action, a setting of the display, a parameter.

    panic · undo · tap · blackout · freeze · preset.1 · cross.1 · store.1 · output.brightness
    walk.radius · bend.swirl.angle · bend.@1.main

`@1` is the first bend (or route) of the scene, whatever it is called, and `main` its operator's
main parameter, so that a profile fits every preset. Where a scene has fewer, the control does
nothing.
"""

import re
from collections.abc import Mapping

from livebend.control.key_actions import ACTIONS, SLOTTED
from livebend.control.parameters import OUTPUT
from livebend.core import limits
from livebend.core.errors import Refused, UnknownName, shown
from livebend.core.specs import Spec
from livebend.operators.library import find_operator
from livebend.scene import paths
from livebend.scene.values import Scene

GESTURE = 0.6  # s of moving a control that is learnt, from which it is told what it sends
ENOUGH = 6  # messages of a gesture that are enough
SPELLED = re.compile(r"[a-z0-9_@.-]{1,200}")
MAIN = "main"


def check_target(text: object, output: Mapping[str, Spec]) -> str:
    """Return a target as it is written. Raises: Refused, UnknownName where no scene can have it."""
    if not isinstance(text, str) or not SPELLED.fullmatch(text):
        raise Refused(f"target {shown(text)}: expected an action or a path, as bend.@1.main")
    head, _, rest = text.partition(".")
    if head == OUTPUT and rest not in output:
        raise UnknownName("display setting", rest, output)
    slots = {str(slot) for slot in range(1, limits.SLOTS + 1)}
    if head in SLOTTED and rest.isdigit() and rest not in slots:
        raise Refused(f"target {text}: expected a slot 1..{limits.SLOTS}")
    known = (*ACTIONS, *SLOTTED, OUTPUT, "seed", "bend", "route", "lora", "loop", *Scene.GROUPS)
    if head not in known:
        raise UnknownName("target", text, known)
    return text


def checked_target(text: str, scene: Scene, output: Mapping[str, Spec]) -> str:
    """Return a target that a control can play now. Raises: LivebendError."""
    target = check_target(text, output)
    if is_parameter(target):
        if (path := path_in(scene, target)) is None:
            raise Refused(f"{target}: this scene has not so many")
        paths.find(scene, path)
    return target


def slot_of(target: str) -> tuple[str, int] | None:
    """Return ("preset", "cross" or "store", and the slot) of such a target."""
    head, _, rest = target.partition(".")
    return (head, int(rest)) if head in SLOTTED and rest.isdigit() else None


def is_parameter(target: str) -> bool:
    """Whether a target is a parameter of the scene: no action, and no setting of the display."""
    return not (target.startswith(f"{OUTPUT}.") or target in ACTIONS or slot_of(target))


def path_in(scene: Scene, target: str) -> str | None:
    """Return the path in a scene of a target that is a parameter; None where the scene has fewer
    bends or routes than it counts."""
    head, at, rest = target.partition(".@")
    if not at:
        return target
    number, _, leaf = rest.partition(".")
    parts = scene.bends if head == "bend" else scene.routes
    if not number.isdigit() or not 1 <= int(number) <= len(parts):
        return None
    part = parts[int(number) - 1]
    if leaf == MAIN:
        main = find_operator(scene.bends[int(number) - 1].operator).main if head == "bend" else None
        leaf = main.name if main is not None else "mix" if head == "bend" else "gain"
    return f"{head}.{part.name}.{leaf}"
