"""Messages of one line for the performer, wherever they are shown."""

from collections.abc import Callable

Notify = Callable[[str], None]


class Reports:
    """What has been reported lately: each subject once in a while, and not too many. Not for two
    threads at once.

    now: the clock, in s.
    most: subjects in that while.
    """

    WHILE = 5.0  # s

    def __init__(self, now: Callable[[], float], most: int = 32) -> None:
        self._now, self._most = now, most
        self._subjects: set[str] = set()
        self._since = now()

    def first(self, subject: str) -> bool:
        """Whether to report it."""
        if self._now() - self._since > self.WHILE:
            self._subjects.clear()
            self._since = self._now()
        if subject in self._subjects or len(self._subjects) >= self._most:
            return False
        self._subjects.add(subject)
        return True


def ignore(_: object) -> None:
    """Drop the message."""
