"""No window: frames are counted as shown, and kept for who looks at the newest."""

from collections.abc import Callable

from livebend.core.mailbox import Latest
from livebend.flow import Frame


class Headless:
    """An output without a display: `shown` is called with each frame, as the window calls it, and
    `frames` gets it."""

    def __init__(self, shown: Callable[[Frame], None], frames: Latest[Frame | None]) -> None:
        self._shown, self._frames = shown, frames

    def write(self, frame: Frame) -> None:
        """Take a frame."""
        self._frames.put(frame)
        self._shown(frame)

    def close(self) -> None:
        """Do nothing: nothing is open."""
