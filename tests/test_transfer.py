"""From the device to the host, with a GPU that is played by the processor."""

from contextlib import contextmanager

import numpy as np
import torch

from livebend.transfer import Here, Pinned, transfer_for


class Played:
    """The four calls, written down."""

    def __init__(self):
        self.calls = []

    def pinned(self, tensor):
        self.calls.append("pinned")
        return torch.empty(tensor.shape, dtype=tensor.dtype)

    @contextmanager
    def side_stream(self):
        self.calls.append("enter")
        yield
        self.calls.append("leave")

    def mark(self):
        self.calls.append("mark")

    def wait(self):
        self.calls.append("wait")


def test_one_wait_a_frame_and_buffers_made_once():
    cuda = Played()
    transfer = Pinned(torch.device("cpu"), cuda)
    pixels = torch.arange(12, dtype=torch.uint8).reshape(2, 2, 3)
    first, flag = transfer.fetch([pixels, torch.tensor(True)])
    assert cuda.calls == ["pinned", "pinned", "enter", "mark", "leave", "wait"]
    cuda.calls.clear()
    transfer.fetch([pixels + 1, torch.tensor(False)])
    assert cuda.calls == ["enter", "mark", "leave", "wait"]
    assert np.array_equal(first, pixels.numpy())
    assert bool(flag)


def test_on_a_processor_nothing_is_copied():
    assert isinstance(transfer_for(torch.device("cpu")), Here)
    pixels = torch.zeros(2, 2, 3)
    (array,) = Here().fetch([pixels])
    assert array.ctypes.data == pixels.data_ptr()
