"""A sweep paints one picture for every pair of values, and labels them."""

from dataclasses import replace

import numpy as np
import pytest

from livebend.cli.sweep import NEW, Axis, SweepOptions, axis, grid_of, paint, sweep, upstream
from livebend.core.errors import LivebendError, OutOfRange, Refused
from livebend.rendering.network import Network
from livebend.rendering.painter import PLAIN, Painter
from livebend.scene.values import Bend
from tests.fakes.sheets import cells_of, count_of


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def test_an_axis_is_a_list_or_a_spread():
    assert axis("seed=1,2,3") == Axis("seed", (1.0, 2.0, 3.0))
    assert axis("a.b=x,y").values == ("x", "y")
    assert axis("walk.radius=0..1/3").values == (0.0, 0.5, 1.0)
    for bad in ("seed", "=1", "seed=", "seed=0..1", "seed=0..1/1", "seed=a..b/3"):
        with pytest.raises(OutOfRange, match="expected path="):
            axis(bad)


def test_a_sheet_holds_every_pair(tmp_path, model_folder):
    options = SweepOptions(
        preset="paper/f1", output=tmp_path / "sheet.png", rows="bend.turn.angle=0,90,360",
        columns="seed=1,2", model=str(model_folder("turbo")), size=(64, 64), dtype="float32",
    )  # fmt: skip
    assert sweep(options, print) == 6
    cells = cells_of(tmp_path / "sheet.png")
    assert [len(row) for row in cells] == [2, 2, 2]
    assert np.array_equal(cells[0], cells[2])  # a whole turn is nothing
    assert count_of(cells) == 4


def test_what_cannot_be_swept_is_refused(tmp_path, model_folder):
    model = str(model_folder("turbo"))
    for preset, rows, columns, output in (
        ("storm", "seed=1", "", "a.png"),
        ("storm", "seed=1", "walk.radios=1", "a.png"),
        ("storm", "seed=1", "walk.radius=9", "a.png"),
        ("storm", "seed=1", "seed=2", "a.gif"),
        ("storm", "seed=1", "seed=2", "nowhere/a.png"),
    ):
        with pytest.raises(LivebendError):
            sweep(
                SweepOptions(
                    preset=preset, output=tmp_path / output, rows=rows, columns=columns,
                    model=model, size=(64, 64),
                ),
                print,
            )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_that_cannot_be_written_is_refused_before_it_is_painted(tmp_path, monkeypatch):
    monkeypatch.setattr("livebend.cli.sweep.paint", lambda *_, **__: pytest.fail("painted"))
    for output in (tmp_path / "a.gif", tmp_path, tmp_path / "nowhere" / "a.png"):
        with pytest.raises(Refused, match=r"expected|no folder") as raised:
            sweep(SweepOptions(preset="paper/f1", output=output), print)
        assert "\n" not in str(raised.value)


def test_a_sweep_runs_on_its_backend(tmp_path, model_folder):
    told = []
    options = SweepOptions(
        output=tmp_path / "sheet.png", rows="seed=1,2", columns="walk.radius=0,1",
        model=str(model_folder("turbo")), size=(64, 64), backend="auto",
    )  # fmt: skip
    assert sweep(options, told.append) == 4
    with pytest.raises(Exception, match="unknown backend 'onx'"):
        sweep(replace(options, backend="onx"), print)


# ---- the explorer


def explored(tmp_path, model_folder, rows, columns, bend="rotate_pairs@unet.mid", **more):
    file = tmp_path / "sheet.png"
    options = SweepOptions(
        output=file, rows=rows, columns=columns, bend=bend, model=str(model_folder("turbo")),
        size=(64, 64), dtype="float32", **more,
    )  # fmt: skip
    count, cells = sweep(options, print), cells_of(file)
    assert count == len(axis(rows).values) * len(axis(columns).values) == sum(map(len, cells))
    return cells


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ("bend.new.angle=30,60,90", "bend.new.site=unet.mid,unet.up.1,latent@1"),
        ("bend.new.operator=rotate_pairs,negate,hadamard", "bend.new.main=0.5,0.9"),
        ("bend.new.main=0.5,1", "bend.new.operator=add,binary"),
        ("prompt.text=a red orb,a blue flower", "bend.new.channels=0-3,4-9"),
        ("bend.new.mix=0.5,1", "sampling.steps=1,2"),
    ],
)
def test_anything_can_lie_along_an_axis(tmp_path, model_folder, rows, columns):
    more = {"sets": (("bend.new.angle", 40.0),)}
    cells = explored(tmp_path, model_folder, rows, columns, **more)
    assert count_of(cells) == sum(map(len, cells))


