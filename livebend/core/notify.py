"""How a part tells whoever plays something in one line, without knowing who that is."""

from collections.abc import Callable

Notify = Callable[[str], None]


def ignore(_: object) -> None:
    """Tell nobody."""
