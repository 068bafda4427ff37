"""A live show in virtual time, with its threads."""

from collections.abc import Callable

from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.flow import Frame, Pixels
from tests.fakes.virtual_time import VirtualTime


def live(options: LiveOptions) -> LiveShow:
    """A live show that has not begun, in virtual time."""
    return LiveShow(options, VirtualTime({"audio": 0, "render": 1}, ends="render"))


def played(
    options: LiveOptions, during: Callable[[LiveShow, Frame], None] | None = None
) -> tuple[list[Pixels], dict[str, object]]:
    """Play a live show; return its frames and its report. `during` is called with each frame; what
    it raises ends the show."""
    show, frames = live(options), []

    def shown(frame: Frame) -> None:
        frames.append(frame.pixels.copy())
        if during is not None and not show.failures:
            try:
                during(show, frame)
            except BaseException as why:  # noqa: BLE001 - raised by the show
                show._failed(why)

    show.statistics.shown = shown
    return frames, show.play()
