"""One slot between two threads: the writer never waits, the reader gets the newest."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest value of something continuous.

    Any thread may `put`; any thread may `get` or `wait_newer`. Values must be frozen.
    """

    def __init__(self, value: T) -> None:
        self._changed = threading.Condition()
        self._value = value
        self._version = 0

    def put(self, value: T) -> None:
        """Replace the value and wake the threads that wait for a newer one."""
        with self._changed:
            self._value = value
            self._version += 1
            self._changed.notify_all()

    def get(self) -> T:
        """Return the newest value at once."""
        with self._changed:
            return self._value

    def wait_newer(self, version: int, timeout: float | None = None) -> tuple[int, T]:
        """Wait until the version (0 = the initial value) exceeds `version`, or `timeout` seconds;
        return the newest version and value."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout)
            return self._version, self._value


class OnDemand(Generic[T]):
    """A newest value that is computed on its first read, once for all readers.

    One thread offers and never waits; any thread may `get`, and computes it there.
    """

    def __init__(self, value: T) -> None:
        self._lock = threading.Lock()
        self._value = value
        self._made: Callable[[], T] | None = None
        self._offered: Callable[[], T] | None = None

    def offer(self, make: Callable[[], T]) -> None:
        """Have the next `get` call `make`. What it reads must be frozen."""
        self._offered = make

    def get(self) -> T:
        """Return the newest value."""
        with self._lock:
            make = self._offered
            if make is not None and make is not self._made:
                self._value, self._made = make(), make
            return self._value
