"""What a show does from its first moment on, before torch is imported, to have its first frame
sooner."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from livebend.core.files import cache_folder
from livebend.models.backends.read_ahead import ReadAhead


@contextmanager
def starting(options: Mapping[str, object]) -> Iterator[ReadAhead]:
    """Read engines ahead for a start with these options by name, and look for no garbage among
    modules that stay: a show turns that on again once it is loaded."""
    gc.disable()
    ahead = ReadAhead(cache_folder(), options)
    try:
        yield ahead.start()
    finally:
        ahead.stop()
        gc.enable()
