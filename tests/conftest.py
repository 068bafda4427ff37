"""Shared fixtures: random models in the real layout, made once a run, and operators of a test's."""

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes share few cores
# Frames are compared bit for bit: on some processors MKL adds up in another order by where a tensor
# happens to lie in memory, unless it is told not to.
os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="livebend-tests-")  # no measured choices
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="livebend-tests-")  # nobody's settings
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="livebend-tests-")  # nobody's shows
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # what is fast is measured, not tested
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many moves the endurance tests make."""
    parser.addoption("--moves", type=int, default=10_000, metavar="N")


@pytest.fixture
def moves(request: pytest.FixtureRequest) -> int:
    """The number of moves asked for."""
    return int(request.config.getoption("--moves"))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory):
    """Return a function kind -> folder of a random model of that kind, as tests.fakes.models."""
    from tests.fakes import models  # noqa: PLC0415 - torch only where a test needs it

    @cache
    def folder(kind: str) -> Path:
        return models.save(tmp_path_factory.mktemp("models") / kind, kind)

    return folder


@pytest.fixture(scope="session")
def model(model_folder):
    """The random model shaped as SD-Turbo, in float32 on the processor, loaded once: who changes a
    model loads one of his own."""
    import torch  # noqa: PLC0415 - only where a test needs it

    from livebend.models.checkpoint import load_model  # noqa: PLC0415 - imports torch

    return load_model(str(model_folder("turbo")), torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def played_model(model_folder):
    """The same model on the device and in the precision that a show takes on this machine."""
    from livebend.models.checkpoint import load_model  # noqa: PLC0415 - imports torch

    return load_model(str(model_folder("turbo")))


@pytest.fixture
def add_operator(monkeypatch: pytest.MonkeyPatch):
    """Return a function (name, function of x) that adds an operator without parameters, which is
    not normalised, for the time of the test."""
    from livebend.operators.library import all_operators  # noqa: PLC0415 - imports torch
    from livebend.operators.registry import Operator  # noqa: PLC0415 - imports torch

    def add(name: str, function: Callable[..., object]) -> None:
        made = Operator(name, "test", function, {}, (), matched=False)
        monkeypatch.setitem(all_operators(), name, made)

    return add


@pytest.fixture
def mask_folder(tmp_path: Path) -> Path:
    """A folder with the drawn mask `left`, and a broken one, as tests.fakes.masks draws them."""
    from tests.fakes.masks import draw_masks  # noqa: PLC0415 - imports torch and pygame

    return draw_masks(tmp_path)


@pytest.fixture
def own_operators():
    """Take operators that the test loads from a file out of the registry again."""
    from livebend.operators.library import all_operators  # noqa: PLC0415 - imports torch

    before = dict(all_operators())
    yield
    all_operators().clear()
    all_operators().update(before)


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch):
    """A process in which torch computes with three threads unless it is told otherwise."""
    import torch  # noqa: PLC0415 - only where a test needs it

    from livebend.device import torch_threads  # noqa: PLC0415 - imports torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    monkeypatch.setattr(torch_threads, "DEFAULT", 3)
    yield
    torch.set_num_threads(before)
