"""What it costs to draw the wall: a picture through each kind of output processing, beside the bare
window. Where there is no display it is drawn on SDL's dummy, by the processor."""

import os
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np

from livebend.cli.no_display import has_display
from livebend.core.clock import now
from livebend.core.errors import LivebendError, OutOfRange
from livebend.flow import Frame
from livebend.outputs.display import Display, View
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.wall import Wall

SIZE = (1920, 1080)
PICTURE = (456, 256)
BARE = "bare window"
MOST = 10_000  # drawings
KINDS: Mapping[str, Mapping[str, Any]] = {
    BARE: {},
    "fill": {"fit": "fill"},
    "mirror": {"fit": "mirror", "zoom": 0.5},
    "kaleidoscope": {"fit": "kaleidoscope"},
    "turned by a quarter": {"rotate": 90},
    "corner pin": {"top_left_x": 0.1, "top_left_y": 0.05, "bottom_right_x": -0.08},
    "gamma, black level": {"gamma": 1.2, "black_level": 0.02},
    "filter lanczos": {"filter": "lanczos"},
    "filter crisp": {"filter": "crisp"},
    "bloom": {"bloom": 1.0},
    "grain": {"grain": 0.5},
    "title": {"title": "livebend"},
    "test card": {"test_card": True},
}


def time_wall(drawings: int) -> list[dict[str, Any]]:
    """Draw each kind so many times, each time another picture; return the rows of a table.

    Raises: OutOfRange; LivebendError where there is no window system.
    """
    if not 1 <= drawings <= MOST:
        raise OutOfRange(f"--wall {drawings}: expected 1..{MOST} drawings")
    if not has_display():
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    import pygame  # noqa: PLC0415 - after livebend.outputs, which keeps its greeting off stdout

    try:
        pygame.display.init()
        pygame.font.init()
        took = {name: _times(settings, drawings) for name, settings in KINDS.items()}
    except pygame.error as why:
        raise LivebendError(f"no display: {why}") from why
    finally:
        pygame.font.quit()
        pygame.display.quit()
    bare = median(took[BARE])
    return [
        {
            "drawn": name,
            "median_ms": round(1e3 * median(times), 2),
            "least_ms": round(1e3 * min(times), 2),
            "more_ms": round(1e3 * (median(times) - bare), 2),
        }
        for name, times in took.items()
    ]


def _times(settings: Mapping[str, Any], drawings: int) -> list[float]:
    """The seconds that each drawing takes, after two that prepare."""
    import pygame  # noqa: PLC0415 - as above

    pane = SdlWindow("livebend bench", SIZE, (0, 0), vsync=False)
    wall, display, found = Wall(pane, now(), None), Display(View()), []
    for name, value in settings.items():
        display.set(name, value)
    pictures = [_picture(seed) for seed in (1, 2)]
    for number in range(drawings + 2):
        pygame.event.pump()
        begun = now()
        wall.take(pictures[number % 2])
        wall.follow(display.view, "", begun)
        wall.paint(display.view, begun)
        pane.present()
        found.append(now() - begun)
    pane.close()
    return found[2:]


def _picture(seed: int) -> Frame:
    """A smooth picture with noise."""
    wide, high = PICTURE
    y, x = np.mgrid[:high, :wide]
    noise = np.random.default_rng(seed).normal(0, 12, (high, wide, 3))
    plain = 128 + 100 * np.sin(x / 23 + seed)[..., None] * np.cos(y / 17)[..., None]
    return Frame(np.clip(plain + noise, 0, 255).astype(np.uint8), seed, 0.0, 0.0, 0.0)
