"""The operator's view under the mouse: what is dragged, clicked, turned and hovered over."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pygame
import pytest

from livebend.core.panel import Gesture, Panel
from livebend.core.status import Notice, Status
from livebend.outputs import operator_mouse
from livebend.outputs.card_area import Shown
from livebend.outputs.display import View
from livebend.outputs.key_table import Action
from livebend.outputs.operator_board import OperatorBoard, joined
from livebend.outputs.operator_mouse import Button, Grid, Grip, Hand, Mute, Part
from livebend.outputs.operator_view import OperatorView
from tests.fakes.panels import ANGLE, HIGH, MIX, a_panel
from tests.fakes.times import ManualTime
from tests.fakes.windows import RED, Screen, a_status, frame_of, plug

SIZE = (1024, 768)
METERS = View(meters=True)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> ManualTime:
    made = ManualTime(100.0)
    monkeypatch.setattr("livebend.core.clock.now", made.now)
    return made


class Operator:
    """A view that is drawn again whenever it is looked at, and a hand on it."""

    def __init__(self, size: tuple[int, int] = SIZE, status: Status | None = None) -> None:
        pygame.font.init()
        self.view, self.size, self.panel = OperatorView(), size, a_panel()
        self.status = status or a_status()
        self.draw()

    @property
    def hand(self) -> Hand:
        return self.view.hand

    def draw(self) -> np.ndarray:
        shown = Shown(self.status, METERS, panel=self.panel, says=lambda path: f"says {path}")
        return pygame.surfarray.array3d(self.view.draw(self.size, shown, over_picture=False))

    @property
    def places(self) -> list[tuple[float, float, float, float, object]]:
        """x, y, width, height and target of all that can be touched, each pad by itself."""
        found = []
        for x, y, wide, high, target in self.hand._places:
            if not isinstance(target, Grid):
                found.append((x, y, wide, high, target))
                continue
            for n, pad in enumerate(target.targets):
                at = (x + n % 8 * target.width, y + n // 8 * target.height)
                found.append((*at, target.width, target.height, pad))
        return found

    def place(self, wanted: object) -> tuple[float, float]:
        """The middle of a target, in units: a fader's by its path."""
        for x, y, wide, high, target in self.places:
            if wanted == (target.fader.path if isinstance(target, Grip) else target):
                return x + wide / 2, y + high / 2
        raise LookupError(wanted)

    def drag(self, path: str, way: float) -> list[object]:
        """Take a fader and move it by so many widths of its track."""
        x, y = self.place(path)
        width = next(p.target.width for p in self.hand._places if isinstance(p.target, Grip))
        return [*self.hand.press(1, (x, y)), *self.hand.move((x + way * width, y))]


def test_a_fader_moves_by_as_far_as_the_mouse_and_a_click_moves_nothing(time: ManualTime) -> None:
    operator = Operator()
    x, y = operator.place(ANGLE.path)
    assert operator.hand.press(1, (x, y)) == []
    assert operator.hand.move((x + 1, y)) == []
    operator.hand.release()
    time.moment += 5
    (set_it,) = operator.drag(ANGLE.path, 0.25)
    assert set_it == Gesture("set", ANGLE.path, pytest.approx(ANGLE.position + 0.25))
    assert operator.hand.move((x + 9999, y)) == [Gesture("set", ANGLE.path, 1.0)]
    assert operator.hand.move((x + 9999, y + 300)) == []
    assert operator.hand.move((x - 9999, y)) == [Gesture("set", ANGLE.path, 0.0)]


def test_a_fader_in_the_hand_is_moved_by_nothing_that_comes_in(time: ManualTime) -> None:
    operator = Operator()
    operator.drag(ANGLE.path, 0.25)
    for value in (-170.0, 12.0):
        operator.panel = a_panel(angle=replace(ANGLE, value=value))
        operator.draw()
        moved = operator.hand.moved(operator.panel.bends["swirl"][0])
        assert moved == pytest.approx(ANGLE.position + 0.25)
    assert operator.hand.moved(MIX) is None
    operator.hand.release()
    assert operator.hand.moved(ANGLE) == pytest.approx(ANGLE.position + 0.25)
    time.moment += operator_mouse.UNDER_WAY
    assert operator.hand.moved(ANGLE) is None


