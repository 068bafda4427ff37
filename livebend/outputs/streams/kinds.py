"""The kinds of streams: what each is called, and the library that it takes."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from livebend.core.errors import UnknownName
from livebend.core.extras import NDI, SPOUT, SYPHON, VIRTUAL_CAMERA, Extra
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
    """A kind of stream: the library that it takes, and where its `Sender` is."""

    extra: Extra
    module: str
    sender: str

    @property
    def title(self) -> str:
        """What it is called."""
        return self.extra.title

    def open(self, size: tuple[int, int], fps: float) -> Sender:
        """Open a sender. Raises: Refused, with what to install or to do."""
        self.extra.check()
        sender = getattr(importlib.import_module(f"{__package__}.{self.module}"), self.sender)
        made: Sender = sender(TITLE, size, fps)
        return made


KINDS: Mapping[str, Kind] = {  # by the name of their switch in the view
    "ndi": Kind(NDI, "ndi", "NdiSender"),
    "virtual_camera": Kind(VIRTUAL_CAMERA, "virtual_camera", "VirtualCamera"),
    "spout": Kind(SPOUT, "spout", "SpoutSender"),
    "syphon": Kind(SYPHON, "syphon", "SyphonSender"),
}


def kind_of(name: str) -> Kind:
    """Return a kind by the name of its switch. Raises: UnknownName."""
    if name not in KINDS:
        raise UnknownName("stream", name, KINDS)
    return KINDS[name]
