"""The operator's view on a window: what draws it there, and what the mouse does to it."""

from collections.abc import Callable

import pygame
from pygame._sdl2.video import Texture

from livebend.core.mailbox import OnDemand
from livebend.core.panel import Gesture, Panel
from livebend.core.status import Status
from livebend.outputs.card_area import Shown, own_path
from livebend.outputs.display import Display, View
from livebend.outputs.operator_mouse import Asked, Says
from livebend.outputs.operator_view import OperatorView
from livebend.outputs.sdl_window import BLEND, SdlWindow

PRESSES = (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEMOTION, pygame.MOUSEWHEEL)


class OperatorBoard:
    """The operator's view on whichever window has it. The main thread owns it."""

    def __init__(self, status: OnDemand[Status], display: Display) -> None:
        self._status, self._display, self._view = status, display, OperatorView()
        self._panel: Callable[[], Panel] = Panel
        self._says: Says = own_path

    def play(self, panel: Callable[[], Panel], says: Says) -> None:
        """Have it played from now on.

        panel: returns what can be played, at every drawing.
        says: returns what there is to say of a parameter, by its path.
        """
        self._panel, self._says = panel, says

    @property
    def is_held(self) -> bool:
        """Whether the mouse moves a fader now."""
        return self._view.hand.is_busy

    def upload(self, pane: SdlWindow, view: View, *, over_picture: bool) -> Texture:
        """Draw it for a window, as a texture of that."""
        film, remote = self._display.recording, self._display.remote
        shown = Shown(self._status.get(), view, film, remote, self._panel(), self._says)
        surface = self._view.draw(pane.size, shown, over_picture=over_picture)
        return pane.upload("meters", surface, mode=BLEND)

    def take(self, event: pygame.Event, pane: SdlWindow | None) -> list[Asked]:
        """Return what an event of the mouse asks for; nothing for other events.

        pane: the window that it is drawn on; None where it is on none.
        """
        hand = self._view.hand
        if event.type == pygame.MOUSEBUTTONUP or pane is None:
            if event.type in PRESSES and getattr(event, "button", 1) == pygame.BUTTON_LEFT:
                hand.release()
            return []
        if event.type == pygame.WINDOWLEAVE:
            hand.leave()
        if event.type not in PRESSES or event.window != pane.window:
            return []
        if event.type == pygame.MOUSEWHEEL:
            return hand.wheel(event.precise_y)
        at = self._place(event.pos, pane)
        if event.type == pygame.MOUSEMOTION:
            return hand.move(at)
        keys = pygame.key.get_mods()
        shift, ctrl = bool(keys & pygame.KMOD_SHIFT), bool(keys & pygame.KMOD_CTRL)
        return hand.press(event.button, at, shift=shift, ctrl=ctrl)

    def _place(self, at: tuple[int, int], pane: SdlWindow) -> tuple[float, float]:
        """A place in a window, in units of the drawing: some displays have finer pixels."""
        fine = pane.size[0] / max(pane.window.size[0], 1)
        return self._view.units((at[0] * fine, at[1] * fine))


def joined(asked: list[Asked]) -> list[Asked]:
    """Return what is asked for without the positions of a fader on its way to the last."""
    return [
        one
        for place, one in enumerate(asked)
        if not (isinstance(one, Gesture) and one.what == "set" and _again(one, asked[place + 1 :]))
    ]


def _again(one: Gesture, later: list[Asked]) -> bool:
    """Whether what comes next of gestures puts the same fader elsewhere."""
    following = later[0] if later else None
    return isinstance(following, Gesture) and following.what == "set" and following.path == one.path