def test_what_arrives_after_a_drag_is_shown_at_once_and_from_then_on(time: ManualTime) -> None:
    operator = Operator()
    (set_it,) = operator.drag(ANGLE.path, 0.25)
    operator.hand.release()
    there = replace(ANGLE, value=ANGLE.reach.from_unit(set_it.amount))
    assert operator.hand.moved(there) is None
    assert operator.hand.moved(ANGLE) is None


def test_the_wheel_is_fine_a_double_click_resets_and_a_right_click_learns(
    time: ManualTime,
) -> None:
    operator = Operator()
    at = operator.place(HIGH.path)
    operator.hand.move(at)
    assert operator.hand.wheel(2.0) == [Gesture("turn", HIGH.path, 2.0)]
    assert operator.hand.wheel(0.0) == []
    assert operator.hand.press(1, at) == []
    operator.hand.release()
    assert operator.hand.press(1, at) == [Gesture("reset", HIGH.path)]
    operator.hand.release()
    time.moment += operator_mouse.DOUBLE / 2
    assert operator.hand.press(1, at) == []  # a third click begins anew
    operator.hand.release()
    time.moment += operator_mouse.DOUBLE
    assert operator.hand.press(1, at) == []
    operator.hand.release()
    assert operator.hand.press(1, operator.place(MIX.path)) == []
    operator.hand.release()
    assert operator.hand.press(3, at) == [Gesture("learn", HIGH.path)]
    assert operator.hand.press(3, at, shift=True) == [Gesture("forget", HIGH.path)]
    assert operator.hand.press(2, at) == []


def test_buttons_pads_and_lamps(time: ManualTime) -> None:
    operator = Operator()
    found = {t.action.name: t for t in targets(operator) if isinstance(t, Button)}
    assert [*found] == ["tap", "undo", "panic", "freeze", "blackout"]
    assert operator.hand.press(1, operator.place(found["panic"])) == [Action("panic")]
    pads = operator.panel.pads
    assert operator.hand.press(1, operator.place(pads[4])) == [Action("preset", 5)]
    assert operator.hand.press(1, operator.place(pads[4]), shift=True) == [Action("store", 5)]
    assert operator.hand.press(1, operator.place(pads[4]), ctrl=True) == [Action("cross", 5)]
    assert operator.hand.press(1, operator.place(pads[63])) == []
    assert operator.hand.press(1, operator.place(pads[63]), shift=True) == [Action("store", 64)]
    assert operator.hand.press(1, operator.place(Mute("bend.glass"))) == [
        Gesture("mute", "bend.glass")
    ]
    assert operator.hand.press(1, (1.0, 1.0)) == []


def test_a_click_on_a_name_shows_all_of_its_faders(time: ManualTime) -> None:
    operator = Operator()
    few = paths(operator)
    assert "bend.swirl.mask.x" not in few
    operator.hand.press(1, operator.place(Part("bend.swirl")))
    operator.draw()
    assert paths(operator) - few == {"bend.swirl.mask.x", "bend.swirl.mask.y"}
    operator.hand.press(1, operator.place(Part("bend.swirl")))
    operator.draw()
    assert paths(operator) == few


def test_a_notice_is_clicked_away_and_its_like_comes_again(time: ManualTime) -> None:
    operator = Operator()
    newest = operator.status.notices[-1]
    operator.hand.press(1, operator.place(newest))
    operator.draw()
    shown = [t for t in targets(operator) if isinstance(t, Notice)]
    assert newest not in shown
    assert len(shown) == 5
    again = replace(newest, time=9.0)
    operator.status = replace(operator.status, notices=(again,))
    operator.draw()
    assert [t for t in targets(operator) if isinstance(t, Notice)] == [again]
    assert not operator.hand._gone


