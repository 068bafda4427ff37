"""Which device a network runs on: what is here is asked of torch and of OpenVINO."""

import openvino
import pytest
import torch

from livebend.core.errors import Refused
from livebend.device import devices
from livebend.models.precision import best_dtype


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes this a machine with these devices and no others."""

    class Core:
        available_devices = ("CPU",)

    def has(*names):
        Core.available_devices = ["CPU", *(n.upper() for n in names if n in ("gpu.0", "npu"))]
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    monkeypatch.setattr(openvino, "Core", Core)
    return has


@pytest.mark.parametrize(
    ("names", "for_tiny", "for_others", "here"),
    [
        ((), "cpu", "cpu", ("cpu",)),
        (("gpu.0",), "cpu", "gpu", ("gpu", "cpu")),
        (("gpu.0", "npu"), "cpu", "gpu", ("gpu", "npu", "cpu")),
        (("npu",), "cpu", "cpu", ("npu", "cpu")),
        (("cuda", "gpu.0"), "cuda", "cuda", ("cuda", "gpu", "cpu")),
        (("mps",), "mps", "mps", ("mps", "cpu")),
    ],
)
def test_the_usual_device(machine, names, for_tiny, for_others, here):
    machine(*names)
    assert devices.device_of("auto", "tiny") == for_tiny
    assert devices.device_of("auto", "stabilityai/sd-turbo") == for_others
    assert devices.here() == here
    assert all(devices.device_of(name, "tiny") == name for name in here)


def test_a_device_that_is_not_here_is_refused_with_those_that_are(machine):
    machine("gpu.0")
    with pytest.raises(Refused, match="device = cuda: not here; expected gpu or cpu"):
        devices.device_of("cuda", "tiny")


def test_without_openvino_there_is_what_torch_knows(machine, monkeypatch):
    machine("gpu.0")
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: None)
    assert devices.here() == ("cpu",)


def test_intels_devices_take_tensors_of_the_host_in_single_precision():
    for name in ("gpu", "npu"):
        assert devices.on_torch(name) == torch.device("cpu")
        assert best_dtype(name) == torch.float32
    assert devices.on_torch("cuda") == torch.device("cuda")
    assert best_dtype("cuda") == best_dtype("mps") == torch.float16
