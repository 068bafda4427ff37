"""Messages of one line for the performer, wherever they are shown."""

from collections.abc import Callable

Notify = Callable[[str], None]


def ignore(_: object) -> None:
    """Drop the message."""
