"""No window: frames are only counted as shown."""

from collections.abc import Callable

from livebend.flow import Frame


class Headless:
    """An output without a display: `shown` is called with each frame, as the window calls it."""

    def __init__(self, shown: Callable[[Frame], None]) -> None:
        self._shown = shown

    def write(self, frame: Frame) -> None:
        """Call `shown`, and drop the frame."""
        self._shown(frame)

    def close(self) -> None:
        """Do nothing: nothing is open."""
