"""What a show asks of its GPU, faked: who paints, and who encodes beside it."""

import pytest
import torch

from livebend.device import gpu
from tests.fakes.gpu import FakeGpu
from tests.fakes.networks import CPU


@pytest.fixture
def fake(monkeypatch):
    made = FakeGpu()
    monkeypatch.setattr(gpu, "gpu_of", lambda device: made)
    return made


def test_a_thread_enters_the_stream_of_frames(fake):
    gpu.paint_on(CPU)
    assert fake.calls == ["enter"]


def test_prompts_are_encoded_aside(model, fake):
    encoded = model.encode(["a red orb"])
    assert fake.calls == ["aside"]
    fake.calls.clear()
    assert torch.equal(encoded, model.encode(["a red orb"]))
