"""What must hold for every operator, run over the registry: a new one is tested for nothing."""

import inspect

import pytest
import torch

from livebend.operators.library import all_operators
from tests.fakes.operators import moved, sample

SHAPES = [(1, 4, 32, 32), (2, 32, 8, 8), (1, 3, 5, 9)]
each = pytest.mark.parametrize("name", sorted(all_operators()))


def settings_of(operator):
    """The defaults, then every numeric parameter at both ends of its range and inside."""
    yield operator.defaults
    for name, spec in operator.specs.items():
        if spec.range is None:
            continue
        for position in (0.0, 0.3, 0.5, 0.9, 1.0):
            value = spec.range.from_unit(position)
            yield {**operator.defaults} | {name: int(value) if spec.kind == "int" else value}


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
        assert torch.allclose(operator.function(x, **operator.defaults), x, atol=1e-5)
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
def test_nothing_is_read_back_to_the_host(name):
    """On the meta device there are shapes but no values: reading or branching on one raises."""
    operator, x = all_operators()[name], torch.empty(2, 8, 6, 10, device="meta")
    for values in (operator.defaults, moved(operator)):
        assert operator.function(x, **values).shape == x.shape


@each
def test_it_works_in_double_precision(name):
    operator, x = all_operators()[name], sample(SHAPES[0])
    y = operator.function(x.double(), **operator.defaults)
    assert y.dtype == torch.float64
    assert torch.allclose(y.float(), operator.function(x, **operator.defaults), atol=1e-4)


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
        for values in (operator.defaults, moved(operator)):
            assert operator.function(x, **values).isfinite().all()
