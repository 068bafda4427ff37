"""How far back a frame hangs on frames that were painted before it.

Most frames hang on none: sound, followers, phases, prompts and cues are followed without painting.
A trail, a held walk, deep refresh and tweening hang on the last seconds; the echo, which goes
through the network again and again, on everything since a preset was loaded. So a show can be begun
in its middle with a pre-roll: frames that are painted and not shown.
"""

import math
from array import array
from typing import NamedTuple

from livebend.operators.feedback import feedback
from livebend.operators.library import find_operator
from livebend.scene.values import Bend, Scene

FADED = 7.0  # time constants after which 1/1000 is left of what was: a quarter of a level
BLOCKS = 4  # of held, deep or tweened frames until all of them began after the cut


class Past(NamedTuple):
    """What one frame keeps of the painted ones before it.

    seconds: the time constant with which they fade; 0 = at once, infinite = never.
    frames: how many are read besides.
    because: what keeps them, as a message names it.
    """

    seconds: float = 0.0
    frames: int = 0
    because: str = ""


def past_of(scene: Scene) -> Past:
    """Return what a frame of a scene, as its routes make it, keeps of those before it."""
    seconds, because = 0.0, ""
    for bend in scene.bends:
        if (fades := _fades(bend)) > 0.0:
            seconds, because = seconds + fades, because or f"bend.{bend.name}"
    if scene.picture.on and scene.echo.decay > 0.0:
        seconds, because = math.inf, "echo.decay"
    walk, reuse = scene.walk, scene.reuse
    held = walk.hold if walk.hold > 1 else 0
    made = reuse.deep * reuse.tween
    frames = BLOCKS * max(held, made if made > 1 else 0)
    return Past(seconds, frames, because or ("reuse" if frames else ""))


def _fades(bend: Bend) -> float:
    """The time constant of a bend's own past, in s: infinite where nobody knows it."""
    operator = find_operator(bend.operator)
    if "past" not in operator.given or bend.mute:
        return 0.0
    if operator.function is not feedback:
        return math.inf
    return float(bend.values.get("trail", operator.defaults["trail"]))


class PaintedPast:
    """The past of every frame of a film, to know where it can be cut."""

    def __init__(self) -> None:
        self._fading = array("d")  # time constants that pass in each frame
        self._frames = array("l")
        self._anew = array("b")
        self._because: dict[str, int] = {}  # what keeps the past for ever, and a frame of it

    def __len__(self) -> int:
        return len(self._fading)

    def add(self, past: Past, dt: float, *, anew: bool) -> None:
        """Add the next frame, `dt` s after the last; `anew` where it begins without a past, as
        after a preset."""
        if math.isinf(past.seconds):
            self._because.setdefault(past.because, len(self))
        self._fading.append(dt / past.seconds if past.seconds > 0.0 else math.inf)
        self._frames.append(past.frames)
        self._anew.append(anew)

    def preroll(self, frame: int, most: int) -> int | None:
        """Return how many frames before this one have to be painted so that it is as if all were;
        None where those are more than `most`."""
        if frame == 0 or self._anew[frame]:
            return 0
        wanted = max(self._frames[frame], self._frames[frame - 1])
        faded = self._fading[frame]
        for count in range(min(most, frame) + 1):
            begins = frame - count
            if count:
                faded += self._fading[begins]
            if begins == 0 or self._anew[begins] or (faded >= FADED and count >= wanted):
                return count
        return None

    @property
    def forever(self) -> dict[str, int]:
        """What keeps its past for ever, and the first frame that does."""
        return dict(self._because)
