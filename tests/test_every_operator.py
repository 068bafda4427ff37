"""What must hold for every operator, run over the registry: a new one is tested for nothing."""

import pytest
import torch

from livebend import bending
from livebend.operators import OPERATORS
from livebend.scene import Bend

SHAPES = [(1, 4, 32, 32), (2, 32, 8, 8), (1, 3, 5, 9)]
each = pytest.mark.parametrize("name", sorted(OPERATORS))


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
    operator, x = OPERATORS[name], sample(shape)
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
    operator, x = OPERATORS[name], sample(SHAPES[0])
    if operator.amounts:
        assert operator.is_neutral({})
        assert torch.allclose(operator.function(x, **operator.defaults()), x, atol=1e-5)
    else:
        assert not operator.is_neutral({})


@each
def test_a_batch_is_never_mixed(name):
    operator = OPERATORS[name]
    a, b = sample((1, 8, 8, 8), 1), sample((1, 8, 8, 8), 2)
    for values in settings_of(operator):
        together = operator.function(torch.cat([a, b]), **values)
        alone = operator.function(b, **values)
        assert torch.allclose(together[1:], alone, atol=1e-6), values


@each
def test_it_is_documented(name):
    operator = OPERATORS[name]
    assert operator.summary.endswith((".", ";")) or ":" in operator.summary
    assert "Source:" in operator.doc
    assert all(spec.doc for spec in operator.specs.values())


@each
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "half", "text"])
def test_a_bend_gives_back_dtype_and_strides(name, layout):
    operator = OPERATORS[name]
    x = sample((1, 16, 32)) if layout == "text" else sample((1, 8, 16, 16))
    if layout == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
    if layout == "half":
        x = x.half()
    values = {n: operator.specs[n].range.from_unit(0.7) for n in operator.amounts}
    values = {n: int(v) if operator.specs[n].kind == "int" else v for n, v in values.items()}
    for channels in ("all", "0-2", "random:0.5:3"):
        bend = Bend("b", name, "unet.mid", values, channels=channels, mix=0.7)
        y, strength = bending.apply(bend, x)
        assert (y.shape, y.dtype, y.stride()) == (x.shape, x.dtype, x.stride())
        assert y.isfinite().all()
        assert strength > 0
