"""The state of the display, independent of the renderer.

`View` is one frozen value; `Display` holds the newest and lets any thread change it, so that
blackout and freeze act at once even when the network hangs. Each field of `View` is an address that
a controller may set, and those of each projector are (`SPECS`).
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.ranges import Range, Unit
from livebend.core.specs import OneOf, ParameterValue, Spec, specs_of
from livebend.outputs.codecs import CODECS, DEFAULT
from livebend.outputs.wall.projectors import (
    HEAD,
    NEUTRAL,
    Projector,
    Projectors,
    changed_in,
    numbered,
    projector_specs,
    value_in,
)
from livebend.outputs.wall.settings import Over

JOIN = "+"  # between the names of displays that show the same


@dataclass(frozen=True)
class View(Over):
    """The state of the display: where the picture is on the wall, and whether it is seen."""

    blackout: Annotated[bool, "show black"] = False
    fade: Annotated[
        float, Range(0, 60, "s", soft=(0, 5)), "time in which black comes and goes; 0 = at once"
    ] = 0.0
    freeze: Annotated[bool, "hold the picture that is shown"] = False
    brightness: Annotated[Unit, "factor on the picture"] = 1.0
    part: Annotated[
        int, Range(0, 16, whole=True), "which part of the picture is shown, from the left; 0 = all"
    ] = 0
    parts: Annotated[int, Range(1, 16, whole=True), "parts of the picture, side by side"] = 1
    fullscreen: Annotated[bool, "full screen"] = False
    display: Annotated[
        int, Range(-1, 15, whole=True), "display of the picture; -1 = the last one"
    ] = -1
    meters: Annotated[bool, "the operator's view"] = False
    strobe_limit: Annotated[
        bool, "at most three flashes a second over a quarter of the picture; more can make ill"
    ] = True
    ndi: Annotated[bool, "sent to the network as NDI"] = False
    virtual_camera: Annotated[bool, "a camera that other programs choose"] = False
    spout: Annotated[bool, "shared with other programs of a Windows machine"] = False
    syphon: Annotated[bool, "shared with other programs of a Mac"] = False
    record: Annotated[bool, "a film of picture and sound is being written"] = False
    codec: Annotated[
        str, OneOf(tuple(CODECS)), "the kind of the next film; `livebend codecs` lists them"
    ] = DEFAULT
    help: Annotated[bool, "the list of keys"] = False
    projectors: Projectors = NEUTRAL

    def value(self, name: str) -> ParameterValue:
        """Return a setting by its name in SPECS."""
        if name.startswith(f"{HEAD}."):
            return value_in(self.projectors, name)
        found: ParameterValue = getattr(self, name)
        return found

    def changed(self, settings: Mapping[str, ParameterValue]) -> "View":
        """Return this with settings, by their names in SPECS and checked, changed."""
        plain: dict[str, Any] = {}
        projectors = self.projectors
        for name, value in settings.items():
            if name.startswith(f"{HEAD}."):
                projectors = changed_in(projectors, name, value)
            else:
                plain[name] = value
        return replace(self, projectors=projectors, **plain)

    def projector_of(self, name: str) -> tuple[int, Projector]:
        """Return the number of a display among the projectors, and what is set of it; 0 and the
        neutral one where it has none."""
        for number, one in enumerate(self.projectors, 1):
            if is_one_display(one.display, name):
                return number, one
        return 0, Projector()


SPECS: Mapping[str, Spec] = {**specs_of(View), **projector_specs()}


class Display:
    """The newest View, and on which display the picture is. Any thread may call every method.

    Its display is known by name: where it is gone, the picture is on another until it is back.
    `names` are those of the displays there are; the window keeps them by `found`. `recording` says
    how long the film is that is being written, and how much room there is; `remote`, where the
    page of the remote is and its code.
    """

    specs = SPECS

    def __init__(self, view: View | None = None) -> None:
        self._lock = threading.Lock()
        self._view = view or View()
        self.names: tuple[str, ...] = ()
        self.home = ""  # name of the picture's display; "" = not known yet
        self._is_alone = False  # whether there was no other when it became that
        self.recording = ""
        self.remote = "", ""

    @property
    def view(self) -> View:
        """The state now."""
        return self._view

    def get(self, name: str) -> ParameterValue:
        """Return one field. Raises: UnknownName."""
        if name not in self.specs:
            raise UnknownName("display setting", name, self.specs)
        return self._view.value(name)

    def set(self, name: str, value: ParameterValue) -> None:
        """Set one field; a number out of range is clamped. Raises: UnknownName, OutOfRange."""
        if name not in self.specs:
            raise UnknownName("display setting", name, self.specs)
        fitted = self.specs[name].fit(value, name)
        with self._lock:
            self._change(name, fitted)

    def found(self, names: Sequence[str]) -> None:
        """Take the names of the displays there are now, in their order."""
        with self._lock:
            self.names = tuple(names)
            if names and (not self.home or (self._is_alone and self._view.display < 0)):
                self._settle()

    @property
    def shown_on(self) -> int:
        """Index of the display that the picture is on; 0 where there is none."""
        at_home = index_of(self.home, self.names) if self.home else None
        return max(len(self.names) - 1, 0) if at_home is None else at_home

    @property
    def chosen(self) -> str:
        """The name of the display that somebody has put the picture on; "" where nobody has."""
        return self.home if self._view.display >= 0 else ""

    def number(self, names: Sequence[str]) -> None:
        """Have a projector's number, and with it settings of its own, for each of the displays that
        the picture is on, as far as there are any."""
        with self._lock:
            found = numbered(self._view.projectors, names, is_one_display)
            if found != self._view.projectors:
                self._view = replace(self._view, projectors=found)

    def toggle(self, name: str) -> None:
        """Switch a field on or off, or the picture to the next display.

        Raises: UnknownName, OutOfRange for other fields.
        """
        if name not in self.specs:
            raise UnknownName("display setting", name, self.specs)
        if name != "display" and self.specs[name].kind != "bool":
            raise OutOfRange(f"{name}: expected {self.specs[name].allowed}")
        with self._lock:
            on: ParameterValue = not self._view.value(name)
            count = max(len(self.names), 1)
            self._change(name, (self.shown_on + 1) % count if name == "display" else on)

    def _change(self, name: str, value: ParameterValue) -> None:
        self._view = self._view.changed({name: value})
        if name == "display" and self.names:
            self._settle()

    def _settle(self) -> None:
        """Make the display that the view sets the picture's own."""
        wanted, last = self._view.display, len(self.names) - 1
        self.home = self.names[last if wanted < 0 else min(wanted, last)]
        self._is_alone = last == 0