def test_what_the_mouse_is_over_is_said_and_lit(time: ManualTime) -> None:
    operator = Operator()
    plain = operator.draw()
    over = {
        ANGLE.path: "says bend.swirl.angle",
        operator.panel.pads[
            4
        ]: "slot 5  Dub  ·  click recalls, Ctrl click crosses, Shift click stores the scene",
        operator.panel.pads[8]: "slot 9  empty  ·  Shift click stores the scene",
        Part("route.kick"): "route.kick  ·  click: all of its faders",
        Mute("bend.swirl"): "bend.swirl.mute  ·  click: on and off",
        operator.status.notices[-1]: "7: told  ·  click: away",
    }
    for target, said in over.items():
        operator.hand.move(operator.place(target))
        assert operator.hand.said(lambda path: f"says {path}") == said
        assert (operator.draw() != plain).any(), said
    operator.hand.leave()
    assert operator.hand.said(str) == ""
    assert (operator.draw() == plain).all()


def test_a_fader_that_is_learnt_says_so(time: ManualTime) -> None:
    operator = Operator()
    plain = operator.draw()
    operator.panel = a_panel(learning=ANGLE.path)
    assert (operator.draw() != plain).any()


def targets(operator: Operator) -> list[object]:
    return [target for *_, target in operator.places]


def paths(operator: Operator) -> set[str]:
    return {one.fader.path for one in targets(operator) if isinstance(one, Grip)}


@pytest.mark.parametrize("size", [(972, 652), (1024, 768), (1060, 720), (1280, 800), (1920, 1080)])
def test_all_that_is_played_fits(size: tuple[int, int], time: ManualTime) -> None:
    operator = Operator(size)
    unit = operator.view._canvas.unit
    assert paths(operator) >= {ANGLE.path, MIX.path, HIGH.path, "output.brightness"}
    assert sum(t in operator.panel.pads for t in targets(operator)) == 64
    for x, y, wide, high, _ in operator.places:
        assert min(x, y) >= 0
        assert (x + wide) * unit <= size[0]
        assert (y + high) * unit <= size[1] - 20
    for (x, y, wide, high, one), (x2, y2, wide2, high2, other) in combinations(operator.places, 2):
        beside = x + wide <= x2 + 1e-6 or x2 + wide2 <= x + 1e-6
        assert beside or y + high <= y2 + 1e-6 or y2 + high2 <= y + 1e-6, (one, other)


def test_a_crowd_of_bends_fits_and_each_can_be_opened(time: ManualTime) -> None:
    (bend, _), many = a_status().bends, range(12)
    status = replace(a_status(), bends=tuple(replace(bend, name=f"b{n}") for n in many))
    operator = Operator(status=status)
    operator.panel = replace(a_panel(), bends={f"b{n}": (ANGLE, MIX) for n in many})
    operator.draw()
    assert {Part(f"bend.b{n}") for n in many} < {
        t for t in targets(operator) if isinstance(t, Part)
    }
    assert ANGLE.path not in paths(operator)
    operator.hand.press(1, operator.place(Part("bend.b7")))
    operator.draw()
    assert ANGLE.path in paths(operator)


def test_positions_on_the_way_are_left_out() -> None:
    first, last, other = (Gesture("set", "a", n) for n in (0.1, 0.2, 0.9))
    tap = Action("tap")
    assert joined([first, last, tap, first, other]) == [last, tap, other]
    assert joined([first, replace(last, path="b")]) == [first, replace(last, path="b")]


# ---- on a window


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A window with two displays, whose operator's view is played."""
    plug(monkeypatch, (1024, 768), (800, 600))
    made = Screen()
    made.window.board.play(a_panel, lambda path: path)
    made.window.write(frame_of(RED))
    made.window.poll()
    made.window.draw()
    yield made
    made.window.close()


def pixels(board: OperatorBoard, wanted: str) -> tuple[int, int]:
    """The middle of a fader, in pixels of its window."""
    view = board._view
    place = next(
        one for one in view.hand._places
        if isinstance(one.target, Grip) and one.target.fader.path == wanted
    )  # fmt: skip
    unit = view._canvas.unit
    return round((place.x + place.width / 2) * unit), round((place.y + place.height / 2) * unit)


def post(window: pygame.Window, kind: int, **more: object) -> None:
    pygame.event.post(pygame.Event(kind, window=window, **more))


