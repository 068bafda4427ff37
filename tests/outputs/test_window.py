"""The window, headless: what is shown, what is held, and what keys do."""

from collections.abc import Iterator

import numpy as np
import pygame
import pytest

from livebend.core.errors import LivebendError
from livebend.core.status import Status
from livebend.flow import Frame
from livebend.outputs.card_area import Shown
from livebend.outputs.display import Display, View
from livebend.outputs.drawing import Canvas
from livebend.outputs.key_table import Action
from livebend.outputs.loading_picture import loading_picture
from livebend.outputs.operator_view import OperatorView
from livebend.outputs.sdl_window import placed
from tests.fakes.times import ManualTime
from tests.fakes.windows import BLUE, GREEN, RED, Screen, a_status, frame_of, plug, plug_in


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    made.window.poll()
    yield made
    made.window.close()


@pytest.mark.parametrize(
    ("picture", "room", "cover", "rect"),
    [
        ((512, 512), (1920, 1080), False, (420, 0, 1080, 1080)),
        ((512, 512), (1920, 1080), True, (0, -420, 1920, 1920)),
        ((512, 320), (1024, 640), False, (0, 0, 1024, 640)),
        ((512, 320), (640, 640), False, (0, 120, 640, 400)),
    ],
)
def test_the_picture_keeps_its_aspect(
    picture: tuple[int, int], room: tuple[int, int], cover: bool, rect: tuple[int, ...]
) -> None:
    assert tuple(placed(picture, room, cover)) == rect


def test_loading_is_quiet_and_not_black(screen: Screen) -> None:
    picture = screen.picture()
    assert picture.max() > 40
    assert picture.mean() < 90
    assert (loading_picture(0.0) != loading_picture(1.5)).any()


