"""The picture in a window, at the display's own rate, and the operator's view on or beside it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pygame
from pygame._sdl2.video import Texture

from livebend.core import clock
from livebend.core.errors import LivebendError
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.status import Status
from livebend.flow import Frame
from livebend.outputs import sdl
from livebend.outputs.display import Display, View
from livebend.outputs.drawing import forget_letters
from livebend.outputs.key_table import Action, action
from livebend.outputs.loading_picture import loading_picture
from livebend.outputs.operator_view import OperatorView
from livebend.outputs.png_frames import surface_of
from livebend.outputs.sdl_window import SdlWindow, placed

OPERATOR = (1060, 720)  # pixels of the operator's window, where the display has room
REDRAW = 0.25  # s, after which the window is drawn even if nothing has changed
METERS = 1 / 15  # s between two drawings of the operator's view
FIRST_DIGIT, LAST_DIGIT = pygame.KSCAN_1, pygame.KSCAN_9
TOGGLES = {"blackout", "freeze", "meters", "help", "fullscreen", "display", "record"}


class Window:
    """Show the newest frame and the operator's view; turn keys into actions.

    The render worker calls `write`. The main thread makes the window and calls `poll`, `draw` and
    `close`. Keys of the display alone change `display` here, independently of the renderer. `size`
    is the picture's (width, height); `shown` is called with each frame once it is visible.
    Raises: LivebendError where there is no display.
    """

    def __init__(
        self,
        frames: Latest[Frame | None],
        status: OnDemand[Status],
        display: Display,
        size: tuple[int, int] = (512, 512),
        *,
        title: str = "livebend",
        shown: Callable[[Frame], None] | None = None,
    ) -> None:
        self._frames, self._status, self._display = frames, status, display
        self._shown, self._title = shown, title
        self._seen, self._version = 0, -1  # of the newest frame, of the frame on the GPU
        self._frame: Frame | None = None
        self._view: View | None = None
        self._redrawn = self._metered = -1.0
        self._black, self._drawn = 0.0, clock.now()  # opacity of black, 0..1, and when it was set
        self._fullscreen: tuple[bool, int] = (False, -1)
        self.operator_pane: SdlWindow | None = None
        self._meters = OperatorView()
        self._start_pygame()
        self.pane = SdlWindow(title, self._initial_size(size), self.output_display, vsync=True)
        self.lost = False  # with the display server: nothing can be shown or closed any more
        self._watch = sdl.watch(self.pane.window, self._lose)
        if self.two_displays:
            display.set("meters", True)

    @property
    def two_displays(self) -> bool:
        """Whether the operator has a display that is not the picture's."""
        return len(pygame.display.get_desktop_sizes()) > 1

    @property
    def output_display(self) -> int:
        """Index of the display that the picture is on."""
        self._display.count = len(pygame.display.get_desktop_sizes())
        return self._display.shown_on

    def write(self, frame: Frame) -> None:
        """Take the newest frame; never waits."""
        self._frames.put(frame)

    def poll(self) -> list[Action]:
        """Return the actions of keys since the last call: panic, undo, tap, preset and store with a
        digit, close. Those of the display alone are done here and not returned."""
        with self._display_needed():
            actions = [found for event in pygame.event.get() if (found := self._action_of(event))]
        return [one for one in actions if not self._done_here(one)]

    def draw(self) -> None:
        """Wait for something new, at most one refresh of the display, and show it.

        With vsync, showing it waits for the display, without holding Python's lock.
        """
        with self._display_needed():
            self._draw()

    def _draw(self) -> None:
        self._seen, newest = self._frames.wait_newer(self._seen, self._refresh)
        view, moment = self._display.view, clock.now()
        self._move_window(view)
        fresh = self._take(newest, view)
        metered = moment - self._metered >= METERS
        if metered:
            self._metered = moment
            self._draw_operator(view)
        overlaid = self._overlaid(view) and metered
        loading = self._frame is None and metered
        fading = self._fade(view, moment)
        changed = fresh or overlaid or loading or fading or view != self._view
        overdue = self._redrawn < 0 or moment - self._redrawn >= REDRAW
        if not (changed or overdue):
            return
        self._paint(view, moment, overlaid)
        self._view, self._redrawn = view, moment
        if fresh is not None and self._shown is not None:
            self._shown(fresh)

    def close(self) -> None:
        """Close the windows; nothing where the display is gone, which would never answer."""
        if self.lost:
            return
        for pane in (self.operator_pane, self.pane):
            if pane is not None:
                pane.close()
        self.operator_pane = None
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
        frozen = view.freeze and self._frame is not None
        if newest is None or frozen or self._version == self._seen:
            return None
        self.pane.upload("picture", surface_of(newest.pixels))
        self._frame, self._version = newest, self._seen
        return newest

    def _fade(self, view: View, moment: float) -> bool:
        """Fade black in or out by the time since the last drawing; return whether it changed."""
        wanted, before = float(view.blackout), self._black
        reach = max(moment - self._drawn, 0.0) / view.fade if view.fade else 1.0
        self._black += min(max(wanted - before, -reach), reach)
        self._drawn = moment
        return self._black != before

    def _paint(self, view: View, moment: float, overlaid: bool) -> None:
        """Draw the picture as the view sets it, and the operator's view if it lies over it."""
        self.pane.clear()
        if self._black < 1.0:
            self._paint_picture(view, moment)
        if self._overlaid(view) and not view.blackout:
            self._paint_overlay(view, overlaid)
        self.pane.present()

    def _paint_picture(self, view: View, moment: float) -> None:
        if self._frame is None:
            self.pane.upload("loading", surface_of(loading_picture(moment)))
        texture = self.pane.textures["loading" if self._frame is None else "picture"]
        level = round(255 * view.brightness * (1.0 - self._black))
        texture.color = (level, level, level)
        cover = view.cover or self._frame is None
        texture.draw(dstrect=placed((texture.width, texture.height), self.pane.size, cover))

    def _overlaid(self, view: View) -> bool:
        """Whether the operator's view lies over the picture: only where there is one display."""
        return not self.two_displays and (view.meters or view.help)

    def _paint_overlay(self, view: View, renew: bool) -> None:
        size = self.pane.size
        old = self.pane.textures.get("meters")
        if renew or old is None or (old.width, old.height) != size or view != self._view:
            self._upload_meters(self.pane, view, over_picture=True)
        self.pane.textures["meters"].draw()

    def _draw_operator(self, view: View) -> None:
        """Open or close the operator's window as the view sets it, and draw it."""
        wanted = self.two_displays and (view.meters or view.help)
        if not wanted:
            self._close_operator()
            return
        if self.operator_pane is None:
            place = 0 if self.output_display else 1
            title = f"{self._title} operator"
            self.operator_pane = SdlWindow(title, _fitting(place), place, vsync=False)
        self.operator_pane.clear()
        self._upload_meters(self.operator_pane, view, over_picture=False).draw()
        self.operator_pane.present()

    def _upload_meters(self, pane: SdlWindow, view: View, *, over_picture: bool) -> Texture:
        status, film = self._status.get(), self._display.recording
        surface = self._meters.draw(pane.size, status, view, film, over_picture=over_picture)
        return pane.upload("meters", surface, blend=True)

    def _close_operator(self) -> None:
        if self.operator_pane is not None:
            self.operator_pane.close()
            self.operator_pane = None

    # ---- keys and windows

    def _action_of(self, event: pygame.Event) -> Action | None:
        if event.type == pygame.KEYDOWN:
            return _pressed(event)
        if event.type == pygame.QUIT:
            return Action("close")
        if event.type == pygame.WINDOWCLOSE:
            own = self.operator_pane is not None and event.window == self.operator_pane.window
            return Action("meters" if own else "close")
        if event.type in (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED):
            self._redrawn = -1.0
        if event.type in (pygame.RENDER_TARGETS_RESET, pygame.RENDER_DEVICE_RESET):
            self._forget_textures()
        return None

    def _done_here(self, wanted: Action) -> bool:
        """Do an action of the display alone; return whether it was one."""
        if wanted.name in TOGGLES:
            self._display.toggle(wanted.name)
        elif wanted.name == "leave":
            self._display.set("fullscreen", False)
        else:
            return False
        return True

    def _move_window(self, view: View) -> None:
        """Move the window to the display and the size that the view sets."""
        wanted, (full, display) = (view.fullscreen, self.output_display), self._fullscreen
        if wanted == (full, display):
            return
        if full and (display != wanted[1] or not wanted[0]):
            self.pane.window.set_windowed()
        if display not in (-1, wanted[1]):
            self.pane.window.position = sdl.centre_of(wanted[1])
            self._close_operator()
        if wanted[0]:
            self.pane.window.set_fullscreen(desktop=True)
        pygame.mouse.set_visible(self.two_displays or not wanted[0])
        self._fullscreen, self._redrawn = wanted, -1.0

    def _forget_textures(self) -> None:
        """Draw everything again, from the newest frame: the GPU lost its textures."""
        self.pane.textures.clear()
        self._frame, self._version, self._redrawn = None, -1, -1.0

    # ---- start

    def _start_pygame(self) -> None:
        os.environ.setdefault("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", "0")
        try:
            pygame.display.init()
        except pygame.error as refusal:
            raise LivebendError(f"no display: {refusal}; --headless shows no window") from refusal
        pygame.font.init()
        pygame.display.set_allow_screensaver(False)
        rates = pygame.display.get_desktop_refresh_rates()
        self._refresh = 1.0 / (rates[0] or 60)

    def _initial_size(self, picture: tuple[int, int]) -> tuple[int, int]:
        """The size of the picture enlarged to three quarters of the display."""
        wide, high = pygame.display.get_desktop_sizes()[self.output_display]
        return placed(picture, (wide * 3 // 4, high * 3 // 4), cover=False).size


def _fitting(display: int) -> tuple[int, int]:
    """The size of the operator's window: with its frame and a bar, it fits a small display."""
    wide, high = pygame.display.get_desktop_sizes()[display]
    return min(OPERATOR[0], wide * 95 // 100), min(OPERATOR[1], high * 85 // 100)


def _pressed(event: pygame.Event) -> Action | None:
    """Return the action of a key press. Digits are known by their position: layouts differ."""
    digit = FIRST_DIGIT <= event.scancode <= LAST_DIGIT
    name = str(event.scancode - FIRST_DIGIT + 1) if digit else pygame.key.name(event.key)
    held = event.mod
    return action(
        name,
        shift=bool(held & pygame.KMOD_SHIFT),
        ctrl=bool(held & pygame.KMOD_CTRL),
        meta=bool(held & pygame.KMOD_META),
    )
