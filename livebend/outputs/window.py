"""The picture in a window, at the display's own rate, and the operator's view on or beside it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pygame

from livebend.core import clock
from livebend.core.errors import LivebendError
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.status import Level, Status
from livebend.flow import Frame
from livebend.outputs import sdl
from livebend.outputs.display import Display, View
from livebend.outputs.drawing import forget_letters
from livebend.outputs.key_events import pressed
from livebend.outputs.key_table import Action
from livebend.outputs.monitors import Monitor
from livebend.outputs.operator_board import OperatorBoard, joined
from livebend.outputs.operator_mouse import Asked
from livebend.outputs.operator_screen import OperatorScreen
from livebend.outputs.picture_displays import USUAL, PictureDisplays
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.wall import Wall

REDRAW = 0.25  # s, after which the window is drawn even if nothing has changed
METERS = 1 / 15  # s between two drawings of the operator's view
HELD = 1 / 30  # s, while the mouse moves a fader in it
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
        self._pointer: bool | None = None  # whether the mouse is seen
        self._start_pygame()
        self.pane = SdlWindow(
            title, size or USUAL, pygame.WINDOWPOS_CENTERED, vsync=True, hidden=spare
        )
        self.wall = Wall(self.pane, clock.now(), late, logo)
        self.operator = OperatorScreen(status, display, self.pane, self.wall, self._notify)
        self._pointed: pygame.Window | None = None  # which window the mouse is over
        self.lost = False  # with the display server: nothing can be shown or closed any more
        self._watch = sdl.watch(self.pane.window, self._lose)
        sdl.outlive(self.pane.window, outlives)
        self.displays = PictureDisplays(
            self.pane, self.wall, display, self.operator, self._notify, spare=spare
        )
        self.displays.begin(size, on)

    @property
    def board(self) -> OperatorBoard:
        """The operator's view."""
        return self.operator.board

    @property
    def shape(self) -> tuple[int, int] | None:
        """The size (W, H) of the wall as the picture sees it, upright; None where no display is
        known."""
        return self.displays.shape

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
        renewed = self.displays.look(moment)
        if not self.displays.monitors:
            return
        view = self._display.view
        if self.displays.follow(view) or renewed:
            self._redrawn = self._metered = -1.0
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
        pinned = partial(self.operator.draw_pin, view) if view.pin else None
        self.wall.paint(view, moment, pinned)
        if self._overlaid(view) and not view.blackout:
            self.operator.draw_over(view, renew=overlaid)
        self.pane.present()

    def _overlaid(self, view: View) -> bool:
        """Whether the operator's view lies over the picture: only where there is one display."""
        return not (self.displays.has_another or self._spare) and (view.meters or view.help)

    def _operators_display(self, view: View) -> Monitor | None:
        """The display of the operator's window; None where it is not wanted."""
        wanted = not self._spare and (view.meters or view.help)
        return self.displays.of_operator if wanted else None

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


def _say_nothing(_: str, __: Level) -> None:
    """Notify nobody."""
