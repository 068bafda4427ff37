"""The wall as the window shows it: turned, mirrored, pinned, spanned, and what lies over it."""

from collections.abc import Iterator

import numpy as np
import pygame
import pytest
from PIL import Image

from livebend.core.errors import Refused
from livebend.flow import Frame
from livebend.outputs.display import View
from livebend.outputs.monitors import Monitor
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.overlay import Title, read_logo
from livebend.outputs.wall.pin_handles import PinHandles, small_pins
from livebend.outputs.wall.pixels import enlarged, glow
from livebend.outputs.wall.settings import Over
from tests.fakes.times import ManualTime
from tests.fakes.windows import GREEN, RED, Screen

HALVES = np.empty((32, 32, 3), np.uint8)
HALVES[:, :16], HALVES[:, 16:] = RED, GREEN  # red on the left


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    made.window.pane.window.size = (160, 80)
    made.window.poll()
    made.window.write(Frame(HALVES, 0, 0.0, 0.0, 0.0))
    yield made
    made.window.close()


def at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place, in parts of the window."""
    row, column = int(y * picture.shape[0]), int(x * picture.shape[1])
    return tuple(int(v) for v in picture[row, column])


@pytest.mark.parametrize(
    ("settings", "red", "green"),
    [
        ({"fit": "fill"}, (0.2, 0.5), (0.8, 0.5)),
        ({"fit": "stretch", "flip": "horizontal"}, (0.8, 0.9), (0.2, 0.1)),
        ({"fit": "fill", "rotate": 90}, (0.5, 0.2), (0.5, 0.8)),
        ({"fit": "fill", "rotate": 180}, (0.8, 0.5), (0.2, 0.5)),
        ({"fit": "fill", "rotate": 270}, (0.5, 0.8), (0.5, 0.2)),
        ({"fit": "stretch", "rotate": 90, "flip": "horizontal"}, (0.5, 0.8), (0.5, 0.2)),
        ({"fit": "mirror"}, (0.05, 0.5), (0.95, 0.5)),  # tiles have the same colour at an edge
        ({"fit": "mirror", "zoom": 0.5}, (0.3, 0.5), (0.55, 0.02)),
        ({"fit": "fit", "x": 0.25}, (0.6, 0.5), (0.9, 0.5)),
        ({"fit": "fill", "top_left_x": 0.5, "bottom_left_x": 0.5}, (0.6, 0.5), (0.9, 0.5)),
    ],
)
def test_the_picture_is_where_it_is_set(screen, settings, red, green):
    for name, value in settings.items():
        screen.display.set(name, value)
    picture = screen.picture()
    assert at(picture, *red) == RED
    assert at(picture, *green) == GREEN


def test_a_kaleidoscope_is_the_same_in_every_mirror(screen):
    screen.display.set("fit", "kaleidoscope")
    screen.display.set("mirrors", 2)
    picture = screen.picture().astype(int)
    assert picture.any(axis=2).all()
    assert np.abs(picture - picture[::-1])[1:-1].mean() < 4
    assert np.abs(picture - picture[:, ::-1])[:, 2:-2].mean() < 4


def test_beside_a_pinned_wall_is_black_and_blackout_is_black_everywhere(screen):
    screen.display.set("fit", "fill")
    screen.display.set("top_left_x", 0.3)
    picture = screen.picture()
    assert at(picture, 0.02, 0.05) == (0, 0, 0)
    assert at(picture, 0.4, 0.1) == RED
    screen.display.set("blackout", True)
    assert screen.picture().max() == 0
    screen.display.set("blackout", False)
    screen.display.set("brightness", 0.5)
    assert 120 <= at(screen.picture(), 0.4, 0.1)[0] <= 130


def test_what_the_gpu_has_lost_is_drawn_again(screen):
    screen.display.set("rotate", 90)
    before = screen.picture()
    screen.window._forget_textures()
    assert (screen.picture() == before).all()


def test_a_span_shows_each_display_its_part_and_fades_where_they_overlap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three displays: the operator's, and two projectors."""
    found = [Monitor(f"display {n}", 160 * n, 0, 160, 80) for n in range(3)]
    monkeypatch.setattr("livebend.outputs.picture_displays.lister", lambda _: lambda: found)
    monkeypatch.setattr("livebend.outputs.picture_displays.SETTLING", 0.0)
    screen = Screen((320, 80))
    screen.window.write(Frame(HALVES, 0, 0.0, 0.0, 0.0))
    for name, value in {"display": 1, "fit": "stretch", "also": "display 2"}.items():
        screen.display.set(name, value)
    screen.window.draw()
    own, other = screen.window.wall._screens
    other.pane.window.size = (160, 80)
    seen = [screen.picture(), seen_on(other.pane)]
    assert all(at(one, 0.2, 0.5) == RED and at(one, 0.8, 0.5) == GREEN for one in seen)
    assert screen.window.operator.pane is not None
    screen.display.set("span", True)
    seen = [screen.picture(), seen_on(other.pane)]
    assert at(seen[0], 0.1, 0.5) == at(seen[0], 0.9, 0.5) == RED
    assert at(seen[1], 0.1, 0.5) == at(seen[1], 0.9, 0.5) == GREEN
    screen.display.set("overlap", 0.25)
    seen = [screen.picture(), seen_on(other.pane)]
    assert seen[0][15, -2].max() < 60
    assert seen[1][15, 1].max() < 60
    assert at(seen[0], 0.7, 0.5) == RED
    screen.display.set("also", "all")
    screen.window.draw()
    assert screen.window.operator.pane is None  # no display is left for it
    assert not screen.display.view.meters
    screen.display.set("also", "nowhere")
    screen.window.draw()
    assert len(screen.window.wall._screens) == 1
    assert screen.told[-1].startswith("unknown display 'nowhere'")
    assert own.pane is screen.window.pane
    screen.window.close()


