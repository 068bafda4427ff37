"""A window with its ends, and eyes to look at it, on SDL's dummy driver."""

import numpy as np
import pygame
import pytest

from livebend.core.mailbox import Latest, OnDemand
from livebend.core.status import BendStatus, MemoryUse, Notice, RouteStatus, Status
from livebend.flow import Features, Frame
from livebend.outputs.display import Display
from livebend.outputs.monitors import Monitor
from livebend.outputs.operator_mouse import Asked
from livebend.outputs.window import Window

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def frame_of(colour: tuple[int, int, int], size: tuple[int, int] = (32, 32)) -> Frame:
    pixels = np.broadcast_to(np.array(colour, np.uint8), (size[1], size[0], 3)).copy()
    pixels.setflags(write=False)
    return Frame(pixels, 0, 0.0, 0.0, 0.0)


def a_status() -> Status:
    bend = BendStatus("swirl", "rotate", "unet.mid", {"angle": 30.0, "plane": "0,1"}, 0.5, 0.3)
    off = BendStatus("glass", "reflect", "latent@0.8", {}, 1.0, 0.0, False, "eased off")
    return Status(
        features=Features(rms=0.3, bpm=120.0, onset_count=1, pitch=220.0, silent=False),
        title="Dub",
        prompt="a very long prompt " * 20,
        stage_ms={"unet.mid": 4.0, "vae": 6.0},
        bends=(bend, off),
        routes=(RouteStatus("kick", "low", 0.5, "bend.swirl.angle", 12.0),),
        reused=("deep refresh 1/3", "tween 1/2"),
        memory=MemoryUse(24.0, 2147.0, 3),
        notices=tuple(Notice(0.0, f"{i}: told", "warning") for i in range(8)),
    )


def plug(monkeypatch: pytest.MonkeyPatch, *sizes: tuple[int, int]) -> None:
    """Have windows that are opened from now on find displays of these sizes."""
    found = [Monitor(f"display {n}", 0, 0, *size) for n, size in enumerate(sizes)]
    monkeypatch.setattr("livebend.outputs.picture_displays.lister", lambda _: lambda: found)


def plug_in(screen: "Screen", monkeypatch: pytest.MonkeyPatch, *sizes: tuple[int, int]) -> None:
    """Have an open window find these displays."""
    found = [Monitor(f"display {n}", 0, 0, *size) for n, size in enumerate(sizes)]
    monkeypatch.setattr(screen.window.displays, "_list", lambda: found)
    monkeypatch.setattr("livebend.outputs.picture_displays.LOOK", 0.0)
    screen.window.draw()


class Screen:
    """A window with its ends, and eyes to look at it."""

    def __init__(self, size: tuple[int, int] = (32, 32)) -> None:
        self.display, self.shown = Display(), []
        self.status = OnDemand(a_status())
        frames: Latest[Frame | None] = Latest(None)
        self.told: list[str] = []
        self.late: list[float] = []
        self.window = Window(
            frames, self.status, self.display, size, late=self.late.append,
            shown=self.shown.append, notify=lambda text, _: self.told.append(text),
        )  # fmt: skip

    def picture(self) -> np.ndarray:
        """Draw, and return what is on the window as uint8 [H, W, 3]."""
        self.window.draw()
        return self.seen()

    def seen(self) -> np.ndarray:
        surface = self.window.pane.renderer.to_surface()
        return np.swapaxes(pygame.surfarray.array3d(surface), 0, 1)

    def centre(self) -> tuple[int, ...]:
        picture = self.picture()
        return tuple(int(v) for v in picture[picture.shape[0] // 2, picture.shape[1] // 2])

    def press(self, key: int, mod: int = 0, scancode: int = 0) -> list[Asked]:
        pygame.event.post(pygame.Event(pygame.KEYDOWN, key=key, mod=mod, scancode=scancode))
        return self.window.poll()
