"""Which displays there are, and which of them the picture's windows are on."""

from collections.abc import Callable

import pygame

from livebend.core import clock
from livebend.core.errors import LivebendError
from livebend.core.status import Level
from livebend.outputs.display import Display, View, further_indices, wanted_index
from livebend.outputs.full_screen import FullScreen
from livebend.outputs.monitors import Monitor, lister
from livebend.outputs.operator_screen import OperatorScreen
from livebend.outputs.sdl_window import SdlWindow, placed
from livebend.outputs.wall.shape import Layout
from livebend.outputs.wall.span import places
from livebend.outputs.wall.wall import Wall

NO_DISPLAY = "no display is left, and the show goes on without one"
LOOK = 0.5  # s between two looks at which displays there are
SETTLING = 3.0  # s after a display came or went, until further windows are opened
STRAYS = 3  # times that a window is put back that was taken elsewhere
USUAL = (512, 512)  # pixels of a window without a display
UNSEEN = ("dummy", "offscreen")  # drivers of SDL without a display


class PictureDisplays:
    """Keeps the picture where the view has it as displays come and go. The main thread owns it.

    pane, wall: the picture's window, and what is on it and on further displays.
    operator: the operator's view, whose window has a display that the picture is not on.
    notify: is called with what becomes of displays.
    spare: the window is hidden, and takes no further display.
    monitors: the displays there are; there may be none.
    """

    def __init__(
        self,
        pane: SdlWindow,
        wall: Wall,
        display: Display,
        operator: OperatorScreen,
        notify: Callable[[str, Level], None],
        *,
        spare: bool = False,
    ) -> None:
        self._pane, self._wall, self._display = pane, wall, display
        self._operator, self._notify, self._spare = operator, notify, spare
        self._full = FullScreen(pane.window)
        self._list = lister(pane.window)
        self._placed: tuple[bool, Monitor | None] = (False, None)  # full screen, display
        self._strays = STRAYS
        self._known: set[str] = set()  # displays that there were
        self._looked = self._changed = clock.now()  # when one last came or went
        self._further: list[Monitor] = []  # displays that the picture is on as well
        self._spread: tuple[object, ...] = ()  # what these follow from
        self.monitors: list[Monitor] = []

    @property
    def output(self) -> Monitor | None:
        """The display that the picture's own window is on; None where there is none."""
        return self.monitors[self._display.shown_on] if self.monitors else None

    @property
    def of_picture(self) -> list[Monitor]:
        """The displays that the picture is on."""
        own = self.output
        return [] if own is None else [own, *self._further]

    @property
    def of_operator(self) -> Monitor | None:
        """The first display that the picture is not on; None where it is on all."""
        return next((one for one in self.monitors if one not in self.of_picture), None)

    @property
    def has_another(self) -> bool:
        """Whether the operator has a display that the picture is not on."""
        return len(self.monitors) > max(len(self.of_picture), 1)

    @property
    def shape(self) -> tuple[int, int] | None:
        """The size (W, H) of the wall as the picture sees it, upright; None where no display is
        known."""
        shown, view = self.of_picture, self._display.view
        if not shown or pygame.display.get_driver() in UNSEEN:
            return None
        return Layout((1, 1), places(shown, view)[0].wall, view).frame

    def begin(self, size: tuple[int, int] | None, on: str) -> None:
        """Put the picture of a size, None = not known yet, where it was asked to be.

        Raises: UnknownName, OutOfRange.
        """
        self.monitors = self._list()
        names = [one.name for one in self.monitors]
        self._known |= set(names)
        wanted = wanted_index(on, names) if names else -1
        self._display.found(names)
        if wanted >= 0:
            self._display.set("display", wanted)
        if self.has_another:
            self._operator.come_or_go(self.has_another)
        if (place := self.output) is not None:
            self._spread_out(self._display.view)
            window = self._pane.window
            window.size = _size_on(place, size or self.shape or USUAL)
            window.position = place.centred(window.size)
            self._placed = False, place
        else:
            self._notify(NO_DISPLAY, "error")

    def look(self, moment: float) -> bool:
        """Take in, every LOOK seconds, which displays came or went and where that leaves the
        picture; return whether everything is to be drawn again."""
        if moment - self._looked < LOOK:
            return False
        self._looked = moment
        monitors = self._list()
        if monitors == self.monitors:
            self._look_for_window()
            self._wall.settle()
            return False
        self._take(monitors)
        return True

    def follow(self, view: View) -> bool:
        """Be on the displays that a view names, in full screen or not; return whether everything is
        to be drawn again."""
        spread = self._spread_out(view)
        return self._move_window(view) or spread

    def _take(self, monitors: list[Monitor]) -> None:
        self._strays, self._changed = STRAYS, self._looked
        before, had_another = {one.name for one in self.monitors}, self.has_another
        self.monitors = monitors
        names = [one.name for one in monitors]
        self._display.found(names)
        self._further = [one for one in self._further if one in monitors]
        self._wall.spread(self.output, self._further)
        if self.has_another != had_another:
            self._operator.come_or_go(self.has_another)
        self._operator.close(keep=False)
        self._placed = self._placed[0], None  # also where only its size has changed
        for gone in sorted(before - {*names}):
            self._notify(f"display {gone} is gone: {self._whereabouts()}", "warning")
        for come in names:
            if come not in before:
                news = "back" if come in self._known else "there"
                self._notify(f"display {come} is {news}: {self._whereabouts()}", "info")
        self._known |= {*names}

    def _whereabouts(self) -> str:
        place = self.output
        return NO_DISPLAY if place is None else f"the picture is on {place.name}"

    def _look_for_window(self) -> None:
        """Have a full-screen window put back that the window manager took elsewhere, as some do a
        moment after a display has come; not for ever, since some never say where it is."""
        is_full, on = self._placed
        if is_full and on and self._strays and not self._full.fills(on):
            self._strays -= 1
            self._placed = is_full, None

    def _spread_out(self, view: View) -> bool:
        """Be seen on the further displays that the view names; on new ones only a while after a
        display has come, when the window manager has put the picture's own window in its place."""
        wanted = view.also, self.monitors, self._display.shown_on
        is_new = wanted != self._spread and not self._spare
        if is_new:
            self._spread, had_another = wanted, self.has_another
            self._further = self._found_further(view)
            self._number()
            if self.has_another != had_another:
                self._operator.come_or_go(self.has_another)
        if not self._further or clock.now() - self._changed >= SETTLING:
            self._wall.spread(self.output, self._further)
        return is_new

    def _number(self) -> None:
        """Have the displays of the picture numbered, from the left."""
        shown = sorted(self.of_picture, key=lambda one: (one.x, one.y))
        self._display.number([one.name for one in shown])

    def _found_further(self, view: View) -> list[Monitor]:
        try:
            found = further_indices(view.also, self._display.names, self._display.shown_on)
        except LivebendError as why:
            self._notify(str(why), "warning")
            return []
        return [self.monitors[index] for index in found]

    def _move_window(self, view: View) -> bool:
        """Move the window to the display and the size that the view sets."""
        on, (was_full, before) = self.output, self._placed
        wanted = view.fullscreen, on
        if wanted == self._placed or on is None:
            return False
        if was_full and wanted[0] and self._full.fills(on):
            self._placed = wanted  # the window manager was faster: moving it again would be black
            return False
        if was_full:
            self._full.leave()
        if on != before:
            window = self._pane.window
            wide, high = (min(pair) for pair in zip(window.size, on.size, strict=True))
            if (wide, high) != tuple(window.size):
                window.size = _size_on(on, (wide, high))
            window.position = on.centred(window.size)
            self._operator.close()
        if wanted[0]:
            self._full.enter(on)
        self._placed = wanted
        return True


def _size_on(monitor: Monitor, picture: tuple[int, int]) -> tuple[int, int]:
    """The size of the picture enlarged to three quarters of a display."""
    wide, high = monitor.size
    return placed(picture, (wide * 3 // 4, high * 3 // 4), cover=False).size
