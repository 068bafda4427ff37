"""Work that can be spread over frames: a generator that yields how much it has just done."""

from collections.abc import Generator
from typing import Generic, TypeVar

T = TypeVar("T")
Work = Generator[float, None, T]  # yields work in the unit of `Stage.work`


def done(work: Work[T]) -> T:
    """Do all of the work; return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class AheadWork(Generic[T]):
    """Work that is done a part at a time."""

    def __init__(self, work: Work[T], whole: float) -> None:
        """`whole` is about the sum of what the work yields."""
        self._work, self._whole, self._done = work, whole, 0.0
        self._ended = False
        self._result: T | None = None

    def until(self, fraction: float) -> None:
        """Go on until this fraction (0..1) of the work is done; 1 is all, whatever its sum."""
        while not self._ended and (fraction >= 1.0 or self._done < fraction * self._whole):
            try:
                self._done += next(self._work)
            except StopIteration as end:
                self._ended, self._result = True, end.value

    def result(self) -> T:
        """Do what is left and return the result."""
        self.until(1.0)
        return self._result  # type: ignore[return-value]
