"""A stream: the newest picture, sent to another program while its switch is on.

It has a thread of its own and holds nothing up: what it cannot send in time it leaves out. The
picture is sent as the display shows it: black, frozen, as bright. Black acts even where the network
hangs, since the last picture goes out again now and then.
"""

from collections.abc import Callable

from livebend.core import clock
from livebend.core.errors import Refused, one_line
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.priority import step_back
from livebend.core.watchdog import Term
from livebend.flow import Frame, Pixels
from livebend.outputs.black import Black
from livebend.outputs.display import Display
from livebend.outputs.fitted_picture import as_shown
from livebend.outputs.streams.kinds import KINDS, TITLE, Sender
from livebend.outputs.wall.settings import Fit

POLL = 0.1  # s between looks at the switch
AGAIN = 0.5  # s after which the last picture is sent once more


class Stream:
    """One stream of a show; `work` is a part's body.

    name: of KINDS, and of the switch.
    frames: the newest picture of the show.
    size: (width, height) in pixels; None = the picture's own.
    fps: at most.
    notify: is told where it begins, and why it does not.
    sent, left_out: pictures that went out, and that came while another was being sent.
    """

    def __init__(
        self,
        name: str,
        frames: Latest[Frame | None],
        display: Display,
        size: tuple[int, int] | None,
        fps: float,
        notify: Notify,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self.name, self.kind = name, KINDS[name]
        self.sent = self.left_out = 0
        self._frames, self._display, self._notify, self._now = frames, display, notify, now
        self._size, self._fps = size, fps
        self._sender: Sender | None = None
        self._opened: tuple[int, int] | None = None
        self._black, self._view = Black(now()), display.view
        self._version, self._frame = 0, frames.get()
        self._sent_at = -AGAIN

    @property
    def is_on(self) -> bool:
        """Whether the performer wants it."""
        return bool(self._display.get(self.name))

    def work(self, term: Term) -> None:
        """Send pictures while the switch is on, until the term ends."""
        step_back()
        try:
            while not term.is_set():
                if self.is_on:
                    self.turn()
                else:
                    self.close()
                    term.wait(POLL)
        finally:
            self.close()

    def turn(self) -> None:
        """Wait for what is new, at most for a frame's time, and send it."""
        before = self._version
        self._version, newest = self._frames.wait_newer(before, 1.0 / self._fps)
        moment, view = self._now(), self._display.view
        changed = self._black.follow(view, moment) or view != self._view
        fresh = self._version != before and not view.freeze
        self._frame = newest if fresh or self._frame is None else self._frame
        if self._frame is None or not (fresh or changed or moment - self._sent_at >= AGAIN):
            return
        self.left_out += max(self._version - before - 1, 0) if before else 0
        self._sent_at, self._view = moment, view
        self._send(self._frame.pixels, self._black.level(view), view.fit)

    def _send(self, pixels: Pixels, level: float, fit: Fit) -> None:
        size = self._size or (pixels.shape[1], pixels.shape[0])
        try:
            if self._sender is None or self._opened != size:
                self.close()
                self._sender, self._opened = self.kind.open(size, self._fps), size
                self._notify(f"{self.kind.title}: {TITLE}, {size[0]}x{size[1]}")
            self._sender.send(as_shown(pixels, size, level, fit))
        except Refused as why:
            self.close()
            self._display.set(self.name, False)
            self._notify(str(why))
            return
        self.sent += 1

    def close(self) -> None:
        """Send nothing more, until the next turn."""
        sender, self._sender = self._sender, None
        if sender is None:
            return
        try:
            sender.close()
        except Exception as why:  # noqa: BLE001 - said, whatever a library raises
            self._notify(f"{self.kind.title}: cannot be closed: {one_line(why)}")
