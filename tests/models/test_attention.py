"""How sharply a block attends to the prompt: bent from outside diffusers' modules."""

import pytest
import torch
import torch.nn.functional as F

from livebend.models.attention import LIMIT, attention_of
from livebend.models.backends.engine import Engine
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Bend, Sampling
from tests.fakes.networks import picture, text_of

BLOCKS = ("down.0", "down.1", "down.2", "mid", "up.1", "up.2", "up.3")


@pytest.fixture
def network(model):
    return Network(model, 64, 64)


def gain(site, factor, **more):
    return Bend("a", "multiply", site, {"gain": factor}, **more)


def test_every_block_that_attends_has_an_attention(network):
    own = [s for s in network.sites if s.startswith("unet.attention.")]
    assert own == [f"unet.attention.{b}" for b in BLOCKS]
    plain = picture(network).image.tensor
    for site in own:
        assert not torch.equal(picture(network, (gain(site, 3.0),)).image.tensor, plain), site
    assert torch.equal(picture(network).image.tensor, plain)


def test_what_is_not_bent_runs_without_hooks(model, monkeypatch):
    attention = attention_of(model.unet.mid_block)
    hooked, register = [], torch.nn.Module.register_forward_hook
    monkeypatch.setattr(
        torch.nn.Module,
        "register_forward_hook",
        lambda module, hook: hooked.append(module) or register(module, hook),
    )
    h, text = torch.randn(1, 48, 2, 3), torch.randn(1, 5, 32)
    layer = model.unet.mid_block.attentions[0].transformer_blocks[0].attn2
    rows = h.flatten(2).transpose(1, 2)
    plain = layer(rows, text)
    with attention.scaled(attention.ones(h)):
        assert torch.equal(layer(rows, text), plain)
    assert hooked == []
    with attention.scaled(2 * attention.ones(h)):
        assert hooked == [layer.to_q]
        assert not torch.equal(layer(rows, text), plain)
    with pytest.raises(RuntimeError, match="stop"), attention.scaled(2 * attention.ones(h)):
        raise RuntimeError("stop")
    assert torch.equal(layer(rows, text), plain), "no hook is left, whatever happened"


def test_ones_that_are_multiplied_leave_the_bytes(network):
    stage = next(s for s in network.stages if s.name == "unet.up.2")
    picture(network)
    network.frame()
    ones = stage.attention.ones
    plain = picture(network, seed=5).image.tensor
    stage.attention.ones = lambda h: ones(h).clone()
    network.memory.forget()
    assert torch.equal(picture(network, seed=5).image.tensor, plain)


def test_it_is_the_softmax_of_scaled_logits(model):
    """Against the formula: softmax(a·q·k/√d)·v, a one number for each head and place."""
    attn = attention_of(model.unet.mid_block)
    layer = model.unet.mid_block.attentions[0].transformer_blocks[0].attn2
    draw = torch.Generator().manual_seed(1)
    h, text = torch.randn(2, 6, 48, generator=draw), torch.randn(2, 5, 24, generator=draw)
    text = torch.randn(2, 5, layer.to_k.in_features, generator=draw)
    a = 0.5 + torch.rand(2, attn.heads, 2, 3, generator=draw)

    def heads(x):
        return x.unflatten(2, (attn.heads, -1)).transpose(1, 2)

    q, k, v = heads(layer.to_q(h)), heads(layer.to_k(text)), heads(layer.to_v(text))
    logits = a.reshape(2, attn.heads, 6, 1) * (q @ k.transpose(2, 3)) / q.shape[3] ** 0.5
    expected = layer.to_out[0](F.softmax(logits, -1).matmul(v).transpose(1, 2).flatten(2))
    with attn.scaled(a):
        assert torch.allclose(layer(h, text), expected, atol=1e-5)
    with attn.scaled(torch.full_like(a, 1e9)):
        held = layer(h, text)
    with attn.scaled(torch.full_like(a, LIMIT)):
        assert torch.equal(layer(h, text), held)


def test_a_mask_says_where_and_units_do_not_matter(network):
    masked = {"kind": "rectangle", "x": -1.0, "size": 0.5, "softness": 0.0}
    whole = picture(network, (gain("unet.attention.up.3", 4.0),)).image.tensor
    part = picture(network, (gain("unet.attention.up.3", 4.0, mask=masked),))
    assert not torch.equal(part.image.tensor, whole)
    assert 0.0 < float(part.strength["a"]) < 3.0
    raw = picture(network, (gain("unet.attention.up.3", 4.0, units="raw"),)).image.tensor
    assert torch.equal(raw, whole)


def test_both_halves_of_guidance_and_every_call_have_it(network):
    negative = text_of(network, "", -2)
    bends = (gain("unet.attention.mid", 3.0), gain("unet.attention.up.1#1", 2.0))
    for sampling in (Sampling("euler", 2, 4.0), Sampling("lcm", 2, 4.0)):
        painted = picture(network, bends, sampling, negative=negative)
        fresh = picture(Network(network.model, 64, 64), bends, sampling, negative=negative)
        assert torch.equal(painted.image.tensor, fresh.image.tensor)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_engines_export_it(model, store, backend):
    if backend == "onnx":
        pytest.importorskip("onnxruntime")
    notices = []
    network = Network(model, 64, 64, Setup(Engine(backend, store, notify=notices.append)))
    network.prepare()
    plain = Network(model, 64, 64)
    for site in ("unet.attention.mid", "unet.attention.up.2"):
        for factor in (1.0, 0.0, 5.0, 100.0):
            x = picture(plain, (gain(site, factor),)).image.tensor
            with network.unjoined():
                y = picture(network, (gain(site, factor),)).image.tensor
            assert float((x - y).norm() / x.norm()) < 1e-3
    assert (notices, network.engine.fallbacks) == ([], 0)
