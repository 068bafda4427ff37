"""Between the host and the device, with a GPU faked on the processor."""

import numpy as np
import torch

from livebend.device import transfer
from livebend.device.transfer import HostTransfer, PinnedTransfer, send, transfer_for
from tests.fakes.gpu import FakeGpu
from tests.fakes.networks import CPU


def test_one_wait_a_frame_and_buffers_made_once():
    fake = FakeGpu()
    pinned = PinnedTransfer(fake)
    pixels = torch.arange(12, dtype=torch.uint8).reshape(2, 2, 3)
    numbers = [torch.tensor(1.5), torch.tensor(-0.25)]
    first, fetched = pinned.fetch(pixels, numbers)
    assert fake.calls == ["pinned", "pinned", "copies", "mark", "back", "wait"]
    fake.calls.clear()
    pinned.fetch(pixels + 1, numbers[::-1])
    assert fake.calls == ["copies", "mark", "back", "wait"]
    assert np.array_equal(first, pixels.numpy())
    assert fetched == [1.5, -0.25]


def test_on_a_processor_nothing_is_copied():
    assert isinstance(transfer_for(CPU), HostTransfer)
    pixels = torch.zeros(2, 2, 3)
    array, numbers = HostTransfer().fetch(pixels, [torch.tensor(0.5)])
    assert array.ctypes.data == pixels.data_ptr()
    assert numbers == [0.5]
    assert send(pixels, CPU) is pixels


def test_what_is_sent_goes_through_pinned_memory(monkeypatch):
    fake = FakeGpu()
    monkeypatch.setattr(transfer, "gpu_of", lambda device: fake)
    x = torch.randn(2, 3)
    assert torch.equal(send(x, CPU), x)
    assert fake.calls == ["pinned"]
