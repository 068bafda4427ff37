"""No window at all: frames are counted and let go."""

from collections.abc import Callable

from livebend.flow import Frame


class Headless:
    """Take frames as a display would. The render worker calls `write`; any thread reads `frames`
    and `last`. `shown` is called with each frame, as the window calls it."""

    def __init__(self, shown: Callable[[Frame], None] | None = None) -> None:
        self.frames = 0
        self.last: Frame | None = None
        self._shown = shown

    def write(self, frame: Frame) -> None:
        """Count the frame."""
        self.frames, self.last = self.frames + 1, frame
        if self._shown is not None:
            self._shown(frame)

    def close(self) -> None:
        """Nothing is open."""