def test_each_projector_has_its_own_corners_and_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them side by side; what is set of the right one leaves the left one as it is."""
    screen = two_projectors(monkeypatch)
    other = screen.window.wall._screens[1]
    plain = screen.picture(), seen_on(other.pane)
    for name, value in {"top_left_x": 0.5, "bottom_left_x": 0.5, "brightness": 0.5}.items():
        screen.display.set(f"projector.2.{name}", value)
    seen = screen.picture(), seen_on(other.pane)
    assert (seen[0] == plain[0]).all()
    assert at(plain[1], 0.2, 0.5) == GREEN
    assert at(seen[1], 0.2, 0.5) == (0, 0, 0)  # its part alone is pinned, and nothing of the left
    assert at(seen[1], 0.7, 0.5) == (0, 128, 0)
    screen.display.set("projector.2.bottom_right_x", -0.95)  # its edges cross: that is no picture
    assert at((screen.picture(), seen_on(other.pane))[1], 0.2, 0.5) == (0, 128, 0)
    screen.window.close()


def test_a_projectors_gamma_and_black_are_beside_those_of_the_wall(monkeypatch):
    screen = two_projectors(monkeypatch)
    screen.window.write(Frame(np.full((32, 32, 3), 64, np.uint8), 0, 0.0, 0.0, 0.0))
    for name, value in {"gamma": 2.0, "projector.2.gamma": 1.5}.items():
        screen.display.set(name, value)
    screen.display.set("projector.2.black_level", 0.1)
    seen = screen.picture(), seen_on(screen.window.wall._screens[1].pane)
    x = 64 / 255
    assert at(seen[0], 0.5, 0.5)[0] == pytest.approx(255 * x ** (1 / 2), abs=1)
    assert at(seen[1], 0.5, 0.5)[0] == pytest.approx(255 * (0.1 + 0.9 * x ** (1 / 3)), abs=1)
    screen.window.close()


def test_a_projectors_corners_are_dragged_on_it_and_in_the_operators_view(monkeypatch):
    screen = two_projectors(monkeypatch)
    screen.display.set("pin", True)
    screen.display.set("pin_each", True)
    screen.window.draw()
    pane = screen.window.wall._screens[1].pane
    wide, high = pane.window.size
    drag(screen, (2, 2), (wide // 4, high // 4), on=pane)
    left, right = screen.display.view.projectors[:2]
    assert left.is_neutral
    assert right.corners[0] == pytest.approx((0.25, 0.25))
    assert screen.display.view.corners == ((0, 0),) * 4  # of the wall
    small = small_pins(
        (1000, 500), screen.window.wall.seen(screen.display.view), View(span=True, pin_each=True)
    )
    assert [pin.head for pin in small] == ["projector.1.", "projector.2."]
    assert small[0].area[0] + small[0].area[2] < small[1].area[0]
    left, top, wide, high = small[0].area
    corner, to = (left + wide, top), (left + 0.9 * wide, top + 0.1 * high)
    pane = SdlWindow("operator", (1000, 500), (0, 0), vsync=False)
    hand = PinHandles(screen.display)
    for kind, place in ((pygame.MOUSEBUTTONDOWN, corner), (pygame.MOUSEMOTION, to)):
        assert hand.take(pygame.Event(kind, window=pane.window, pos=place, button=1), pane, small)
    assert screen.display.view.projectors[0].corners[1] == pytest.approx((-0.1, 0.1))
    hand.draw_small(pane, small)
    assert seen_on(pane)[int(corner[1]), int(corner[0])].max() > 200
    pane.close()
    screen.window.close()


def two_projectors(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A picture that spans two displays, red on the left one and green on the right one."""
    found = [Monitor(f"display {n}", 160 * n, 0, 160, 80) for n in range(2)]
    monkeypatch.setattr("livebend.outputs.picture_displays.lister", lambda _: lambda: found)
    monkeypatch.setattr("livebend.outputs.picture_displays.SETTLING", 0.0)
    screen = Screen((320, 80))
    screen.window.write(Frame(HALVES, 0, 0.0, 0.0, 0.0))
    wanted = {"display": 0, "fit": "stretch", "also": "all", "span": True}
    wanted |= {f"projector.{n}.display": f"display {n - 1}" for n in (1, 2)}
    for name, value in wanted.items():
        screen.display.set(name, value)
    screen.window.draw()
    for one in screen.window.wall._screens:
        one.pane.window.size = (160, 80)
    screen.window.poll()
    return screen


