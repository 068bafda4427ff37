"""A governor: keeps the frame time under a target by stepping through tiers of lighter frames.

It has no clock and changes nothing itself: it reads frame times and chooses the tier to play. Tier
0 is the scene as it is; each further one costs less. It acts live only, never offline.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from livebend.rendering.reuse import labels
from livebend.scene.values import Reuse, Scene

SCALE = 0.75  # of either side of a smaller picture: a little more than half of the work
REUSED = 2  # frames: how often a tier lets the network paint, and its deep stages be refreshed


@dataclass(frozen=True, slots=True)
class Tier:
    """A lighter way to paint.

    `steps` network calls at most, and no guidance unless `guided`.
    The network paints every `tween` frames, and refreshes its deep stages every `deep` of those.
    `small`: painted at SCALE of the size, and enlarged.
    An engine that was prepared has seen all these shapes, so nothing is compiled at a new tier.
    """

    steps: int
    guided: bool = True
    deep: int = 1
    tween: int = 1
    small: bool = False

    def __str__(self) -> str:
        parts = [f"{self.steps} step{'s' if self.steps != 1 else ''}"]
        parts += [f"{SCALE:g} of the size"] if self.small else []
        parts += ["no guidance"] if not self.guided else []
        return ", ".join((*parts, *labels(self.apply(Scene()))))

    def apply(self, scene: Scene) -> Scene:
        """Return the scene as this tier plays it."""
        sampling = replace(scene.sampling, steps=self.steps)
        sampling = sampling if self.guided else replace(sampling, guidance=1.0)
        reuse = replace(scene.reuse, deep=self.deep, tween=self.tween)
        return replace(scene, sampling=sampling, reuse=reuse)


def tiers(
    steps: int, *, guided: bool = False, deep: int = 1, tween: int = 1, small: bool = False
) -> tuple[Tier, ...]:
    """Return the tiers of a scene, the least visible loss first: tween, deep refresh, half the
    steps down to one, size where there is a `small` one, guidance.

    The arguments are the scene's own: see `Tier`.

    >>> [str(tier) for tier in tiers(2, guided=True)][:3]
    ['2 steps', '2 steps, tween 1/2', '2 steps, deep refresh 1/2, tween 1/2']
    >>> [str(tier) for tier in tiers(2, guided=True)][3:]
    ['1 step, deep refresh 1/2, tween 1/2', '1 step, no guidance, deep refresh 1/2, tween 1/2']
    """
    made = [Tier(steps, deep=deep, tween=tween)]
    lighter: list[dict[str, Any]] = [{"tween": max(tween, REUSED)}, {"deep": max(deep, REUSED)}]
    while steps > 1:
        steps //= 2
        lighter.append({"steps": steps})
    lighter += [{"small": True}] if small else []
    lighter += [{"guided": False}] if guided else []
    for change in lighter:
        tier = replace(made[-1], **change)
        made += [tier] if tier != made[-1] else []
    return tuple(made)


class Governor:
    """Chooses a tier from frame times. Owned by the render thread.

    After `window` frames whose 95th percentile is above the target it steps down by one tier; or
    already where the median of the last SOON is: a show that a neighbour slows down is lighter
    within a second. It steps up when the 95th percentile has stayed below `room` (0..1) of the
    target for `patience` windows; a step up that had to be taken back doubles the patience, up to
    LONGEST windows, so that it does not hunt up and down for the rest of the show.
    """

    LONGEST = 16
    SOON, FEW = 800.0, 4  # ms, frames

    def __init__(
        self,
        target_ms: float,
        tiers: int,
        *,
        window: int = 40,
        room: float = 0.6,
        patience: int = 2,
    ) -> None:
        """`target_ms` is what 95 of 100 frames may take; `tiers` is their number."""
        self.target_ms, self.tiers = target_ms, tiers
        self.tier = 0
        self._window, self._room, self._patience = window, room, patience
        self._recent: deque[float] = deque(maxlen=window)
        self._calm = 0  # windows in a row with room to spare
        self._rose = False  # whether the last step was upwards

    def feed(self, frame_ms: float) -> int:
        """Take the time of one frame and return the tier of the next."""
        self._recent.append(frame_ms)
        if len(self._recent) < self._window:
            if frame_ms > self.target_ms and self._is_slow_of_late():
                self._recent.clear()
                self._step_down()
            return self.tier
        p95 = float(np.percentile(self._recent, 95))
        self._recent.clear()
        if p95 > self.target_ms:
            self._step_down()
        elif p95 < self._room * self.target_ms:
            self._wait_and_step_up()
        else:
            self._calm = 0
        return self.tier

    def _is_slow_of_late(self) -> bool:
        taken, count = 0.0, 0
        for ms in reversed(self._recent):
            taken, count = taken + ms, count + 1
            if taken >= self.SOON and count >= self.FEW:
                return bool(np.median([*self._recent][-count:]) > self.target_ms)
        return False

    def _step_down(self) -> None:
        if self._rose:
            self._patience = min(2 * self._patience, self.LONGEST)
        self._calm, self._rose = 0, False
        self.tier = min(self.tier + 1, self.tiers - 1)

    def _wait_and_step_up(self) -> None:
        self._calm += 1
        if self._calm >= self._patience and self.tier > 0:
            self._calm, self._rose = 0, True
            self.tier -= 1


class SceneGovernor:
    """A governor of scenes: `before` and `after` each frame. Owned by the render thread."""

    def __init__(self, target_ms: float, native_steps: int, *, small: bool = False) -> None:
        """`native_steps` is what a scene's 0 steps mean; `small` is whether there is a smaller size
        to paint at."""
        self._target_ms, self._native, self._has_small = target_ms, native_steps, small
        self._costs: tuple[int, bool, Reuse] | None = None
        self._tiers: Sequence[Tier] = ()
        self._governor = Governor(target_ms, 1)

    def before(self, scene: Scene) -> Scene:
        """Return the scene as it is to be painted now. One whose steps, guidance or reuse differ
        from the last begins at its own tier 0."""
        steps, guided = scene.sampling.steps or self._native, scene.sampling.guidance > 1.0
        reuse = scene.reuse
        if (steps, guided, reuse) != self._costs:
            self._costs = (steps, guided, reuse)
            self._tiers = tiers(
                steps,
                guided=guided,
                deep=reuse.deep,
                tween=reuse.tween,
                small=self._has_small,
            )
            self._governor = Governor(self._target_ms, len(self._tiers))
        tier = self._governor.tier
        return scene if tier == 0 else self._tiers[tier].apply(scene)

    @property
    def small(self) -> bool:
        """Whether the next frame is to be painted at the smaller size."""
        return self._tiers[self._governor.tier].small

    def after(self, frame_ms: float) -> str:
        """Take a frame's time; return a notice where the tier changes, else ""."""
        before = self._governor.tier
        tier = self._governor.feed(frame_ms)
        if tier == before:
            return ""
        return f"{self._target_ms:g} ms a frame: playing at {self._tiers[tier]}"