def index_of(name: str, names: Iterable[str]) -> int | None:
    """Return which of the displays has that name, or shows what that one shows; None if none."""
    wanted = {name, *name.split(JOIN)}
    found = (i for i, one in enumerate(names) if wanted & {one, *one.split(JOIN)})
    return next(found, None)


def is_one_display(name: str, other: str) -> bool:
    """Whether two names are of one display, or of displays that show the same."""
    return bool(name) and index_of(name, [other]) is not None


def further_indices(text: str, names: Sequence[str], own: int) -> list[int]:
    """Return which displays `output.also` names beside the picture's own, in their order.

    Raises: UnknownName, OutOfRange.
    """
    words = [word for part in text.split(",") if (word := part.strip())]
    if words == ["all"]:
        return [index for index in range(len(names)) if index != own]
    found = {wanted_index(word, names, "output.also") % len(names) for word in words}
    return sorted(found - {own})


def wanted_index(text: str, names: Sequence[str], where: str = "--display") -> int:
    """Return which display somebody names, by its name or its index.

    Raises: UnknownName with the nearest name, OutOfRange for an index that there is not.
    """
    if not text.lstrip("-").isdecimal():
        found = index_of(text, names)
        if found is None:
            raise UnknownName("display", text, names)
        return found
    if not -1 <= int(text) < len(names):
        raise OutOfRange(f"{where} {text}: expected 0..{len(names) - 1}, {', '.join(names)}")
    return int(text)
