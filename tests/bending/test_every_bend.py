"""What must hold for a bend with any operator, run over the registry."""

from dataclasses import replace

import pytest
import torch

from livebend.bending.apply import REACH, apply_bend
from livebend.operators.library import all_operators
from livebend.operators.registry import Past
from livebend.scene.paths import specs_of_bend
from livebend.scene.values import Bend
from tests.fakes.operators import moved, sample

each = pytest.mark.parametrize("name", sorted(all_operators()))


@each
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "half", "text"])
def test_a_bend_gives_back_dtype_and_strides(name, layout):
    operator = all_operators()[name]
    x = sample((1, 16, 32)) if layout == "text" else sample((1, 8, 16, 16))
    if layout == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
    if layout == "half":
        x = x.half()
    for channels in ("all", "0-2", "random:0.5:3"):
        bend = Bend("b", name, "unet.mid", moved(operator), channels=channels, mix=0.7)
        given = {"past": Past(x + 1.0, 0.05), "toward": torch.ones_like(x).cumsum(1)}
        y, strength = apply_bend(bend, x, given=given)
        assert (y.shape, y.dtype, y.stride()) == (x.shape, x.dtype, x.stride())
        assert y.isfinite().all()
        assert strength > 0


@each
def test_a_strength_is_reached_wherever_the_operator_acts(name):
    """At mix 1, in raw units where nothing is held: d is what was asked, or REACH times the d that
    the operator makes by itself."""
    operator = all_operators()[name]
    x = sample((2, 8, 12, 12)) * torch.tensor([1.0, 3.0])[:, None, None, None]
    if "past" in operator.given:
        assert "strength" not in specs_of_bend(Bend("b", name, ""))
        return
    given = {"toward": torch.ones_like(x).cumsum(1)}
    for channels in ("all", "0-4"):
        bend = Bend("b", name, "", moved(operator), channels=channels, units="raw")
        plain = apply_bend(bend, x, given=given)[0]
        for strength in (0.05, 0.4):
            y, d = apply_bend(replace(bend, strength=strength), x, given=given)
            for row in range(2):  # each sample of a batch by itself
                own = float((plain - x)[row].norm() / x[row].norm())
                got = float((y - x)[row].norm() / x[row].norm())
                assert got == pytest.approx(min(strength, REACH * own), rel=1e-3)
            assert d.isfinite()
            half = replace(bend, strength=strength, mix=0.5)
            y, d = apply_bend(half, x, given=given)
            assert d <= 0.5 * strength + 1e-4
            assert torch.equal(apply_bend(half, x, given=given)[0], y)