def test_the_newest_frame_is_shown_and_uploaded_once(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, upload = [], screen.window.pane.upload
    monkeypatch.setattr(
        screen.window.pane,
        "upload",
        lambda *given, **more: (uploads.append(given), upload(*given, **more))[1],
    )
    screen.window.write(frame_of(RED))
    screen.window.write(frame_of(GREEN))
    assert screen.centre() == GREEN
    screen.window.draw()
    screen.window.draw()
    assert len(uploads) == len(screen.shown) == 1
    screen.window.write(frame_of(BLUE, (64, 32)))
    assert screen.centre() == BLUE
    assert len(uploads) == 2


def test_bars_are_black_and_fill_has_none(screen: Screen) -> None:
    screen.window.write(frame_of(RED, (64, 16)))
    picture = screen.picture()
    assert tuple(picture[0, picture.shape[1] // 2]) == (0, 0, 0)
    screen.display.set("fit", "fill")
    assert tuple(screen.picture()[0, picture.shape[1] // 2]) == RED


def test_blackout_is_black_and_its_release_shows_the_newest(screen: Screen) -> None:
    screen.window.write(frame_of(RED))
    screen.window.draw()
    screen.display.set("meters", True)
    screen.display.set("blackout", True)
    assert screen.picture().max() == 0
    screen.window.write(frame_of(GREEN))
    assert screen.picture().max() == 0
    screen.display.set("meters", False)
    screen.display.set("blackout", False)
    assert screen.centre() == GREEN


def test_black_comes_and_goes_in_its_time(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 100.5, 101.5, 102.5, 103.0, 103.5, 110.0])
    monkeypatch.setattr("livebend.core.clock.now", lambda: next(moments))
    screen.display.set("fade", 2.0)
    screen.window.write(frame_of((200, 100, 50)))
    levels = [screen.centre()[0]]  # as it is shown, before anything is asked for
    screen.display.set("blackout", True)
    levels += [screen.centre()[0] for _ in range(3)]
    screen.display.set("blackout", False)
    levels += [screen.centre()[0] for _ in range(3)]
    assert np.abs(np.array(levels, float) - [200, 150, 50, 0, 50, 100, 200]).max() <= 2


def test_a_picture_that_does_not_come_is_bridged_and_black_acts_at_once(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network hangs: nothing writes a frame any more, and the window goes on."""
    time = ManualTime(100.0)
    monkeypatch.setattr("livebend.core.clock.now", time.now)
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[None, :, None] * 6 + 40, (32, 32, 3))
    screen.window.write(Frame(np.ascontiguousarray(ramp), 0, 0.0, 0.0, 0.0))
    first, seen = screen.picture(), []
    for _ in range(80):
        time.moment += 0.05
        seen.append(screen.picture())
    assert (seen[5] == first).all()
    assert (seen[-1] != first).any()
    assert all((picture.max(axis=(0, 1)) > 40).all() for picture in seen)
    assert screen.late[5] == 0.0
    assert screen.late[-1] > 3.0
    screen.display.set("blackout", True)
    assert screen.picture().max() == 0
    screen.display.set("blackout", False)
    screen.display.set("brightness", 0.5)
    assert 0 < screen.picture().max() < 130


def test_freeze_holds_and_its_release_shows_the_newest(screen: Screen) -> None:
    screen.window.write(frame_of(RED))
    screen.window.draw()
    screen.press(pygame.K_SPACE)
    screen.window.write(frame_of(GREEN))
    assert screen.centre() == RED
    screen.press(pygame.K_SPACE)
    assert screen.centre() == GREEN


def test_freeze_before_the_first_frame_still_shows_it(screen: Screen) -> None:
    screen.display.set("freeze", True)
    screen.window.write(frame_of(RED))
    assert screen.centre() == RED


def test_brightness_dims(screen: Screen) -> None:
    screen.window.write(frame_of((200, 100, 50)))
    screen.display.set("brightness", 0.5)
    assert np.abs(np.array(screen.centre()) - (100, 50, 25)).max() <= 2


def test_keys_of_the_display_are_done_here_and_the_others_returned(screen: Screen) -> None:
    assert screen.press(pygame.K_b) == []
    assert screen.display.view.blackout
    assert screen.press(pygame.K_m) == []
    assert screen.display.view.meters
    assert screen.press(pygame.K_F1) == []
    assert screen.display.view.help
    assert screen.press(pygame.K_p) == [Action("panic")]
    assert screen.press(pygame.K_p) == [Action("panic")]
    assert screen.press(pygame.K_u) == [Action("undo")]
    assert screen.press(pygame.K_4, 0, pygame.KSCAN_4) == [Action("preset", 4)]
    # a French keyboard: the same place on the keyboard, another letter
    assert screen.press(pygame.K_QUOTE, pygame.KMOD_LSHIFT, pygame.KSCAN_4) == [Action("store", 4)]
    assert screen.press(pygame.K_q, pygame.KMOD_LCTRL) == [Action("close")]
    assert screen.press(pygame.K_q) == []


def test_escape_leaves_full_screen_and_never_the_show(screen: Screen) -> None:
    screen.press(pygame.K_F11)
    screen.window.draw()
    assert screen.display.view.fullscreen
    assert screen.press(pygame.K_ESCAPE) == []
    screen.window.draw()
    assert not screen.display.view.fullscreen
    assert screen.press(pygame.K_ESCAPE) == []


def test_the_close_button_ends_the_show(screen: Screen) -> None:
    window = screen.window.pane.window
    pygame.event.post(pygame.Event(pygame.WINDOWCLOSE, window=window))
    assert screen.window.poll() == [Action("close")]


def test_meters_lie_over_the_picture_on_one_display(screen: Screen) -> None:
    screen.window.write(frame_of(RED))
    plain = screen.picture()
    screen.display.set("meters", True)
    assert (screen.picture() != plain).any()
    assert screen.window.operator.pane is None
    screen.display.set("meters", False)
    assert (screen.picture() == plain).all()


def test_meters_have_their_own_window_on_two_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, (800, 600), (1024, 768))
    screen = Screen()
    screen.window.write(frame_of(RED))
    assert screen.display.view.meters
    assert (screen.picture() == np.array(RED)).all()
    assert screen.window.operator.pane is not None
    assert screen.window.displays.output.name == "display 1"
    screen.press(pygame.K_d)
    assert screen.window.displays.output.name == "display 0"
    close = pygame.Event(pygame.WINDOWCLOSE, window=screen.window.operator.pane.window)
    pygame.event.post(close)
    assert screen.window.poll() == []
    assert not screen.display.view.meters
    screen.window.close()


def test_textures_lost_by_the_gpu_come_back(screen: Screen) -> None:
    screen.window.write(frame_of(RED))
    screen.window.draw()
    pygame.event.post(pygame.Event(pygame.RENDER_DEVICE_RESET))
    screen.window.poll()
    assert screen.centre() == RED


@pytest.mark.parametrize("size", [(320, 240), (600, 600), (1060, 720), (3840, 2160)])
@pytest.mark.parametrize("status", [Status(), a_status()], ids=["empty", "full"])
def test_the_operators_view_is_drawn_at_any_size(size: tuple[int, int], status: Status) -> None:
    pygame.font.init()
    view = Display().view
    surface = OperatorView().draw(size, Shown(status, view), over_picture=False)
    assert surface.get_size() == size
    assert surface.get_at((size[0] - 1, size[1] - 1)).a == 255
    shown = Display()
    shown.set("meters", True)
    shown.set("help", True)
    over = OperatorView().draw(size, Shown(status, shown.view), over_picture=True)
    assert over.get_at((0, 0)).a == 0
    assert pygame.surfarray.array_alpha(over).max() >= 216


def test_numbers_stand_still() -> None:
    pygame.font.init()

    def drawn(text: str) -> np.ndarray:
        canvas = Canvas((200, 40), 1.0)
        canvas.number(180, 20, text, 18.5, (255, 255, 255))
        return pygame.surfarray.array_alpha(canvas.surface)

    changed = np.flatnonzero((drawn("21.5") != drawn("28.5")).any(axis=1))
    assert 0 < np.ptp(changed) < 8  # the one digit that changed, and nothing beside it


@pytest.mark.parametrize("sizes", [[(1920, 1080), (1024, 768)], [(1024, 768), (800, 600)]])
def test_the_operators_window_fits_its_display(
    monkeypatch: pytest.MonkeyPatch, sizes: list[tuple[int, int]]
) -> None:
    plug(monkeypatch, *sizes)
    made = Screen()
    made.display.set("display", 0)
    made.window.draw()
    wide, high = made.window.operator.pane.window.size
    made.window.close()
    assert wide <= sizes[1][0] * 0.95
    assert high <= sizes[1][1] * 0.85


def test_without_a_display_left_the_window_goes_on_and_shows_the_newest_on_the_next(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.window.write(frame_of(RED))
    screen.window.draw()
    plug_in(screen, monkeypatch)
    screen.window.write(frame_of(GREEN))
    assert screen.press(pygame.K_d) == []
    shown = len(screen.shown)
    screen.window.draw()
    assert len(screen.shown) == shown
    plug_in(screen, monkeypatch, (1024, 768))
    assert screen.centre() == GREEN
    gone, there = screen.told
    assert gone.endswith("is gone: no display is left, and the show goes on without one")
    assert there == "display display 0 is there: the picture is on display 0"


def test_a_picture_that_goes_to_safety_stays_clean_and_comes_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plug(monkeypatch, (800, 600), (1024, 768))
    screen = Screen()
    screen.window.write(frame_of(RED))
    screen.window.draw()
    plug_in(screen, monkeypatch, (800, 600))
    assert screen.window.operator.pane is None
    assert (screen.picture() == np.array(RED)).all()
    screen.press(pygame.K_m)
    assert (screen.picture() != np.array(RED)).any()
    screen.press(pygame.K_m)
    plug_in(screen, monkeypatch, (800, 600), (1024, 768))
    assert screen.window.operator.pane is not None
    assert (screen.picture() == np.array(RED)).all()
    assert screen.told == [
        "display display 1 is gone: the picture is on display 0",
        "display display 1 is back: the picture is on display 1",
    ]
    screen.window.close()


def test_a_show_that_begins_without_a_display_waits_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plug(monkeypatch)
    screen = Screen()
    screen.window.write(frame_of(RED))
    screen.window.draw()
    assert screen.shown == []
    plug_in(screen, monkeypatch, (1024, 768))
    assert screen.centre() == RED
    assert screen.told[1:] == ["display display 0 is there: the picture is on display 0"]
    screen.window.close()


def test_a_display_that_is_gone_is_one_line_and_nothing_waits_for_it(screen: Screen) -> None:
    screen.window._lose()
    with pytest.raises(LivebendError, match="the display is gone"):
        screen.window.poll()
    screen.window.close()
    assert pygame.display.get_init()
    screen.window.lost = False


def test_the_film_that_is_written_and_the_code_of_the_remote_are_in_the_operators_view(
    screen: Screen,
) -> None:
    def drawn(**more: object) -> np.ndarray:
        shown = Shown(a_status(), View(meters=True), **more)
        surface = OperatorView().draw((1060, 720), shown, over_picture=False)
        return pygame.surfarray.array3d(surface)

    assert (drawn(recording="0:12, room for 3:20:00") != drawn()).any()
    assert (drawn(remote=("http://10.0.0.2:8000", "123456")) != drawn()).any()
