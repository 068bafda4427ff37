"""Where backends keep what they make for the random model."""

import shutil

import pytest

from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.rendering.network import Network, Setup


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return EngineCache(tmp_path / "engines", "some-model")


@pytest.fixture(scope="session")
def library(model, tmp_path_factory):
    """The store with one stage, unet.out, compiled once for every test: it takes seconds."""
    if not shutil.which("g++"):
        pytest.skip("no C++ compiler")
    notices = []
    kept = EngineCache(tmp_path_factory.mktemp("engines"), "some-model")
    engine = Engine({"unet.out": "compiled"}, kept, notify=notices.append)
    Network(model, 64, 64, Setup(engine)).prepare()
    assert notices == []
    return kept


@pytest.fixture
def compiled_store(store, library):
    """A store with unet.out compiled for 64x64, which the test may break."""
    shutil.copytree(library.folder, store.folder)
    return store