def seen_on(pane: SdlWindow) -> np.ndarray:
    return np.swapaxes(pygame.surfarray.array3d(pane.renderer.to_surface()), 0, 1)


# ---- the hand on the corners


def drag(screen: Screen, *places: tuple[int, int], on: SdlWindow | None = None) -> None:
    window, kinds = (on or screen.window.pane).window, [pygame.MOUSEMOTION] * len(places)
    kinds[0] = pygame.MOUSEBUTTONDOWN
    for kind, place in zip(kinds, places, strict=True):
        pygame.event.post(pygame.Event(kind, window=window, pos=place, button=1))
    pygame.event.post(pygame.Event(pygame.MOUSEBUTTONUP, window=window, pos=places[-1], button=1))
    assert screen.window.poll() == []


def test_a_corner_is_dragged_to_where_the_mouse_is(screen):
    screen.display.set("fit", "fill")
    drag(screen, (0, 0), (32, 16))
    assert screen.display.view.corners == ((0, 0),) * 4  # it is not let
    screen.display.set("pin", True)
    drag(screen, (1, 1), (20, 8), (32, 16))
    assert screen.display.view.corners[0] == pytest.approx((0.2, 0.2))
    picture = screen.picture()
    assert at(picture, 0.05, 0.08) == (0, 0, 0)
    drag(screen, (32, 16), (150, 75))  # beyond the others: that would be no picture
    assert screen.display.view.corners[0] == pytest.approx((0.2, 0.2))
    drag(screen, (80, 40), (100, 40))  # not on a corner
    assert screen.display.view.corners[1:] == ((0, 0),) * 3


# ---- the picture's pixels, and what lies over it


def settled(screen: Screen, monkeypatch: pytest.MonkeyPatch, **settings: object) -> np.ndarray:
    """What is seen some seconds after settings."""
    time = ManualTime(100.0)
    monkeypatch.setattr("livebend.core.clock.now", time.now)
    for name, value in settings.items():
        screen.display.set(name, value)
    screen.window.draw()
    time.moment += 0.4
    return screen.picture()


def test_a_title_and_a_logo_lie_over_the_picture_and_go_with_black(screen, monkeypatch):
    plain = settled(screen, monkeypatch, fit="fill")
    logo = pygame.Surface((20, 10), pygame.SRCALPHA)
    logo.fill((0, 0, 255, 255))
    screen.window.wall._logo = logo
    picture = settled(screen, monkeypatch, logo=True, logo_x=0.0, logo_y=0.0, logo_size=0.5)
    assert at(picture, 0.5, 0.5) == (0, 0, 255)
    picture = settled(screen, monkeypatch, logo=False, title="XX", title_y=0.0, title_size=0.5)
    assert (picture != plain).any(axis=2).mean() > 0.02
    assert (picture[:10] == plain[:10]).all()
    assert settled(screen, monkeypatch, blackout=True).max() == 0


def test_a_title_is_seen_for_its_time_and_the_presets_where_there_is_no_other():
    title = Title()
    assert not title.follow(Over(), "Storm", 10.0)
    assert title.follow(Over(preset_title=True), "Storm", 20.0)
    assert title.text == "Storm"
    own = Over(title="Hello", preset_title=True, title_time=3.0)
    seen = []
    for moment in np.arange(30.0, 36.0, 0.1):
        title.follow(own, "Storm", float(moment))
        seen.append(title.opacity)
    assert title.text == "Hello"
    assert seen[0] == 0.0
    assert seen[10] == seen[29] == 1.0
    assert seen[-1] == 0.0
    assert np.abs(np.diff(seen)).max() < 0.2


