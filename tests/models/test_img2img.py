"""Schedules that begin at a picture."""

import pytest

from livebend.models.img2img import begun
from livebend.models.sampler import Noising, Spacing, schedule

TURBO = Noising()
LEADING = Noising(sampler="ddim", spacing=Spacing("leading"))


def at(
    strength: float, steps: int = 1, sampler: str = "euler", noising: Noising = TURBO, depths=()
):
    return begun(sampler, steps, noising, depths, strength)


@pytest.mark.parametrize("sampler", ["euler", "ddim", "lcm", "dpm++"])
def test_a_whole_number_of_steps_is_the_end_of_the_schedule(sampler):
    whole = schedule(sampler, 4, TURBO)
    for left in range(5):
        plan = at(left / 4, 4, sampler)
        assert (plan.t, plan.sigma, plan.abar) == (
            whole.t[4 - left :], whole.sigma[4 - left :], whole.abar[4 - left :],
        )  # fmt: skip
    assert at(1.0, 4, sampler) == whole
    assert at(0.0, 4, sampler).calls == 0


def test_one_step_knows_every_strength():
    times = [at(s / 10).t for s in range(1, 11)]
    assert [t[0] for t in times] == pytest.approx([99.9 * s for s in range(1, 11)])
    assert all(len(t) == 2 for t in times)
    assert at(1e-6).sigma[0] == pytest.approx(at(0.0).sigma[0] + 0.0292, abs=1e-3)


@pytest.mark.parametrize("sampler", ["euler", "ddim", "dpm++", "pndm"])
def test_strength_is_a_fader_without_steps(sampler):
    """Noise rises with it; above a whole number of steps a step more begins at nothing."""
    noising = LEADING if sampler in ("ddim", "pndm") else TURBO
    sigmas = [at(s / 100, 4, sampler, noising).sigma[0] for s in range(1, 101)]
    assert sigmas == sorted(sigmas)
    exact, above = at(0.5, 4, "euler"), at(0.5001, 4, "euler")
    assert (exact.calls, above.calls) == (2, 3)
    assert above.t[0] == pytest.approx(exact.t[0], abs=0.2)
    assert above.t[1:] == exact.t


def test_inserted_depths_stay_where_they_are():
    plain, inserted = at(0.6, 2), at(0.6, 2, depths=(0.7, 0.1))
    assert plain.t[0] == inserted.t[0]
    assert set(inserted.t) - set(plain.t) == {281.0}  # layer 35; the other is before the beginning


def test_pndm_begins_as_diffusers_has_it():
    plan = at(0.75, 4, "pndm", LEADING)
    assert plan.t == (501.0, 501.0, 251.0, 1.0, 0.0)
    whole = schedule("pndm", 4, LEADING)
    a = dict(zip(whole.t, whole.abar, strict=True))
    assert plan.spans[:2] == ((a[501.0], a[251.0]), (a[751.0], a[501.0]))
    assert at(0.5, 4, "pndm", LEADING).t == (501.0, 251.0, 1.0, 0.0)
    assert at(0.6, 4, "pndm", LEADING).t == (501.0, 251.0, 251.0, 1.0, 0.0)


def test_float_products_that_are_almost_whole_are_whole():
    assert at(0.58, 50, "ddim", LEADING).calls == 29