def test_a_mask_can_lie_along_an_axis(tmp_path, model_folder):
    rows, columns = "bend.new.mask.kind=disc,gradient", "bend.new.mask.x=-0.5,0.5"
    more = {"sets": (("bend.new.angle", 40.0),)}
    cells = explored(tmp_path, model_folder, rows, columns, "rotate_pairs@unet.up.3", **more)
    assert count_of(cells) == 4


def test_labels_have_degrees_and_the_papers_layers(tmp_path, model_folder, monkeypatch):
    written = []
    monkeypatch.setattr("livebend.cli.sweep.write_sheet", lambda *given: written.append(given[2:4]))
    sites = "bend.turn.site=latent@0.2,unet.mid"
    options = SweepOptions(
        preset="paper/f1", output=tmp_path / "s.png", rows="bend.turn.angle=0,45", columns=sites,
        model=str(model_folder("turbo")), size=(64, 64), dtype="float32",
    )  # fmt: skip
    sweep(options, print)
    assert written == [(["0°", "45°"], ["latent@0.2 · L10", "unet.mid"])]


def test_depths_can_be_spread():
    assert axis("bend.x.site=latent@0..1/3").values == ("latent@0", "latent@0.5", "latent@1")


def test_a_text_that_reads_as_a_number_and_a_switch_stay_what_they_are(tmp_path, model_folder):
    cells = explored(
        tmp_path, model_folder, "prompt.text=1984,orb", "bend.new.mute=true,false",
        sets=(("bend.new.angle", 90.0),),
    )  # fmt: skip
    assert count_of(cells) == 4


@pytest.mark.parametrize(
    ("rows", "bend", "said"),
    [
        ("bend.new.operator=swril,swirl", "add@unet.mid", "swirl"),
        ("bend.new.main=2", "add@unet.mid", "expected 0..1"),
        ("bend.new.main=1", "add", "OPERATOR@SITE"),
        ("bend.new.site=unet.middle", "add@unet.mid", "unet.mid"),
        ("bend.new.angle=1", "add@unet.mid", "bend.new.angle"),
    ],
)
def test_what_cannot_be_explored_is_said_in_a_line(tmp_path, model_folder, rows, bend, said):
    with pytest.raises(LivebendError, match=said) as raised:
        explored(tmp_path, model_folder, rows, "seed=1,2", bend)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("turned", [False, True])
def test_what_did_not_change_between_cells_is_not_run_again(network, turned):
    """Seeds change everything, an angle at unet.up.2 the rest behind it: one run of the head for
    each seed, one of the tail for each picture, whichever side they lie on."""
    scene = replace(PLAIN, bends=(Bend(NEW, "rotate_pairs", "unet.up.2"),))
    angles, seeds = axis("bend.new.angle=10,20,30"), axis("seed=1,2")
    rows, columns = (seeds, angles) if turned else (angles, seeds)
    grid = grid_of(scene, rows, columns)
    first = upstream(network, scene, columns) <= upstream(network, scene, rows)
    ran = []
    network.memory.forget()
    painter = Painter(network)
    cells = paint(
        painter,
        grid,
        columns_first=first,
        on_painted=lambda: ran.extend(network.memory.ran.seconds),
    )
    assert [ran.count(stage) for stage in ("unet.in", "unet.mid", "unet.up.2")] == [2, 2, 2]
    assert [ran.count(stage) for stage in ("unet.up.3", "vae.in", "image")] == [6, 6, 6]
    fresh = Painter(Network(network.model, 64, 64))
    assert all(
        (cells[r][c] == fresh(grid[r][c])).all()
        for r in range(len(grid))
        for c in range(len(grid[0]))
    )


def test_a_trail_does_not_run_on_into_the_next_cell(network):
    trail = Bend(NEW, "feedback", "latent@1", {"trail": 5.0})
    first, second = (replace(PLAIN, seed=seed, bends=(trail,)) for seed in (1, 2))
    painter = Painter(network)
    painter(first)
    assert (painter(second) == Painter(Network(network.model, 64, 64))(second)).all()
    assert (painter(first, second) != painter(second)).any()
