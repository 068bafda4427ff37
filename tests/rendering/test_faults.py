"""Whatever a bend makes, at whatever site: nothing bad is shown, and its cause is named."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.core.errors import BendFault, LivebendError
from livebend.device.transfer import HostTransfer
from livebend.models.checkpoint import load_model
from livebend.rendering.faults import EASING, LEFT_OUT
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Prompt
from tests.fakes.shows import STILL, Show

OWN_FAULT = (
    "the model makes no finite values even without bends, first in its {}:"
    " try --dtype float32, or another model"
)


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
def network(model):
    return Network(model, 64, 64)


@pytest.fixture
def show(network):
    return Show(network)


@pytest.fixture(autouse=True)
def faulty(add_operator):
    """Operators that do what none should."""

    def broken(x):
        raise RuntimeError("no such\nthing")

    for name, function in {**FAULTS, "broken": broken}.items():
        add_operator(name, function)


@pytest.fixture
def bad():
    """A bend that makes values that are not finite."""
    return Bend("bad", "all_nan", "unet.mid")


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_nothing_that_is_not_finite_is_shown_from_any_site(network, kind):
    """A good frame, then the fault at every site in turn: the good one stays, and after the time
    for which the bend is left out the show has never shown anything else."""
    good = Show(network).frame(STILL)
    for site in network.sites:
        show = Show(network)
        show.frame(STILL)
        bend = Bend("bad", kind, site, units="raw", normalise="none")
        harmless = Bend("fine", "rotate_pairs", "unet.mid", {"angle": 1e-4})
        scene = replace(STILL, bends=(bend, harmless))
        shown = [show.frame(scene, 1.0 + k / 10) for k in range(3)]
        status = show.status.get()
        if kind in ("enormous", "infinite") and status.counters.nonfinite_frames == 0:
            continue  # what lies behind the site took it: tanh of the infinite is 1
        assert np.array_equal(shown[0], good), site
        assert np.abs(shown[2].astype(int) - good).max() <= 2, site
        assert "bad made values that are not finite" in status.notices[-1].text, site
        assert [b.note for b in status.bends] == ["left out after a fault", ""], site
        assert status.counters.nonfinite_frames == 1, site


def test_an_operator_that_fails_is_left_out_and_the_frame_is_painted(network):
    show, plain = Show(network), Show(network).frame(STILL)
    scene = replace(STILL, bends=(Bend("bad", "broken", "unet.mid"),))
    assert np.array_equal(show.frame(scene, 1.0), plain)
    (notice,) = show.status.get().notices
    assert notice.text == (
        f"bend.bad: broken at unet.mid: RuntimeError: no such; left out for {LEFT_OUT:g} s"
    )
    show.frame(scene, 1.1)
    assert len(show.status.get().notices) == 1
    with pytest.raises(BendFault, match=r"bend\.bad: broken at unet\.mid"):
        Show(network, strict=True).frame(scene)


def test_a_bad_frame_is_never_shown_and_its_cause_is_left_out(show, bad):
    good = show.frame(STILL, 0.0)
    scene = replace(STILL, bends=(bad,))
    assert np.array_equal(show.frame(scene, 1.0), good)
    assert "bad made values that are not finite" in show.status.get().notices[0].text
    assert np.array_equal(show.frame(scene, 1.1), good)
    assert show.status.get().bends[0].note
    assert show.status.get().counters.nonfinite_frames == 1
    show.frame(scene, 1.2 + LEFT_OUT)
    assert show.status.get().counters.nonfinite_frames == 2


def test_a_bend_that_was_left_out_comes_back_eased(show, add_operator):
    factor = [float("nan")]
    add_operator("double", lambda x: x * factor[0])
    scene = replace(STILL, bends=(Bend("bad", "double", "unet.mid", mix=0.8, units="raw"),))
    show.frame(STILL, 0.0)
    show.frame(scene, 1.0)
    factor[0] = 2.0
    show.network.memory.forget()  # or it answers with what the fault made

    def state(time):
        show.frame(scene, time)
        bend = show.status.get().bends[0]
        return bend.active, bend.mix, bend.note

    end = 1.0 + LEFT_OUT
    assert state(end - 0.1) == (False, 0.0, "left out after a fault")
    assert state(end + 0.5 * EASING) == (True, pytest.approx(0.4), "coming back after a fault")
    assert state(end + EASING) == (True, 0.8, "")
    assert show.status.get().counters.nonfinite_frames == 1


@pytest.mark.parametrize("site", ["latent@0", "unet.text", "unet.skip.0", "unet.up.3", "image"])
def test_a_fault_in_the_first_frame_shows_the_picture_without_it(show, bad, site):
    plain = Show(show.network).frame(STILL)
    assert np.array_equal(show.frame(replace(STILL, bends=(replace(bad, site=site),))), plain)


def test_offline_a_fault_stops_with_its_cause(network, bad):
    strict = Show(network, strict=True)
    with pytest.raises(LivebendError, match="frame 0: bad made values that are not finite"):
        strict.frame(replace(STILL, bends=(bad,)))


def test_finiteness_is_fetched_with_the_pixels_in_one_wait(show, monkeypatch):
    fetched, fetch = [], HostTransfer.fetch

    def counted(transfer, picture, numbers):
        fetched.append(len(numbers))
        return fetch(transfer, picture, numbers)

    monkeypatch.setattr(HostTransfer, "fetch", counted)
    show.frame(replace(STILL, bends=(Bend("b", "one_nan", "image"),)))
    show.frame(STILL)
    assert fetched == [2, 1, 1]  # the bad frame, the plain one in its place, the next


def test_a_model_that_makes_no_finite_values_itself_is_named_and_no_bend(model):
    """As one in half precision does whose sums are too large for it."""
    spoiled = replace(model, sampled=replace(model.sampled, noising=replace(
        model.noising, beta_end=float("nan"))))  # fmt: skip
    show = Show(Network(spoiled, 64, 64))
    bend = Bend("fine", "rotate_pairs", "unet.mid", {"angle": 30.0})
    shown = show.frame(replace(STILL, bends=(bend,)))
    assert len(np.unique(shown)) == 1
    (notice,) = show.status.get().notices
    assert notice.text == OWN_FAULT.format("unet")
    assert [b.note for b in show.status.get().bends] == [""]


PARTS = {"unet": "unet", "decoder": "vae", "text encoder": "text_encoder"}


@pytest.fixture
def own_model(model_folder):
    return load_model(str(model_folder("turbo")), torch.device("cpu"), torch.float32)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("when", ["at first", "later"])
def test_weights_that_are_not_finite_are_the_models_fault_and_no_bends(own_model, part, when):
    """They are refused when a model is loaded; what a network makes of them is named as well."""
    show = Show(Network(own_model, 64, 64))
    scene = replace(STILL, bends=(Bend("fine", "rotate_pairs", "unet.mid", {"angle": 30.0}),))
    if when == "later":
        show.frame(scene)
    with torch.no_grad():
        for weights in getattr(own_model, PARTS[part]).parameters():
            weights.fill_(float("nan"))
    show.network.memory.forget()
    show.prompts.value("a blue wave")
    other = replace(scene, prompt=Prompt("a blue wave"))
    faded, shown = (show.frame(other, time) for time in (1.0, 9.0))  # the words fade in
    assert np.array_equal(shown, faded)
    assert (len(np.unique(shown)) == 1) == (when == "at first")
    notices = {(notice.text, notice.level) for notice in show.status.get().notices}
    assert notices == {(OWN_FAULT.format(part), "error")}
    assert [b.note for b in show.status.get().bends] == [""]


def test_a_bend_that_drives_the_network_out_of_range_is_named(show, add_operator):
    """What it makes is finite; what the network makes of that is not."""
    add_operator("large", lambda x: torch.full_like(x, 1e30))
    good = show.frame(STILL)
    scene = replace(STILL, bends=(Bend("large", "large", "unet.up.3", units="raw"),))
    assert np.array_equal(show.frame(scene), good)
    assert "large made values that are not finite" in show.status.get().notices[-1].text
