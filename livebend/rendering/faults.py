"""Bends that failed: left out for a while, then eased in again. Owned by the render thread."""

from collections.abc import Sequence
from dataclasses import replace

from livebend.core.ranges import eased
from livebend.core.statistics import Statistics
from livebend.flow import Tick
from livebend.scene.values import Bend, Scene

LEFT_OUT = 2.0  # s without the bend
EASING = 1.0  # s in which its mix then rises again


class FaultyBends:
    """The bends that made values that are not finite, or whose operators raised."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self.returning: dict[str, float] = {}
        """By name, the moment in the time of the show, in s, at which each one comes back."""

    def leave_out(self, bends: Sequence[str], why: str, tick: Tick) -> None:
        """Play without these bends for LEFT_OUT s, and report why."""
        self._statistics.notice(f"{why}; left out for {LEFT_OUT:g} s", "warning")
        self.returning.update(dict.fromkeys(bends, tick.time + LEFT_OUT))

    def without(self, scene: Scene, tick: Tick) -> Scene:
        """Return the scene without the bends that are left out now, others on their way back."""
        back = {n: (tick.time - end) / EASING for n, end in self.returning.items()}
        self.returning = {n: end for n, end in self.returning.items() if back[n] < 1.0}
        if not self.returning:
            return scene
        return replace(scene, bends=tuple(_weakened(b, back.get(b.name, 1.0)) for b in scene.bends))


def _weakened(bend: Bend, back: float) -> Bend:
    """Return a bend muted while back ≤ 0, then with its mix rising until back = 1."""
    t = min(max(back, 0.0), 1.0)
    return replace(bend, mute=bend.mute or t == 0.0, mix=bend.mix * eased(t))
