"""Whatever a bend makes, at whatever site: nothing bad is shown, and its cause is named."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.core.errors import BendFault
from livebend.models.checkpoint import load_model
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator
from livebend.rendering.faults import LEFT_OUT
from livebend.rendering.network import Network
from livebend.scene.values import Bend
from tests.rendering.test_renderer import STILL, Stage


def one_nan(x):
    y = x.clone()
    y[..., -1, -1] = float("nan")
    return y


FAULTS = {
    "all_nan": lambda x: torch.full_like(x, float("nan")),
    "one_nan": one_nan,
    "infinite": lambda x: x / 0.0,
    "enormous": lambda x: x * 3e38,
}


@pytest.fixture(scope="module")
def network(model_folder):
    return Network(load_model(str(model_folder("turbo"))), 64, 64)


@pytest.fixture(autouse=True)
def faulty(monkeypatch):
    """Operators that do what none should."""

    def broken(x):
        raise RuntimeError("no such\nthing")

    for name, function in {**FAULTS, "broken": broken}.items():
        made = Operator(name, "test", function, {}, (), matched=False)
        monkeypatch.setitem(all_operators(), name, made)


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_nothing_that_is_not_finite_is_shown_from_any_site(network, kind):
    """A good frame, then the fault at every site in turn: the good one stays, and after the time
    for which the bend is left out the show has never shown anything else."""
    good = Stage(network).frame(STILL)
    for site in network.sites:
        stage = Stage(network)
        stage.frame(STILL)
        bend = Bend("bad", kind, site, units="raw", normalise="none")
        harmless = Bend("fine", "rotate_pairs", "unet.mid", {"angle": 1e-4})
        scene = replace(STILL, bends=(bend, harmless))
        shown = [stage.frame(scene, 1.0 + k / 10) for k in range(3)]
        told = stage.status.get()
        if kind in ("enormous", "infinite") and told.counters.nonfinite_frames == 0:
            continue  # what lies behind the site took it: tanh of the infinite is 1
        assert np.array_equal(shown[0], good), site
        assert np.abs(shown[2].astype(int) - good).max() <= 2, site
        assert "bad made values that are not finite" in told.notices[-1].text, site
        assert [b.note for b in told.bends] == ["left out after a fault", ""], site
        assert told.counters.nonfinite_frames == 1, site


def test_an_operator_that_fails_is_left_out_and_the_frame_is_painted(network):
    stage, plain = Stage(network), Stage(network).frame(STILL)
    scene = replace(STILL, bends=(Bend("bad", "broken", "unet.mid"),))
    assert np.array_equal(stage.frame(scene, 1.0), plain)
    (notice,) = stage.status.get().notices
    assert notice.text == (
        f"bend.bad: broken at unet.mid: RuntimeError: no such; left out for {LEFT_OUT:g} s"
    )
    stage.frame(scene, 1.1)
    assert len(stage.status.get().notices) == 1
    with pytest.raises(BendFault, match=r"bend\.bad: broken at unet\.mid"):
        Stage(network, strict=True).frame(scene)


def test_finiteness_is_fetched_with_the_pixels_in_one_wait(network):
    stage = Stage(network)
    fetched, fetch = [], stage.render._transfer.fetch

    def counted(picture, numbers):
        fetched.append(len(numbers))
        return fetch(picture, numbers)

    stage.render._transfer.fetch = counted
    stage.frame(replace(STILL, bends=(Bend("b", "one_nan", "image"),)))
    stage.frame(STILL)
    assert fetched == [2, 1, 1]  # the bad frame, the plain one in its place, the next
