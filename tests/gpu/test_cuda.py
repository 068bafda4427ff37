"""What only a GPU can show; skipped where there is none."""

import shutil
import threading

import numpy as np
import pytest
import torch

from livebend.device.gpu import paint_on
from livebend.device.transfer import PinnedTransfer, transfer_for
from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network, Setup
from tests.fakes.networks import ONE_STEP, picture, swirl, text_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")

CLOSE = 3e-2  # of half precision, ‖y − x‖/‖x‖ of an image
CUDA = torch.device("cuda")


@pytest.fixture
def model(model_folder):
    paint_on(CUDA)
    return load_model(str(model_folder("turbo")), CUDA)


@pytest.fixture
def network(model):
    return Network(model, 64, 64)


def on(model, backend, folder):
    """A network on a backend, which must not have fallen back."""
    notices = []
    network = Network(
        model, 64, 64, Setup(Engine(backend, EngineCache(folder, "key"), notify=notices.append))
    )
    network.prepare()
    assert notices == []
    return network


def turned(site, angle, channels="all"):
    return (swirl(site, angle, channels=channels),)


def test_read_back_is_what_lies_on_the_gpu(network):
    transfer = transfer_for(network.model.device)
    assert isinstance(transfer, PinnedTransfer)
    painted = picture(network)
    pixels, total = painted.pixels.tensor, painted.total.tensor
    for _ in range(3):
        array, numbers = transfer.fetch(pixels, [total, 2.0 * total])
        assert np.array_equal(array, pixels.cpu().numpy())
        assert numbers == [float(total), 2.0 * float(total)]


def test_remembered_equals_recomputed(network):
    for angle in (0.0, 30.0, 60.0, 30.0):
        bends = turned("unet.mid", angle)
        kept = picture(network, bends).pixels.tensor
        fresh = picture(Network(network.model, 64, 64), bends).pixels.tensor
        assert torch.equal(kept, fresh)


@pytest.mark.parametrize("backend", ["torch", "graphs"])
def test_a_frame_waits_for_nothing_and_takes_no_memory(model, backend, tmp_path):
    network = on(model, backend, tmp_path)
    text = text_of(network)

    def paint(k):
        noise = network.noise(k, 0)[0]
        network.paint(noise, text, turned("unet.mid", k % 90, "0-3"), ONE_STEP)

    for k in range(8):
        paint(k)
    taken = torch.cuda.memory_stats()["num_device_alloc"]
    torch.cuda.set_sync_debug_mode("error")
    try:
        for k in range(8, 40):
            paint(k)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.cuda.memory_stats()["num_device_alloc"] == taken


@pytest.mark.parametrize("backend", ["graphs", "compiled"])
def test_a_captured_network_paints_what_torch_paints(model, backend, tmp_path):
    if backend == "compiled" and not shutil.which("g++"):
        pytest.skip("no C++ compiler")
    network, plain = on(model, backend, tmp_path), Network(model, 64, 64)
    for site in ("unet.in", "unet.mid", "unet.attention.up.1", "unet.skip.1", "vae.in", "image"):
        for angle in (0.0, 30.0, 60.0):
            x = picture(plain, turned(site, angle)).image.tensor.float()
            y = picture(network, turned(site, angle)).image.tensor.float()
            assert float((x - y).norm() / x.norm()) < CLOSE, site
    assert network.engine.fallbacks == 0


def test_a_replay_leaves_what_is_remembered_alone(model, tmp_path):
    network = on(model, "graphs", tmp_path)
    made = [picture(network, turned("unet.in", angle)).image.tensor for angle in (0.0, 30.0)]
    kept = [image.clone() for image in made]
    picture(network, turned("unet.in", 60.0), seed=47)
    assert all(torch.equal(image, k) for image, k in zip(made, kept, strict=True))


def test_another_thread_replays_what_this_one_captured(model, tmp_path):
    network = on(model, "graphs", tmp_path)
    expected = picture(network).image.tensor.cpu()
    network.memory.forget()
    found = []

    def work():
        paint_on(CUDA)
        found.append(picture(network).image.tensor.cpu())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torch.equal(found[0], expected)


def test_prompts_are_encoded_beside_frames(network):
    expected = network.model.encode(["a blue flower"])
    found, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            found.append(network.model.encode(["a blue flower"]))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for k in range(30):
            picture(network, turned("unet.mid", k))
    finally:
        stop.set()
        thread.join()
    assert found
    assert all(torch.equal(text, expected) for text in found)
