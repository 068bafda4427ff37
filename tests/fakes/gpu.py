"""A GPU faked on the processor: a replay writes to the very memory that was captured."""

from contextlib import contextmanager

import torch


class FakeGpu:
    """The calls of `device.gpu.Gpu`, recorded; `fault` is raised by the next capture."""

    def __init__(self):
        self.calls = []
        self.fault = None

    def enter(self):
        self.calls.append("enter")

    def warm_up(self, run):
        self.calls.append("warm_up")
        run()

    def capture(self, run):
        self.calls.append("capture")
        if self.fault is not None:
            raise self.fault
        # What a graph writes is its own, even where its stage only hands on what it reads.
        first = run()
        own = {id(y): y.clone() for y in first}
        written = tuple(own[id(y)] for y in first)

        def replay():
            self.calls.append("replay")
            for place, y in zip(written, run(), strict=True):
                place.copy_(y)

        return replay, written

    def pinned(self, tensor):
        self.calls.append("pinned")
        return torch.empty(tensor.shape, dtype=tensor.dtype)

    @contextmanager
    def copy_stream(self):
        self.calls.append("copies")
        yield
        self.calls.append("back")

    def mark(self):
        self.calls.append("mark")

    def wait(self):
        self.calls.append("wait")

    def aside(self, compute):
        self.calls.append("aside")
        return compute()
