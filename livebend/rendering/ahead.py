"""Work that is spread over frames: a generator that says what it has done, and how far it is."""

from collections.abc import Generator
from typing import Generic, TypeVar

T = TypeVar("T")
Work = Generator[float, None, T]  # yields what it has done, in the unit of `Stage.work`


def done(work: Work[T]) -> T:
    """Do all of a work; return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class AheadWork(Generic[T]):
    """Work that is done a share at a time; `result` when all of it is done."""

    def __init__(self, work: Work[T], whole: float) -> None:
        """`whole` is about the sum of what the work yields."""
        self._work, self._whole, self._done = work, whole, 0.0
        self._ended = False
        self._result: T | None = None

    def until(self, share: float) -> None:
        """Go on until this share (0..1) of the work is done; 1 is all of it, whatever its sum."""
        while not self._ended and (share >= 1.0 or self._done < share * self._whole):
            try:
                self._done += next(self._work)
            except StopIteration as end:
                self._ended, self._result = True, end.value

    def result(self) -> T:
        """Do what is left and return what the work returns."""
        self.until(1.0)
        return self._result  # type: ignore[return-value]