def test_the_test_card_has_the_displays_name(screen, monkeypatch):
    before = settled(screen, monkeypatch)
    card = settled(screen, monkeypatch, test_card=True)
    assert (card != before).any(axis=2).mean() > 0.5
    colours = {tuple(pixel) for pixel in card.reshape(-1, 3).tolist()}
    assert {(255, 255, 0), (0, 255, 255), (255, 0, 255)} <= colours
    assert settled(screen, monkeypatch, blackout=True).max() == 0


def test_gamma_and_black_level_are_those_of_the_formula(screen, monkeypatch):
    grey = np.full((32, 32, 3), 64, np.uint8)
    screen.window.write(Frame(grey, 0, 0.0, 0.0, 0.0))
    picture = settled(screen, monkeypatch, fit="fill", gamma=2.0, black_level=0.1)
    expected = 255 * (0.1 + 0.9 * (64 / 255) ** 0.5)
    assert np.abs(picture.astype(float) - expected).max() <= 1
    assert settled(screen, monkeypatch, blackout=True).max() == 0


def test_grain_leaves_black_black_and_the_light_as_it_is(screen, monkeypatch):
    grey = np.full((32, 32, 3), 128, np.uint8)
    grey[:16] = 0
    screen.window.write(Frame(grey, 0, 0.0, 0.0, 0.0))
    picture = settled(screen, monkeypatch, fit="fill", grain=1.0).astype(float)
    upper, lower = picture[:10], picture[-20:]
    assert upper.max() == 0
    assert lower.std() > 10
    assert lower.mean() == pytest.approx(128, abs=6)


@pytest.mark.parametrize("filter", ["lanczos", "crisp"])
def test_enlarging_keeps_a_plain_picture_and_sharpens_an_edge(filter):
    plain = np.full((24, 32, 3), 90, np.uint8)
    assert np.abs(enlarged(plain, (96, 72), filter).astype(int) - 90).max() <= 1
    assert enlarged(plain, (16, 12), filter) is plain
    edge = np.zeros((32, 32, 3), np.uint8)
    edge[:, 16:] = 200
    large = enlarged(edge, (1000, 1000), filter)
    assert large.shape == (64, 64, 3)
    soft = np.asarray(Image.fromarray(edge).resize((64, 64), Image.Resampling.BILINEAR))
    steep = [np.abs(np.diff(one[32, :, 0].astype(int))).max() for one in (large, soft)]
    assert steep[0] > steep[1]
    if filter == "crisp":
        assert large.max() <= 200  # no rings


def test_glow_is_around_what_is_bright_alone():
    dark = np.full((64, 64, 3), 80, np.uint8)
    assert glow(dark).max() == 0
    dark[28:36, 28:36] = 255
    light = glow(dark)
    assert light[48, 48].min() > 60
    assert 0 < light[48, 64].max() < light[48, 48].min()
    assert light[0, 0].max() == 0


def test_a_logo_that_is_none_is_refused(tmp_path):
    (tmp_path / "logo.png").write_text("no picture")
    with pytest.raises(Refused, match=r"logo\.png: cannot be read as a picture"):
        read_logo(tmp_path / "logo.png")
    Image.new("RGBA", (30, 20), (255, 0, 0, 128)).save(tmp_path / "logo.png")
    assert tuple(read_logo(tmp_path / "logo.png").get_at((5, 5))) == (255, 0, 0, 128)


def test_no_screensaver_comes(screen):
    assert not pygame.display.get_allow_screensaver()


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (1920, 1080)),
        ({"rotate": 90}, (1080, 1920)),
        ({"span": True, "also": "0"}, (3840, 1080)),
    ],
)
def test_a_picture_has_the_shape_of_what_it_is_shown_on(monkeypatch, settings, shape):
    found = [Monitor(f"display {n}", 1920 * n, 0, 1920, 1080) for n in range(2)]
    monkeypatch.setattr("livebend.outputs.picture_displays.lister", lambda _: lambda: found)
    screen = Screen()
    assert screen.window.shape is None  # SDL's dummy is no display
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "x11")
    for name, value in settings.items():
        screen.display.set(name, value)
    screen.window.displays.follow(screen.display.view)
    assert screen.window.shape == shape
    monkeypatch.undo()
    screen.window.close()
