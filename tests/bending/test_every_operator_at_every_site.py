"""Every operator at every site of a small network shaped as SD-Turbo, on what is really there."""

import pytest
import torch

from livebend.bending.apply import apply_bend
from livebend.models.checkpoint import load_model
from livebend.operators.library import all_operators
from livebend.operators.registry import Past
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Sampling
from tests.fakes.networks import CPU, picture, text_of

each = pytest.mark.parametrize("name", sorted(all_operators()))


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=str)
def network(request, model_folder):
    """The network in both precisions that a processor computes in."""
    return Network(load_model(str(model_folder("turbo")), CPU, request.param), 64, 64)


@pytest.fixture(scope="module")
def tensors(network):
    """What stands at every site, as it lies in memory there."""
    text = text_of(network)
    with torch.inference_mode():
        picture(network)
    found = {"unet.text": text.tensor, "latent": network.noise(46)[0].tensor}
    found["unet.time"] = network.memory.newest("unet.time")[0].tensor
    *before, pixels = network.stages
    assert pixels.name == "pixels"
    for stage in before:
        found |= dict.fromkeys(stage.texts, text.tensor)
        for name in stage.attentions:
            found[name] = stage.attention.ones(found[stage.reads[0]])
        written = network.memory.newest(stage.name)
        found |= {s: v.tensor for s, v in zip(stage.writes, written, strict=True)}
    assert set(found) == set(network.sites)
    return found


def played(name, site, t):
    operator = all_operators()[name]
    values = operator.main_at(t)
    return Bend("b", name, site, values, mix=1.0 if values else t)


@each
def test_finite_deterministic_unmutated_and_of_the_sites_own_kind(name, tensors):
    for site, x in tensors.items():
        before = x.clone()
        given = {"past": Past(x * 0.5, 0.05), "toward": x.flip(-1)}
        for share in (0.5, 1.0):
            bend = played(name, site, share)
            y, strength = apply_bend(bend, x, given=given)
            assert y.isfinite().all(), site
            assert strength.isfinite()
            assert torch.equal(y, apply_bend(bend, x, given=given)[0]), site
            assert torch.equal(x, before), site
            assert (y.shape, y.dtype, y.stride()) == (x.shape, x.dtype, x.stride()), site


@each
def test_neutral_leaves_the_pictures_bytes_at_every_site(name, network):
    def painted(*bends):
        return picture(network, bends, Sampling("euler", 2)).pixels.tensor

    plain = painted().clone()
    for site in (*network.sites, "latent@0", "latent@0.35", "latent@1"):
        neutral = Bend("b", name, site, {}, mix=1.0 if all_operators()[name].amounts else 0.0)
        assert torch.equal(painted(neutral), plain), site


def test_an_operator_that_changes_layout_or_dtype_is_put_right(add_operator, tensors):
    def sloppy(x):
        return (x * 2).double().contiguous(memory_format=torch.channels_last).flip(3)

    add_operator("sloppy", sloppy)
    for site, x in tensors.items():
        for lies in (x, x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x):
            y, _ = apply_bend(Bend("b", "sloppy", site), lies)
            assert (y.dtype, y.stride()) == (lies.dtype, lies.stride()), site
