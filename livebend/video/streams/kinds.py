"""The kinds of streams that come in: what each is called, and the library that it takes."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from livebend.core.errors import PictureError, Refused
from livebend.core.extras import NDI, SPOUT, SYPHON, Extra

SILENT = 5.0  # s without a picture after which a stream is lost


class Receiver(Protocol):
    """An open stream. It gives pictures as an open file of PyAV does."""

    def decode(self, *, video: int) -> Iterator[Any]:
        """Yield PyAV's frames as they come, the newest. Raises: OSError where none comes for
        SILENT seconds."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


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
