"""Libraries of others that livebend can use where they are installed: its extras."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec

from livebend.core.errors import Refused


@dataclass(frozen=True, slots=True)
class Extra:
    """What such a library is for.

    title: of what it gives.
    library: what is imported.
    name: of livebend's extra, that installs it.
    systems: where it is to be had, as `sys.platform` has them; all if empty.
    """

    title: str
    library: str
    name: str
    systems: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether this system has it."""
        return not self.systems or sys.platform in self.systems

    @property
    def is_here(self) -> bool:
        """Whether it is installed."""
        return find_spec(self.library) is not None

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install 'livebend[{self.name}]'"

    def check(self) -> None:
        """Raises: Refused where this system has none, or the library is missing."""
        if not self.fits:
            raise Refused(f"{self.title}: not on {sys.platform}; on {' or '.join(self.systems)}")
        if not self.is_here:
            raise Refused(f"{self.title}: needs {self.library}: {self.install}")


NDI = Extra("NDI", "cyndilib", "ndi")
VIRTUAL_CAMERA = Extra("virtual camera", "pyvirtualcam", "camera")
SPOUT = Extra("Spout", "SpoutGL", "spout", ("win32",))
SYPHON = Extra("Syphon", "syphon", "syphon", ("darwin",))
