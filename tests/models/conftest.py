"""Where backends keep what they make for the random model."""

import pytest

from livebend.models.backends.engine_cache import EngineCache


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return EngineCache(tmp_path / "engines", "some-model")
