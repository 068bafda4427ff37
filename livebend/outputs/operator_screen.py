"""Where the operator's view is: in a window on a display of its own, or over the picture; and the
corners of the wall, which are dragged on either."""

from collections.abc import Callable

import pygame

from livebend.core.files import state_folder
from livebend.core.mailbox import OnDemand
from livebend.core.status import Level, Status
from livebend.outputs.display import Display, View
from livebend.outputs.monitors import Monitor
from livebend.outputs.operator_board import OperatorBoard
from livebend.outputs.operator_mouse import Asked
from livebend.outputs.operator_window import KeptPlaces, OperatorWindow
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.pin_handles import PinHandles, pins_on, small_pins
from livebend.outputs.wall.wall import Seen, Wall

PLACES = "windows.json"  # in the user's state folder


class OperatorScreen:
    """The operator's view, whichever window has it. The main thread owns it.

    output: the picture's window.
    pane: the operator's own window; None where there is none.
    """

    def __init__(
        self,
        status: OnDemand[Status],
        display: Display,
        output: SdlWindow,
        wall: Wall,
        notify: Callable[[str, Level], None],
    ) -> None:
        self.board, self._display = OperatorBoard(status, display), display
        self._output, self._wall, self._notify = output, wall, notify
        self._places = KeptPlaces(state_folder() / PLACES)
        self._pin = PinHandles(display)
        self._drawn: View | None = None  # that the view over the picture was drawn for
        self._had_one = self._returns = False  # a display of its own; with the next of them
        self.pane: OperatorWindow | None = None

    @property
    def is_held(self) -> bool:
        """Whether the mouse moves something now."""
        return self.board.is_held or self._pin.is_held

    def own(self, event: pygame.Event) -> bool:
        """Whether an event is of the operator's own window."""
        return self.pane is not None and event.window == self.pane.window

    def take(self, event: pygame.Event, *, over_picture: bool) -> list[Asked]:
        """Return what an event of the mouse asks for, on the view in its own window or over the
        picture; what it does to a corner is done."""
        view = self._display.view
        if view.pin:
            shown = self._wall.seen(view)
            if any(self._pin.take(event, one.pane, pins_on(one, view)) for one in shown):
                return []
            own = self.pane
            if own and self._pin.take(event, own, small_pins(own.size, shown, view)):
                return []
        return self.board.take(event, self._output if over_picture else self.pane)

    def come_or_go(self, has_display: bool) -> None:
        """Take in that there is a display of its own now, or none any more: then the picture stays
        clean, and the view comes back with the next."""
        view = self._display.view
        if has_display:
            self._display.set("meters", view.meters or self._returns or not self._had_one)
            self._had_one = True
        else:
            self._returns = view.meters
            self._display.set("meters", False)

    def draw(self, view: View, monitor: Monitor | None) -> None:
        """Draw it in its own window, which is opened on that display; with None it is closed."""
        if monitor is None:
            self.close()
            return
        if self.pane is None:
            title = f"{self._output.window.title} operator"
            self.pane = OperatorWindow(title, monitor, self._places)
            self._output.window.focus()
        self.pane.settle()
        self.pane.clear()
        self.board.upload(self.pane, view, over_picture=False).draw()
        if view.pin:
            pins = small_pins(self.pane.size, self._wall.seen(view), view)
            self._pin.draw_small(self.pane, pins)
        self.pane.present()

    def draw_over(self, view: View, *, renew: bool) -> None:
        """Draw it over the picture; anew where something has changed."""
        size, old = self._output.size, self._output.textures.get("meters")
        if renew or old is None or (old.width, old.height) != size or view != self._drawn:
            self.board.upload(self._output, view, over_picture=True)
            self._drawn = view
        self._output.textures["meters"].draw()

    def draw_pin(self, view: View, seen: Seen) -> None:
        """Draw corners over the picture on a window of the wall."""
        self._pin.draw(seen.pane, pins_on(seen, view))

    def close(self, *, keep: bool = True) -> None:
        """Close its own window, and remember where it was moved to; not with `keep` False, where a
        display has come or gone: then the system may have moved it."""
        pane, self.pane = self.pane, None
        if pane is None:
            return
        place = pane.moved() if keep else None
        pane.close()
        if place is not None:
            try:
                self._places.keep(pane.monitor, place)
            except OSError as why:
                said = f"the place of the operator's window is not kept: {why.strerror}"
                self._notify(said, "warning")
