"""A show with a window, on SDL's dummy driver, played by the mouse from one end to the other."""

from dataclasses import replace

import pygame
import pytest

from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.outputs.operator_faders import COLUMNS
from livebend.outputs.operator_mouse import Grid, Grip
from livebend.scene import paths
from livebend.scene.presets import PresetBank
from tests.fakes.midi import FakePorts
from tests.fakes.windows import plug

ANGLE = "bend.heart.angle"


class Player:
    """Plays by the mouse what `play` yields, one step with each frame that is shown, until that is
    true which it yields; the show ends with the last."""

    def __init__(self, options: LiveOptions, play, **more: object) -> None:
        self.show = LiveShow(options, **more)
        self.window = None
        self._steps, self._until = play(self), None
        opened = self.show._screen

        def screen(ending):
            found = opened(ending)
            self.window = found._window
            return found

        self.show._screen = screen
        self.show.seen = self._step

    def run(self) -> None:
        """Play the show to its end."""
        self.show.play()
        assert self._until is True, "the show ended before the play did"

    def _step(self, _: object) -> None:
        if self._until is None or (callable(self._until) and self._until()):
            self._until = next(self._steps, True)
        if self._until is True:
            self.show.stop.set()

    def value(self, path: str) -> object:
        """The value of a parameter in the scene."""
        return paths.get(self.show.scenes.get(), path)

    def place(self, wanted) -> tuple[int, int] | None:
        """Where the target is for which `wanted` is true, in pixels of the operator's window."""
        view = self.window.board._view
        unit = view._canvas.unit if view._canvas else 1.0
        for x, y, wide, high, target in view.hand._places:
            if wanted(target):
                return round((x + wide / 2) * unit), round((y + high / 2) * unit)
        return None

    def fader(self, path: str) -> tuple[int, int] | None:
        """Where a fader is."""
        return self.place(lambda one: isinstance(one, Grip) and one.fader.path == path)

    def pad(self, slot: int) -> tuple[int, int]:
        """Where a slot's pad is."""
        view = self.window.board._view
        grid = next(one for one in view.hand._places if isinstance(one.target, Grid))
        x, y = (slot - 1) % COLUMNS + 0.5, (slot - 1) // COLUMNS + 0.5
        unit = view._canvas.unit
        return (
            round((grid.x + x * grid.target.width) * unit),
            round((grid.y + y * grid.target.height) * unit),
        )

    def post(self, kind: int, **more: object) -> None:
        """Have the operator's window get an event."""
        pygame.event.post(pygame.Event(kind, window=self.window.operator.pane.window, **more))


@pytest.fixture
def options(model_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    plug(monkeypatch, (1024, 768), (800, 600))
    return LiveOptions(
        model=str(model_folder("turbo")), size=(64, 64), preset="storm", seconds=60.0,
        osc="127.0.0.1:0", display="1",
    )  # fmt: skip


def test_a_fader_is_dragged_and_reset_and_a_pad_recalls(options):
    titles = {n: slot.title for n, slot in PresetBank().slots().items()}
    other = next(n for n, title in titles.items() if title != "Storm cellar")

    def play(player):
        yield lambda: player.fader(ANGLE) is not None
        x, y = player.fader(ANGLE)
        player.post(pygame.MOUSEBUTTONDOWN, button=1, pos=(x, y))
        player.post(pygame.MOUSEMOTION, pos=(x + 30, y))
        yield lambda: player.value(ANGLE) > 10.0
        player.post(pygame.MOUSEBUTTONUP, button=1, pos=(x + 30, y))
        player.post(pygame.MOUSEWHEEL, precise_y=4.0, y=4, x=0)
        before = player.value(ANGLE)
        yield lambda: player.value(ANGLE) > before
        player.post(pygame.MOUSEMOTION, pos=(x, y))
        for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP) * 2:
            player.post(kind, button=1, pos=(x, y))
        yield lambda: player.value(ANGLE) == 0.0
        player.post(pygame.MOUSEBUTTONDOWN, button=1, pos=player.pad(other))
        yield lambda: player.show.scenes.get().title == titles[other]

    Player(options, play).run()


def test_a_right_click_has_the_parameter_learn_a_control_and_says_which_it_is(options):
    ports = FakePorts("Knobs:x 20:0")

    def play(player):
        yield lambda: player.fader(ANGLE) is not None and player.show.hands.midi.devices
        player.post(pygame.MOUSEBUTTONDOWN, button=3, pos=player.fader(ANGLE))
        yield lambda: player.show.hands.midi.waiting == ANGLE
        for value in range(40, 48):
            ports.play("Knobs:x 20:0", (0xB0, 7, value))
        yield lambda: "Knobs cc.1.7" in player.window.board._says(ANGLE)

    Player(replace(options, midi="auto"), play, ports=lambda: ports).run()
