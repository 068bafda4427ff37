"""A render thread that fails or hangs is started again, and the show plays to its end: in real
time, with all of its threads."""

import threading

import pytest

from livebend.cli import painting
from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.rendering.renderer import Renderer
from livebend.scene.presets import save
from livebend.scene.values import Bend, Prompt, Scene

SCENE = Scene(prompt=Prompt("a red orb"), bends=(Bend("b", "rotate_pairs", "unet.mid"),))


@pytest.fixture
def show(model_folder, tmp_path):
    save(SCENE, tmp_path / "plain.toml", "A test's.")
    return LiveShow(
        LiveOptions(
            model=str(model_folder("turbo")),
            backend="torch",
            size=(64, 64),
            fps=20.0,
            seconds=3.0,
            headless=True,
            osc="127.0.0.1:0",
            preset=str(tmp_path / "plain.toml"),
        )
    )


@pytest.fixture
def faults(monkeypatch):
    """Return a function that has `fault(number, scene)` called before every frame."""
    paint, count = Renderer.__call__, [0]

    def install(fault):
        def painted(renderer, scene, features, tick):
            count[0] += 1
            fault(count[0], scene)
            return paint(renderer, scene, features, tick)

        monkeypatch.setattr(Renderer, "__call__", painted)

    return install


def said(show):
    return [notice["text"] for notice in show.statistics.report()["notices"]]


def test_one_that_fails_goes_on_with_the_scene(show, faults):
    def fail(number, scene):
        if number == 5:
            raise ValueError("no")

    faults(fail)
    report = show.play()
    assert "render failed: ValueError: no; it is started again" in said(show)
    assert report["frames_generated"] > 10
    assert show.scenes.get().bends


def test_one_that_fails_for_its_scene_goes_on_without_its_bends(show, faults):
    def fail(number, scene):
        if number >= 5 and scene.bends:
            raise ValueError("no")

    faults(fail)
    report = show.play()
    assert report["frames_generated"] > 10
    assert show.scenes.get().bends == ()
    assert show.scenes.get().past[-1].bends  # undo brings them back


def test_one_that_hangs_is_replaced(show, faults, monkeypatch):
    free = threading.Event()

    def hang(number, scene):
        if number == 5:
            free.wait(60.0)

    monkeypatch.setattr(painting, "PATIENCE", 0.5)
    faults(hang)
    report = show.play()
    free.set()
    assert "render hangs; it is started again" in said(show)
    assert report["frames_generated"] > 5
    assert not show.hung
