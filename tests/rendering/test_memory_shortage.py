"""Where memory runs out, frames get lighter step by step, and the show goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.core.errors import BendFault, lacks_memory
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Sampling
from tests.fakes.shows import STILL, Show

SCENE = replace(STILL, sampling=Sampling("euler", 4))
FAULTS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"),
    RuntimeError("Exception from src/core.cpp: bad allocation"),
]
STEPS = [
    "memory is short: what stages made is forgotten, and less is remembered",
    "memory is short: playing at 2 steps",
    "memory is short: playing at 0.75 of the size",
]


@pytest.fixture
def show(model):
    return Show(Network(model, 128, 128))


@pytest.fixture
def short(monkeypatch):
    """Return a function that has so many of the next pictures fail with a fault."""
    left, paint = [], Network.paint

    def painted(network, *given, **more):
        if left:
            raise left.pop()
        return paint(network, *given, **more)

    monkeypatch.setattr(Network, "paint", painted)
    return lambda count, fault: left.extend([fault] * count)


def notices(show):
    return [notice.text for notice in show.status.get().notices]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_each_shortage_takes_one_step_with_one_notice(show, short, fault):
    for count in range(1, 4):
        short(1, fault)
        frame = show.frame(SCENE)
        assert notices(show) == STEPS[:count]
        assert frame.shape == (128, 128, 3)
        assert len(np.unique(frame)) > 8
    assert show.render.network.enlarged == (96, 96)
    show.frame(SCENE)
    assert notices(show) == STEPS
    short(1, fault)
    with pytest.raises(type(fault)):  # the part is started again, see `Painting`
        show.frame(SCENE)


def test_one_frame_may_take_all_steps(show, short):
    short(3, MemoryError())
    show.frame(SCENE)
    assert notices(show) == STEPS
    assert show.render.network.memory.byte_cap < 1 << 30


def test_a_scene_of_one_step_gets_smaller_at_once(show, short):
    short(2, MemoryError())
    show.frame(STILL)
    assert notices(show) == [STEPS[0], STEPS[2]]


def test_a_picture_that_is_as_small_as_can_be_stays(model, short):
    show = Show(Network(model, 64, 64))
    short(1, MemoryError())
    show.frame(STILL)
    short(1, MemoryError())
    with pytest.raises(MemoryError):
        show.frame(STILL)
    assert notices(show) == STEPS[:1]


def test_another_preset_is_played_whole(show, short):
    most = show.network.memory.byte_cap
    whole = show.frame(SCENE)
    short(3, MemoryError())
    lighter = show.frame(SCENE)
    assert not np.array_equal(lighter, whole)
    assert np.array_equal(show.frame(replace(SCENE, loads=SCENE.loads + 1)), whole)
    assert show.network.memory.byte_cap == most


def test_memory_that_an_operator_lacks_is_no_fault_of_its_bend(show, add_operator):
    lacking = [1]

    def large(x):
        if lacking and lacking.pop():
            raise FAULTS[3]
        return x + 1.0

    add_operator("large", large)
    show.frame(replace(SCENE, bends=(Bend("b", "large", "unet.mid"),)))
    assert notices(show) == STEPS[:1]
    assert [bend.note for bend in show.status.get().bends] == [""]


def test_other_faults_are_none_of_memory(show, short):
    short(1, RuntimeError("no such thing"))
    with pytest.raises(RuntimeError, match="no such thing"):
        show.frame(SCENE)
    fault = BendFault("b", "o", "unet.mid", ValueError("no"))
    assert not lacks_memory(fault)
    fault.__cause__ = MemoryError()
    assert lacks_memory(fault)


def test_offline_it_is_a_fault(model, short):
    strict = Show(Network(model, 64, 64), strict=True)
    short(1, MemoryError())
    with pytest.raises(MemoryError):
        strict.frame(SCENE)
