"""The state of the display, independent of the renderer.

`View` is one frozen value; `Display` holds the newest and lets any thread change it, so that
blackout and freeze act at once even when the network hangs. Each field of `View` is an address that
a controller may set (`specs_of(View)`).
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.ranges import Range, Unit
from livebend.core.specs import ParameterValue, Spec, specs_of


@dataclass(frozen=True, slots=True)
class View:
    """The state of the display."""

    blackout: Annotated[bool, "show black"] = False
    fade: Annotated[
        float, Range(0, 60, "s", soft=(0, 5)), "time in which black comes and goes; 0 = at once"
    ] = 0.0
    freeze: Annotated[bool, "hold the picture that is shown"] = False
    brightness: Annotated[Unit, "factor on the picture"] = 1.0
    cover: Annotated[bool, "fill the window and cut the edges; off = show all, with bars"] = False
    fullscreen: Annotated[bool, "full screen"] = False
    display: Annotated[
        int, Range(-1, 15, whole=True), "display of the picture; -1 = the last one"
    ] = -1
    meters: Annotated[bool, "the operator's view"] = False
    record: Annotated[bool, "a film of picture and sound is being written"] = False
    help: Annotated[bool, "the list of keys"] = False


class Display:
    """The newest View, and `count`, the number of displays. Any thread may call every method.

    `recording` says how long the film is that is being written, and how much room there is.
    """

    specs: Mapping[str, Spec] = specs_of(View)

    def __init__(self, view: View | None = None) -> None:
        self._lock = threading.Lock()
        self._view = view or View()
        self.count = 1
        self.recording = ""

    @property
    def view(self) -> View:
        """The state now."""
        return self._view

    def get(self, name: str) -> ParameterValue:
        """Return one field. Raises: UnknownName."""
        if name not in self.specs:
            raise UnknownName("display setting", name, self.specs)
        value: ParameterValue = getattr(self._view, name)
        return value

    def set(self, name: str, value: ParameterValue) -> None:
        """Set one field; a number out of range is clamped. Raises: UnknownName, OutOfRange."""
        if name not in self.specs:
            raise UnknownName("display setting", name, self.specs)
        fitted = self.specs[name].fit(value, name)
        with self._lock:
            self._view = replace(self._view, **{name: fitted})  # type: ignore[arg-type]

    @property
    def shown_on(self) -> int:
        """Index of the display that the picture is on."""
        wanted = self._view.display
        last = max(self.count, 1) - 1
        return last if wanted < 0 else min(wanted, last)

    def toggle(self, name: str) -> None:
        """Switch a field on or off, or the picture to the next display.

        Raises: UnknownName, OutOfRange for other fields.
        """
        if name not in self.specs:
            raise UnknownName("display setting", name, self.specs)
        if name != "display" and self.specs[name].kind != "bool":
            raise OutOfRange(f"{name}: expected {self.specs[name].allowed}")
        with self._lock:
            on = not getattr(self._view, name)
            value = (self.shown_on + 1) % max(self.count, 1) if name == "display" else on
            self._view = replace(self._view, **{name: value})  # type: ignore[arg-type]
