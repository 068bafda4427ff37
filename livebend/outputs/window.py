"""The picture in a window, at the display's own rate, and the operator's view on or beside it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pygame

from livebend.core import clock
from livebend.core.errors import LivebendError
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.status import Level, Status
from livebend.flow import Frame
from livebend.outputs import sdl
from livebend.outputs.display import Display, View, further_indices, wanted_index
from livebend.outputs.drawing import forget_letters
from livebend.outputs.key_events import pressed
from livebend.outputs.key_table import Action
from livebend.outputs.monitors import Monitor, lister
from livebend.outputs.operator_board import OperatorBoard, joined
from livebend.outputs.operator_mouse import Asked
from livebend.outputs.operator_screen import OperatorScreen
from livebend.outputs.sdl_window import SdlWindow, placed
from livebend.outputs.wall.shape import Layout
from livebend.outputs.wall.span import places
from livebend.outputs.wall.wall import Wall

NO_DISPLAY = "no display is left, and the show goes on without one"
LOOK = 0.5  # s between two looks at which displays there are
SETTLING = 3.0  # s after a display came or went, until further windows are opened
STRAYS = 3  # times that a window is put back that was taken elsewhere
REDRAW = 0.25  # s, after which the window is drawn even if nothing has changed
METERS = 1 / 15  # s between two drawings of the operator's view
HELD = 1 / 30  # s, while the mouse moves a fader in it
USUAL = (512, 512)  # pixels of a window without a display
UNSEEN = ("dummy", "offscreen")  # drivers of SDL without a display
TOGGLES = {"blackout", "freeze", "meters", "help", "fullscreen", "display", "record"}


class Window:
    """Show the newest frame and the operator's view; turn keys into actions.

    The render worker calls `write`. The main thread makes the window and calls `poll`, `draw` and
    `close`. Keys of the display alone change `display` here, independently of the renderer.

    size: the picture's (width, height); None = not known yet.
    on: the picture's display, by name or index; -1 = the last.
    shown: is called with each frame once it is visible.
    late: is called at every drawing with the seconds for which the last frame has been moved,
        because the next does not come; see `Bridge`.
    notify: is called with what becomes of displays.
    outlives: be seen, where X11 can, from a kill of the process until another's window takes over.
    logo: what `output.logo` shows.
    spare: begin hidden, until `show`, and have no operator's view; take over what outlived another.

    Where the picture's display goes, the picture moves to another, and comes home with it. Without
    any, nothing is drawn until there is one.
    Raises: LivebendError where there is no window system, or no such display.
    """

    def __init__(
        self,
        frames: Latest[Frame | None],
        status: OnDemand[Status],
        display: Display,
        size: tuple[int, int] | None = None,
        *,
        title: str = "livebend",
        on: str = "-1",
        shown: Callable[[Frame], None] | None = None,
        notify: Callable[[str, Level], None] | None = None,
        late: Callable[[float], None] | None = None,
        outlives: bool = False,
        spare: bool = False,
        logo: pygame.Surface | None = None,
    ) -> None:
        self._spare = spare
        self._frames, self._status, self._display = frames, status, display
        self._shown, self._title, self._notify = shown, title, notify or _say_nothing
        self._counted = -1  # the frame that came last
        self._seen, self._version = 0, -1  # of the newest frame, of the frame on the GPU
        self._view: View | None = None
        self._redrawn = self._metered = -1.0
        self._placed: tuple[bool, Monitor | None] = (False, None)  # full screen, display
        self._strays = STRAYS
        self._known: set[str] = set()  # displays that there were
        self._changed = clock.now()  # when one last came or went
        self._further: list[Monitor] = []  # displays that the picture is on as well
        self._pointer: bool | None = None  # whether the mouse is seen
        self._start_pygame()
        self.pane = SdlWindow(
            title, size or USUAL, pygame.WINDOWPOS_CENTERED, vsync=True, hidden=spare
        )
        self.wall = Wall(self.pane, clock.now(), late, logo)
        self.operator = OperatorScreen(status, display, self.pane, self.wall, self._notify)
        self._spread: tuple[object, ...] = ()  # what the wall's displays follow from
        self._pointed: pygame.Window | None = None  # which window the mouse is over
        self.lost = False  # with the display server: nothing can be shown or closed any more
        self._watch = sdl.watch(self.pane.window, self._lose)
        sdl.outlive(self.pane.window, outlives)
        self._list = lister(self.pane.window)
        self.monitors: list[Monitor] = []
        self._looked = clock.now()
        self._find_displays(size, on)

    @property
    def two_displays(self) -> bool:
        """Whether the operator has a display that the picture is not on."""
        return len(self.monitors) > max(len(self._pictures), 1)

    @property
    def board(self) -> OperatorBoard:
        """The operator's view."""
        return self.operator.board

    @property
    def output_display(self) -> Monitor | None:
        """The display that the picture is on; None where there is none."""
        return self.monitors[self._display.shown_on] if self.monitors else None

    @property
    def shape(self) -> tuple[int, int] | None:
        """The size (W, H) of the wall as the picture sees it, upright; None where no display is
        known."""
        own, view = self.output_display, self._display.view
        if own is None or pygame.display.get_driver() in UNSEEN:
            return None
        wall = places([own, *self._further], view)[0].wall
        return Layout((1, 1), wall, view).frame

    @property
    def place(self) -> tuple[int, int, int, int]:
        """The window's (x, y, width, height) on the desktop."""
        return (*self.pane.window.position, *self.pane.window.size)

    def write(self, frame: Frame) -> None:
        """Take the newest frame; never waits."""
        self._frames.put(frame)

    def poll(self) -> list[Asked]:
        """Return what keys and the mouse asked for since the last call: panic, undo, tap, preset
        and store with a number, close, gestures. What is of the display alone is done here and not
        returned."""
        with self._display_needed():
            asked = [one for event in pygame.event.get() for one in self._asked_by(event)]
        return [one for one in joined(asked) if not self._done_here(one)]

    def draw(self) -> None:
        """Wait for something new, at most one refresh of the display, and show it.

        With vsync, showing it waits for the display, without holding Python's lock.
        """
        with self._display_needed():
            self._draw()

    def _draw(self) -> None:
        self._seen, newest = self._frames.wait_newer(self._seen, self._refresh)
        moment = clock.now()
        if moment - self._looked >= LOOK:
            self._looked = moment
            self._look_for_displays()
        if not self.monitors:
            return
        view = self._display.view
        self._spread_out(view)
        self._move_window(view)
        fresh = self._take(newest, view)
        self._show_pointer(view)
        metered = moment - self._metered >= (HELD if self.operator.is_held else METERS)
        if metered:
            self._metered = moment
            self.operator.draw(view, self._operators_display(view))
        overlaid = self._overlaid(view) and metered
        loading = self.wall.frame is None and metered
        if newest is not None and self._seen != self._counted:
            self._counted = self._seen
            self.wall.arrive(moment)
        preset = self._status.get().title if view.preset_title else ""
        moving = self.wall.follow(view, preset, moment)
        changed = fresh or overlaid or loading or moving or view != self._view
        overdue = self._redrawn < 0 or moment - self._redrawn >= REDRAW
        if not (changed or overdue):
            return
        self._paint(view, moment, overlaid)
        self._view, self._redrawn = view, moment
        if fresh is not None and self._shown is not None:
            self._shown(fresh)

    def show(self, place: tuple[int, int, int, int] | None = None) -> None:
        """Show a window that is hidden, with the newest frame; where it is not in full screen at
        `place`, (x, y, width, height) on the desktop."""
        with self._display_needed():
            if place is not None and not self._display.view.fullscreen:
                self.pane.window.position, self.pane.window.size = place[:2], place[2:]
            self.pane.window.show()
            self.pane.window.focus()  # above the one that it takes over from
            self._draw()
            sdl.forget_outlived(self.pane.window)

    def hide(self) -> None:
        """Hide the window."""
        with self._display_needed():
            self.pane.window.hide()

    def close(self) -> None:
        """Close the windows; nothing where the display is gone, which would never answer."""
        if self.lost:
            return
        sdl.outlive(self.pane.window, False)
        self.operator.close()
        self.wall.close()
        self.pane.close()
        forget_letters()
        pygame.font.quit()
        pygame.display.quit()

    def _lose(self) -> None:
        self.lost = True

    @contextmanager
    def _display_needed(self) -> Iterator[None]:
        """Raises: LivebendError where the display is gone, or cannot be drawn on."""
        try:
            yield
        except pygame.error as why:
            raise LivebendError(f"the display cannot be drawn on: {why}") from why
        if self.lost:
            raise LivebendError("the display is gone")

    # ---- drawing

    def _take(self, newest: Frame | None, view: View) -> Frame | None:
        """Upload the newest frame and return it; None where it is uploaded already, or frozen."""
        frozen = view.freeze and self.wall.frame is not None
        if newest is None or frozen or self._version == self._seen:
            return None
        self.wall.take(newest)
        self._version = self._seen
        return newest

    def _paint(self, view: View, moment: float, overlaid: bool) -> None:
        """Draw the picture as the view sets it, and the operator's view if it lies over it."""
        self.wall.paint(view, moment)
        if view.pin and not view.blackout:
            self.operator.draw_pin(view)
        if self._overlaid(view) and not view.blackout:
            self.operator.draw_over(view, renew=overlaid)
        self.pane.present()

    def _overlaid(self, view: View) -> bool:
        """Whether the operator's view lies over the picture: only where there is one display."""
        return not (self.two_displays or self._spare) and (view.meters or view.help)

    def _operators_display(self, view: View) -> Monitor | None:
        """The display of the operator's window, the first without a picture; None where it is not
        wanted."""
        if self._spare or not (view.meters or view.help):
            return None
        return next((one for one in self.monitors if one not in self._pictures), None)

    def _show_pointer(self, view: View) -> None:
        """Hide the mouse over a picture in full screen, but not where it can play."""
        own = self.operator.pane
        elsewhere = own is not None and self._pointed == own.window
        seen = elsewhere or not view.fullscreen or self._overlaid(view) or view.pin
        if seen != self._pointer:
            pygame.mouse.set_visible(seen)
            self._pointer = seen

    # ---- keys, the mouse and windows

    def _asked_by(self, event: pygame.Event) -> list[Asked]:
        found = self._action_of(event)
        if found is not None:
            return [found]
        view = self._display.view
        over_picture = self._overlaid(view) and not view.blackout
        return self.operator.take(event, over_picture=over_picture)

    def _action_of(self, event: pygame.Event) -> Action | None:
        if event.type == pygame.KEYDOWN:
            return pressed(event)
        if event.type == pygame.QUIT:
            return Action("close")
        if event.type == pygame.WINDOWCLOSE:
            return Action("meters" if self.operator.own(event) else "close")
        if event.type in (pygame.WINDOWENTER, pygame.WINDOWLEAVE):
            self._pointed = event.window if event.type == pygame.WINDOWENTER else None
        if event.type in (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED):
            self._redrawn = -1.0
        if event.type in (pygame.RENDER_TARGETS_RESET, pygame.RENDER_DEVICE_RESET):
            self._forget_textures()
        return None

    def _done_here(self, wanted: Asked) -> bool:
        """Do an action of the display alone; return whether it was one."""
        if not isinstance(wanted, Action):
            return False
        if wanted.name in TOGGLES:
            self._display.toggle(wanted.name)
        elif wanted.name == "leave":
            self._display.set("fullscreen", False)
        else:
            return False
        return True

    def _move_window(self, view: View) -> None:
        """Move the window to the display and the size that the view sets."""
        wanted, (was_full, before) = (view.fullscreen, self.output_display), self._placed
        if wanted == self._placed or wanted[1] is None:
            return
        window, moves = self.pane.window, wanted[1] != before
        place = (*window.position, *window.size)
        if was_full and wanted[0] and place == (wanted[1].x, wanted[1].y, *wanted[1].size):
            self._placed = wanted  # the window manager was faster: moving it again would be black
            return
        if was_full:
            window.set_windowed()
        if moves:
            wide, high = (min(pair) for pair in zip(window.size, wanted[1].size, strict=True))
            if (wide, high) != tuple(window.size):
                window.size = self._size_on(wanted[1], (wide, high))
            window.position = wanted[1].centred(window.size)
            self.operator.close()
        if wanted[0]:
            window.set_fullscreen(desktop=True)
        self._placed, self._redrawn = wanted, -1.0

    # ---- displays

    @property
    def _pictures(self) -> list[Monitor]:
        """The displays that the picture is on."""
        own = self.output_display
        return [] if own is None else [own, *self._further]

    def _spread_out(self, view: View) -> None:
        """Be seen on the further displays that the view names; on new ones only a while after a
        display has come, when the window manager has put the picture's own window in its place."""
        wanted = view.also, self.monitors, self._display.shown_on
        if wanted != self._spread and not self._spare:
            self._spread, had_two = wanted, self.two_displays
            self._further = self._found_further(view)
            if self.two_displays != had_two:
                self.operator.come_or_go(self.two_displays)
            self._redrawn = self._metered = -1.0
        if not self._further or clock.now() - self._changed >= SETTLING:
            self.wall.spread(self.output_display, self._further)

    def _found_further(self, view: View) -> list[Monitor]:
        try:
            found = further_indices(view.also, self._display.names, self._display.shown_on)
        except LivebendError as why:
            self._notify(str(why), "warning")
            return []
        return [self.monitors[index] for index in found]

    def _find_displays(self, size: tuple[int, int] | None, on: str) -> None:
        """Put the picture where it was asked to be. Raises: UnknownName, OutOfRange."""
        self.monitors = self._list()
        names = [one.name for one in self.monitors]
        self._known |= set(names)
        wanted = wanted_index(on, names) if names else -1
        self._display.found(names)
        if wanted >= 0:
            self._display.set("display", wanted)
        if self.two_displays:
            self.operator.come_or_go(self.two_displays)
        if (place := self.output_display) is not None:
            self._spread_out(self._display.view)
            self.pane.window.size = self._size_on(place, size or self.shape or USUAL)
            self.pane.window.position = place.centred(self.pane.window.size)
            self._placed = False, place
        else:
            self._notify(NO_DISPLAY, "error")

    def _look_for_window(self) -> None:
        """Have a full-screen window put back that the window manager took elsewhere, as some do a
        moment after a display has come; not for ever, since some never say where it is."""
        (is_full, on), window = self._placed, self.pane.window
        if not (is_full and on and self._strays):
            return
        if (*window.position, *window.size) != (on.x, on.y, *on.size):
            self._strays -= 1
            self._placed = is_full, None

    def _look_for_displays(self) -> None:
        """Take in which displays came or went, and where that leaves the picture."""
        monitors = self._list()
        if monitors == self.monitors:
            self._look_for_window()
            self.wall.settle()
            return
        self._strays, self._changed = STRAYS, self._looked
        before, had_two = {one.name for one in self.monitors}, self.two_displays
        self.monitors = monitors
        names = [one.name for one in monitors]
        self._display.found(names)
        self._further = [one for one in self._further if one in monitors]
        self.wall.spread(self.output_display, self._further)
        if self.two_displays != had_two:
            self.operator.come_or_go(self.two_displays)
        self.operator.close(keep=False)
        self._placed = self._placed[0], None  # also where only its size has changed
        for gone in sorted(before - {*names}):
            self._notify(f"display {gone} is gone: {self._whereabouts()}", "warning")
        for come in names:
            if come not in before:
                news = "back" if come in self._known else "there"
                self._notify(f"display {come} is {news}: {self._whereabouts()}", "info")
        self._known |= {*names}
        self._redrawn = self._metered = -1.0

    def _whereabouts(self) -> str:
        place = self.output_display
        return NO_DISPLAY if place is None else f"the picture is on {place.name}"

    def _forget_textures(self) -> None:
        """Draw everything again, from the newest frame: the GPU lost its textures."""
        self.wall.forget()
        self._version, self._redrawn = -1, -1.0

    # ---- start

    def _start_pygame(self) -> None:
        os.environ.setdefault("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", "0")
        os.environ.setdefault("SDL_MOUSE_FOCUS_CLICKTHROUGH", "1")  # the first click acts
        try:
            pygame.display.init()
        except pygame.error as refusal:
            raise LivebendError(f"no display: {refusal}; --headless shows no window") from refusal
        pygame.font.init()
        pygame.display.set_allow_screensaver(False)
        rates = pygame.display.get_desktop_refresh_rates()
        self._refresh = 1.0 / (rates[0] or 60)

    def _size_on(self, monitor: Monitor, picture: tuple[int, int]) -> tuple[int, int]:
        """The size of the picture enlarged to three quarters of a display."""
        wide, high = monitor.size
        return placed(picture, (wide * 3 // 4, high * 3 // 4), cover=False).size


def _say_nothing(_: str, __: Level) -> None:
    """Notify nobody."""
