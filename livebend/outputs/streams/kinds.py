"""The kinds of streams: what each is called, and the library that it takes."""

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

from livebend.core.errors import Refused, UnknownName
from livebend.flow import Pixels

TITLE = "livebend"  # under which other programs see a stream


class Sender(Protocol):
    """What sends pictures of one size. Raises from every method: Refused, with what to do."""

    def __init__(self, title: str, size: tuple[int, int], fps: float, /) -> None: ...

    def send(self, pixels: Pixels) -> None:
        """Send a picture uint8 [H, W, 3] of the sender's size; must not wait for a receiver."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of stream.

    title: what it is called.
    module, sender: where its `Sender` is.
    library: what that imports.
    extra: of livebend's extras, that installs it.
    systems: where it is to be had, as `sys.platform` has them; all if empty.
    """

    title: str
    module: str
    sender: str
    library: str
    extra: str
    systems: tuple[str, ...] = ()

    def open(self, size: tuple[int, int], fps: float) -> Sender:
        """Open a sender. Raises: Refused, with what to install or to do."""
        self.check()
        sender = getattr(importlib.import_module(f"{__package__}.{self.module}"), self.sender)
        made: Sender = sender(TITLE, size, fps)
        return made

    @property
    def fits(self) -> bool:
        """Whether this system has such streams."""
        return not self.systems or sys.platform in self.systems

    @property
    def install(self) -> str:
        """The command that installs its library."""
        return f"pip install 'livebend[{self.extra}]'"

    def check(self) -> None:
        """Raises: Refused where this system has no such streams, or its library is missing."""
        if not self.fits:
            raise Refused(f"{self.title}: not on {sys.platform}; on {' or '.join(self.systems)}")
        if find_spec(self.library) is None:
            raise Refused(f"{self.title}: needs {self.library}: {self.install}")


KINDS: Mapping[str, Kind] = {  # by the name of their switch in the view
    "ndi": Kind("NDI", "ndi", "NdiSender", "cyndilib", "ndi"),
    "virtual_camera": Kind(
        "virtual camera", "virtual_camera", "VirtualCamera", "pyvirtualcam", "camera"
    ),
    "spout": Kind("Spout", "spout", "SpoutSender", "SpoutGL", "spout", ("win32",)),
    "syphon": Kind("Syphon", "syphon", "SyphonSender", "syphon", "syphon", ("darwin",)),
}


def kind_of(name: str) -> Kind:
    """Return a kind by the name of its switch. Raises: UnknownName."""
    if name not in KINDS:
        raise UnknownName("stream", name, KINDS)
    return KINDS[name]
