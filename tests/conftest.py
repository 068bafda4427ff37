"""Shared fixtures: random models in the real layout, made once a run."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes share few cores
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="livebend-tests-")  # no measured choices
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # what is fast is measured, not tested
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many moves of hands the endurance tests make."""
    parser.addoption("--moves", type=int, default=10_000, metavar="N")


@pytest.fixture
def moves(request: pytest.FixtureRequest) -> int:
    """The number of moves asked for."""
    return int(request.config.getoption("--moves"))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory):
    """Return a function kind -> folder of a random model of that kind."""
    from tests.fakes import models  # noqa: PLC0415 - torch only where a test needs it

    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = models.save(tmp_path_factory.mktemp("models") / kind, kind)
        return made[kind]

    return folder
