"""What must hold for every operator, run over the registry: a new one is tested for nothing."""

import inspect
from dataclasses import replace

import pytest
import torch

from livebend.bending.apply import REACH, apply_bend
from livebend.operators.library import all_operators
from livebend.operators.registry import Past
from livebend.scene.paths import specs_of_bend
from livebend.scene.values import Bend

SHAPES = [(1, 4, 32, 32), (2, 32, 8, 8), (1, 3, 5, 9)]
each = pytest.mark.parametrize("name", sorted(all_operators()))


def sample(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def settings_of(operator):
    """The defaults, then every numeric parameter at both ends of its range and inside."""
    yield operator.defaults()
    for name, spec in operator.specs.items():
        if spec.range is None:
            continue
        for position in (0.0, 0.3, 0.5, 0.9, 1.0):
            value = spec.range.from_unit(position)
            yield operator.defaults() | {name: int(value) if spec.kind == "int" else value}


@each
@pytest.mark.parametrize("shape", SHAPES)
def test_shape_finite_deterministic_and_input_untouched(name, shape):
    operator, x = all_operators()[name], sample(shape)
    before = x.clone()
    for values in settings_of(operator):
        y = operator.function(x, **values)
        assert y.shape == x.shape
        assert y.dtype == x.dtype
        assert y.isfinite().all(), values
        assert torch.equal(y, operator.function(x, **values)), values
        assert y.data_ptr() != x.data_ptr() or torch.equal(x, before)
        assert torch.equal(x, before), values


@each
def test_neutral_defaults_are_the_identity(name):
    operator, x = all_operators()[name], sample(SHAPES[0])
    if operator.amounts:
        assert operator.is_neutral({})
        assert torch.allclose(operator.function(x, **operator.defaults()), x, atol=1e-5)
    else:
        assert not operator.is_neutral({})


@each
def test_a_batch_is_never_mixed(name):
    operator = all_operators()[name]
    a, b = sample((1, 8, 8, 8), 1), sample((1, 8, 8, 8), 2)
    for values in settings_of(operator):
        together = operator.function(torch.cat([a, b]), **values)
        alone = operator.function(b, **values)
        assert torch.allclose(together[1:], alone, atol=1e-6), values


@each
def test_it_is_documented(name):
    operator = all_operators()[name]
    assert operator.summary.endswith((".", ";")) or ":" in operator.summary
    assert "Source:" in inspect.getdoc(operator.function)
    assert all(spec.doc for spec in operator.specs.values())


@each
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "half", "text"])
def test_a_bend_gives_back_dtype_and_strides(name, layout):
    operator = all_operators()[name]
    x = sample((1, 16, 32)) if layout == "text" else sample((1, 8, 16, 16))
    if layout == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
    if layout == "half":
        x = x.half()
    values = {n: operator.specs[n].range.from_unit(0.7) for n in operator.amounts}
    values = {n: int(v) if operator.specs[n].kind == "int" else v for n, v in values.items()}
    for channels in ("all", "0-2", "random:0.5:3"):
        bend = Bend("b", name, "unet.mid", values, channels=channels, mix=0.7)
        given = {"past": Past(x + 1.0, 0.05), "toward": torch.ones_like(x).cumsum(1)}
        y, strength = apply_bend(bend, x, given=given)
        assert (y.shape, y.dtype, y.stride()) == (x.shape, x.dtype, x.stride())
        assert y.isfinite().all()
        assert strength > 0


def moved(operator):
    """Settings that act: every amount off its neutral value."""
    values = {n: operator.specs[n].range.from_unit(0.7) for n in operator.amounts}
    whole = {n for n in values if operator.specs[n].kind == "int"}
    return operator.defaults() | {n: int(v) if n in whole else v for n, v in values.items()}


@each
def test_nothing_is_read_back_to_the_host(name):
    """On the meta device there are shapes but no values: reading or branching on one raises."""
    operator, x = all_operators()[name], torch.empty(2, 8, 6, 10, device="meta")
    for values in (operator.defaults(), moved(operator)):
        assert operator.function(x, **values).shape == x.shape


@each
def test_it_works_in_double_precision(name):
    operator, x = all_operators()[name], sample(SHAPES[0])
    y = operator.function(x.double(), **operator.defaults())
    assert y.dtype == torch.float64
    assert torch.allclose(y.float(), operator.function(x, **operator.defaults()), atol=1e-4)


@each
def test_amounts_in_sigma_may_differ_from_sample_to_sample(name):
    operator, x = all_operators()[name], sample((2, 4, 8, 8))
    values = moved(operator)
    scaled = [n for n, s in operator.specs.items() if s.range is not None and s.range.scales]
    sigma = torch.tensor([1.0, 2.5]).reshape(2, 1, 1, 1)
    together = operator.function(x, **values | {n: sigma * values[n] for n in scaled})
    for row, factor in ((0, 1.0), (1, 2.5)):
        alone = operator.function(
            x[row : row + 1], **values | {n: factor * values[n] for n in scaled}
        )
        assert torch.allclose(together[row : row + 1], alone, rtol=1e-5, atol=1e-5)


@each
def test_a_whole_turn_is_no_turn(name):
    operator, x = all_operators()[name], sample(SHAPES[0])
    for turning in (n for n, s in operator.specs.items() if s.range is not None and s.range.wraps):
        at = [operator.function(x, **moved(operator) | {turning: a}) for a in (0.0, 360.0, -360.0)]
        assert torch.equal(at[0], at[1])
        assert torch.equal(at[0], at[2])


@pytest.mark.parametrize(
    "name", sorted(n for n, op in all_operators().items() if "roll" in op.specs)
)
def test_a_draw_holds_still_and_a_roll_glides_to_the_next(name):
    operator, x = all_operators()[name], sample(SHAPES[1])

    def at(**values):
        return operator.function(x, **moved(operator) | values)

    assert torch.equal(at(seed=4, roll=0.0), at(seed=3, roll=1.0))
    assert not torch.allclose(at(seed=3), at(seed=4))
    assert torch.allclose(at(roll=1.0), at(roll=1.0 + 1e-7), atol=1e-2)
    assert torch.allclose(at(roll=1.0), at(roll=1.0 - 1e-7), atol=1e-2)


@each
def test_the_thinnest_of_pictures(name):
    operator = all_operators()[name]
    for shape in [(1, 1, 1, 1), (2, 1, 7, 1), (1, 5, 1, 6)]:
        x = torch.zeros(shape)
        for values in (operator.defaults(), moved(operator)):
            assert operator.function(x, **values).isfinite().all()


@each
def test_a_strength_is_reached_wherever_the_operator_acts(name):
    """At mix 1, in raw units where nothing is held: d is what was asked, or REACH times the d that
    the operator makes by itself."""
    operator, x = (
        all_operators()[name],
        sample((2, 8, 12, 12)) * torch.tensor([1.0, 3.0])[:, None, None, None],
    )
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
