"""The kinds of streams that come in: what each is called, and the library that it takes."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from livebend.core.clock import now, sleep
from livebend.core.errors import PictureError, Refused
from livebend.core.extras import NDI, SPOUT, SYPHON, Extra

SILENT = 5.0  # s without a picture after which a stream is lost
PAUSE = 0.004  # s between looks for a new one


class Receiver(ABC):
    """An open stream. It gives pictures as an open file of PyAV does."""

    @abstractmethod
    def newest(self) -> NDArray[np.uint8] | None:
        """Return a picture [H, W, 4] of red, green, blue and alpha that has come since the last
        call, None where none has. Raises: OSError where none will come."""

    @abstractmethod
    def close(self) -> None:
        """Receive nothing more."""

    def decode(self, *, video: int = 0) -> Iterator[Any]:  # noqa: ARG002 - as PyAV's files have it
        """Yield PyAV's frames as they come, the newest. Raises: OSError where none comes for
        SILENT seconds."""
        import av  # noqa: PLC0415 - heavy

        heard = now()
        while now() - heard < SILENT:
            picture = self.newest()
            if picture is None:
                sleep(PAUSE)
                continue
            heard = now()
            yield av.VideoFrame.from_ndarray(picture, format="rgba")
        raise OSError(f"no picture for {SILENT:g} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of stream: the library that it takes, and where it is read."""

    extra: Extra
    module: str

    def find(self, which: str) -> "Stream":
        """Look a stream up by its name or a part of it; "" is the first.

        Raises: PictureError, with those that there are, or with what to install.
        """
        try:
            self.extra.check()
        except Refused as why:
            raise PictureError(f"--picture {self.module}: {why}") from why
        return Stream(self, which)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that can be opened, as a camera can."""

    kind: Kind
    which: str

    @property
    def name(self) -> str:
        """What it is called in notices."""
        return f"{self.kind.extra.title} {self.which}".rstrip()

    def open(self) -> Receiver:
        """Begin to receive. Raises: PictureError where there is no such stream."""
        receive = importlib.import_module(f"{__package__}.{self.kind.module}").receive
        made: Receiver = receive(self.which)
        return made


KINDS: Mapping[str, Kind] = {  # by what is typed after --picture
    "ndi": Kind(NDI, "ndi"),
    "spout": Kind(SPOUT, "spout"),
    "syphon": Kind(SYPHON, "syphon"),
}