def test_the_mouse_plays_the_operators_window(screen: Screen) -> None:
    own = screen.window.operator.pane.window
    at = pixels(screen.window.board, ANGLE.path)
    post(own, pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    for way in (10, 20, 30):
        post(own, pygame.MOUSEMOTION, pos=(at[0] + way, at[1]))
    (set_it,) = screen.window.poll()
    assert (set_it.what, set_it.path) == ("set", ANGLE.path)
    assert set_it.amount > ANGLE.position
    assert screen.window.board.is_held
    post(own, pygame.MOUSEBUTTONUP, button=1, pos=at)
    assert screen.window.poll() == []
    assert not screen.window.board.is_held
    post(own, pygame.MOUSEMOTION, pos=at)
    post(own, pygame.MOUSEWHEEL, precise_y=-1.0, y=-1, x=0)
    assert screen.window.poll() == [Gesture("turn", ANGLE.path, -1.0)]
    post(own, pygame.WINDOWLEAVE)
    assert screen.window.poll() == []
    assert screen.window.board._view.hand.at is None


def test_buttons_do_what_keys_do(screen: Screen) -> None:
    own, view = screen.window.operator.pane.window, screen.window.board._view
    for one in [p for p in view.hand._places if isinstance(p.target, Button)]:
        unit = view._canvas.unit
        at = (round((one.x + 5) * unit), round((one.y + 5) * unit))
        post(own, pygame.MOUSEBUTTONDOWN, button=1, pos=at)
        post(own, pygame.MOUSEBUTTONUP, button=1, pos=at)
    assert screen.window.poll() == [Action("tap"), Action("undo"), Action("panic")]
    assert screen.display.view.freeze
    assert screen.display.view.blackout


def test_the_mouse_over_the_picture_does_nothing(screen: Screen) -> None:
    at = pixels(screen.window.board, ANGLE.path)
    picture = screen.window.pane.window
    post(picture, pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    post(picture, pygame.MOUSEMOTION, pos=(at[0] + 40, at[1]))
    post(picture, pygame.MOUSEBUTTONUP, button=1, pos=at)
    assert screen.window.poll() == []


def test_a_fader_is_let_go_with_its_window(screen: Screen) -> None:
    own = screen.window.operator.pane.window
    at = pixels(screen.window.board, ANGLE.path)
    post(own, pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    screen.window.poll()
    screen.display.set("meters", False)
    screen.window.draw()
    post(screen.window.pane.window, pygame.MOUSEBUTTONUP, button=1, pos=at)
    assert screen.window.poll() == []
    assert not screen.window.board.is_held


def test_on_one_display_the_view_over_the_picture_is_played_and_without_it_nothing_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plug(monkeypatch, (1280, 1024))
    seen: list[bool] = []
    monkeypatch.setattr(pygame.mouse, "set_visible", seen.append)
    screen = Screen((640, 640))
    screen.window.board.play(a_panel, lambda path: path)
    screen.window.write(frame_of(RED))
    screen.window.pane.window.size = (1000, 760)
    screen.display.set("meters", True)
    screen.window.draw()
    at, picture = pixels(screen.window.board, ANGLE.path), screen.window.pane.window
    post(picture, pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    post(picture, pygame.MOUSEMOTION, pos=(at[0] + 40, at[1]))
    post(picture, pygame.MOUSEBUTTONUP, button=1, pos=at)
    (set_it,) = screen.window.poll()
    assert (set_it.what, set_it.path) == ("set", ANGLE.path)
    screen.display.set("fullscreen", True)
    screen.window.draw()
    assert seen == [True]
    screen.display.set("meters", False)
    screen.window.draw()
    assert seen == [True, False]
    post(picture, pygame.MOUSEBUTTONDOWN, button=1, pos=at)
    post(picture, pygame.MOUSEMOTION, pos=(at[0] + 40, at[1]))
    assert screen.window.poll() == []
    clean = screen.picture()
    assert ((clean == RED) | (clean == 0)).all()
    screen.window.close()


def test_without_a_show_nothing_can_be_played() -> None:
    pygame.font.init()
    view = OperatorView()
    view.draw(SIZE, Shown(a_status(), METERS), over_picture=False)
    kinds = {type(one.target) for one in view.hand._places}
    assert kinds == {Button, Part, Notice}
    assert Panel().shape == (0, 0, (), ())
