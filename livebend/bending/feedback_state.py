"""What operators take besides the tensor of their site.

What a bend made in the last frame is kept here, so that the operator itself stays a pure function.
A computation that reads it has the number of the frame in its key, so it is never taken from the
memory of another frame. Owned by one thread.
"""

from collections.abc import Hashable

import torch
from torch import Tensor

from livebend.device.memory import Versioned
from livebend.operators.library import find_operator
from livebend.operators.registry import Past
from livebend.scene.values import Bend

Given = dict[str, Past | Tensor | None]
Where = tuple[str, Hashable]
Made = dict[Where, Tensor]


class FeedbackState:
    """The outputs of bends whose operators take their past, from one frame to the next."""

    def __init__(self) -> None:
        self._last: Made = {}
        self._made: Made = {}
        self._frame = 0
        self._seconds = 0.0
        self.toward: Versioned | None = None

    def advance(self, seconds: float) -> None:
        """Begin a frame, `seconds` after the last: what bends made in that is now the past."""
        self._last, self._made = self._made, {}
        self._frame, self._seconds = self._frame + 1, seconds

    def forget(self) -> None:
        """Begin anew: after a preset, a panic, or values that were not finite."""
        self._last, self._made = {}, {}

    @property
    def made(self) -> Made:
        """What bends made in the last frame; setting it has them go on from there."""
        return self._made

    @made.setter
    def made(self, made: Made) -> None:
        self._last, self._made = {}, made

    def given(self, bend: Bend, where: Hashable, x: Tensor) -> tuple[Given, Hashable]:
        """Return what the bend's operator takes besides x, and a key for it."""
        names = find_operator(bend.operator).given
        if not names:
            return {}, ()
        given: Given = {}
        key: list[Hashable] = []
        if "past" in names:
            last = self._last.get((bend.name, where))
            known = last is not None and last.shape == x.shape
            given["past"] = Past(last, self._seconds) if last is not None and known else None
            key.append(self._frame if known else None)
        if "toward" in names:
            given["toward"] = None if self.toward is None else _rows(self.toward.tensor, x)
            key.append(None if self.toward is None else self.toward.version)
        return given, tuple(key)

    def keep(self, bend: Bend, where: Hashable, made: Tensor) -> None:
        """Remember what a bend made, if its operator takes its past."""
        if "past" in find_operator(bend.operator).given:
            self._made[bend.name, where] = made


def _rows(toward: Tensor, x: Tensor) -> Tensor:
    """The step for every row of x: under guidance the negative prompt comes first, and stays."""
    away = toward.new_zeros(x.shape[0] - toward.shape[0], *toward.shape[1:])
    return torch.cat((away, toward))
