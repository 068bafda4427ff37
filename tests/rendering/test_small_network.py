"""A smaller size: the same seeds, the same memory, shown as large."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network, Setup
from livebend.rendering.small_network import cosines, cut, open_small_network
from livebend.scene.values import Bend, Sampling
from tests.fakes.networks import ONE_STEP, picture


def pixels(network, seed, bends=(), sampling=ONE_STEP):
    return picture(network, bends, sampling, seed, words="a floating orb").pixels.tensor.numpy()


def test_the_cosines_are_orthonormal_and_those_of_scipy():
    for count in (1, 2, 7, 32):
        made = cosines(count)
        assert torch.allclose(made @ made.T, torch.eye(count, dtype=torch.float64), atol=1e-12)
        x = np.random.default_rng(count).standard_normal((count, count))
        assert np.allclose(made @ torch.from_numpy(x) @ made.T, dctn(x, norm="ortho"))


def test_cut_noise_is_normal_and_keeps_the_lowest_cosines():
    noise = torch.randn(400, 4, 16, 24, generator=torch.Generator().manual_seed(1))
    less = cut(noise, 12, 18)
    assert less.std() == pytest.approx(1.0, abs=0.01)
    assert less.mean() == pytest.approx(0.0, abs=0.01)
    neighbours = (less[..., 1:] * less[..., :-1]).mean()
    assert neighbours == pytest.approx(0.0, abs=0.01), "what is cut must stay white"
    whole, kept = (dctn(x[0, 0].numpy(), norm="ortho") for x in (noise, less))
    assert np.allclose(whole[:12, :18], kept, atol=1e-5)


@pytest.mark.parametrize("size", [(128, 96), (136, 104)])
def test_it_paints_smaller_and_shows_as_large(model, size):
    network = Network(model, *size)
    small = open_small_network(network)
    assert (small.width, small.height) == {(128, 96): (96, 72), (136, 104): (104, 80)}[size]
    assert pixels(small, 1).shape == pixels(network, 1).shape == (*size[::-1], 3)
    assert small.described == network.described


def test_where_it_would_be_too_small_there_is_none(model):
    assert open_small_network(Network(model, 64, 128)) is None


def test_an_engine_that_has_nothing_made_for_it_says_so(model, tmp_path):
    notices, store = [], EngineCache(tmp_path, "key")
    engine = Engine("openvino", store, build=False, notify=notices.append)
    assert open_small_network(Network(model, 128, 128, Setup(engine))) is None
    assert any(line.startswith("backend openvino: unet.out") for line in notices)


def test_both_sizes_share_a_memory_and_mistake_nothing_in_it(model):
    bends = (
        Bend("a", "rotate_pairs", "unet.mid", {"angle": 40.0}),
        Bend("b", "add_noise", "unet.up.0", {"amount": 0.5}, mask={"kind": "disc"}),
    )
    for sampling in (Sampling("euler", 2), Sampling("lcm", 2), Sampling("ddim", 2)):
        network = Network(model, 128, 128)
        small = open_small_network(network)
        both = (network, small, network, small)
        shared = [pixels(n, 3, bends, sampling) for n in both]
        alone = Network(model, 128, 128)
        fresh = [pixels(n, 3, bends, sampling) for n in (alone, open_small_network(alone))]
        for got, want in zip(shared, fresh * 2, strict=True):
            assert np.array_equal(got, want)


def test_a_seed_of_the_embedded_model_stays_the_same_picture():
    network = Network(load_model("tiny"), 256, 256)
    small = open_small_network(network)
    full, less, other = (
        pixels(n, seed).astype(float) / 255 for n, seed in ((network, 46), (small, 46), (small, 47))
    )
    assert np.abs(full - less).mean() < 0.7 * np.abs(full - other).mean()
