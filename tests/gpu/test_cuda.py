"""What only a GPU can show; skipped where there is none."""

import numpy as np
import pytest
import torch

from livebend.memory import Value
from livebend.models import load_model
from livebend.network import Network
from livebend.scene import Bend, Sampling
from livebend.transfer import Pinned, transfer_for

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")

ONE = Sampling("euler", 1)


@pytest.fixture
def network(model_folder):
    return Network(load_model(str(model_folder("turbo")), torch.device("cuda")), 64, 64)


def picture(network, bends=()):
    text = Value(-1, network.model.encode(["a red orb"]))
    return network.paint(network.noise(46)[0], text, bends, ONE)


def test_read_back_is_what_lies_on_the_gpu(network):
    transfer = transfer_for(network.model.device)
    assert isinstance(transfer, Pinned)
    pixels = picture(network).pixels.tensor
    for _ in range(3):
        (array,) = transfer.fetch([pixels])
        assert np.array_equal(array, pixels.cpu().numpy())


def test_remembered_equals_recomputed(network):
    for angle in (0.0, 30.0, 60.0, 30.0):
        bends = (Bend("b", "rotate_pairs", "unet.mid", {"angle": angle}),)
        kept = picture(network, bends).pixels.tensor
        fresh = picture(Network(network.model, 64, 64), bends).pixels.tensor
        assert torch.equal(kept, fresh)


def test_a_frame_does_not_wait_for_the_device(network):
    picture(network)
    with torch.cuda.device(network.model.device):
        torch.cuda.set_sync_debug_mode("error")
        try:
            picture(network, (Bend("b", "rotate_pairs", "unet.mid", {"angle": 30.0}),))
        finally:
            torch.cuda.set_sync_debug_mode("default")
