"""The options of a live show, and what of the display and the scene they begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livebend.cli.options import ShowOptions
from livebend.control.osc_endpoint import HOST, PORT
from livebend.control.parameters import OUTPUT
from livebend.core.errors import UnknownName
from livebend.device.devices import EMBEDDED
from livebend.models.checkpoint import AUTO
from livebend.outputs.display import Display, View
from livebend.outputs.room import Room

OFF = "off"
LAST = "-1"  # of the displays


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions(ShowOptions):
    """The ends of a live show: sound, window, recordings, OSC."""

    input: str = "demo"
    fps: float = 60.0  # at most
    vae: str = AUTO
    headless: bool = False
    fullscreen: bool = False
    streams: Sequence[str] = ()
    stream_size: tuple[int, int] | None = None  # None = the picture's own
    display: str = LAST  # name or index
    logo: Path | None = None
    record: Path | None = None
    record_cues: Path | None = None
    osc: str = f"{HOST}:{PORT}"
    osc_allow: Sequence[str] = ()
    lan: bool = False
    remote: str = OFF
    midi: str = OFF
    link: bool = False
    aloud: bool = False
    target_ms: float | None = None
    lead: str | None = None  # where followers are listened to, PORT or HOST:PORT
    follow: str | None = None  # the leader, HOST or HOST:PORT
    key: Path | None = None  # of the rig
    part: tuple[int, int] = (0, 1)  # of the picture, that is shown: its number, of how many
    resume: str | None = None  # the file of a scene; "" is that of the last show

    def view(self, room: Room) -> View:
        """Return the display's state that the show begins with, in a room as it was kept. Raises:
        LivebendError."""
        view = View(
            fullscreen=self.fullscreen,
            part=self.part[0],
            parts=self.part[1],
            record=self.record is not None,
            codec=self.codec,
            strobe_limit=self.strobe_limit,
        )
        switches: dict[str, Any] = {}
        if self.size is None and self.wanted.name == EMBEDDED:
            switches["fit"] = "mirror"  # a square, whose mirrored edges fill a wide display
        switches |= room
        switches |= dict.fromkeys(self.streams, True)
        if self.logo is not None:
            switches["logo"] = True
        for name, value in self._settings():
            if name not in Display.specs:
                raise UnknownName("display setting", name, Display.specs)
            switches[name] = Display.specs[name].check(value, f"{OUTPUT}.{name}")
        return view.changed(switches)

    def changes(self) -> list[tuple[str, object]]:
        """Return the values that replace the preset's; those of the display are the view's."""
        return [one for one in ShowOptions.changes(self) if not one[0].startswith(f"{OUTPUT}.")]

    def _settings(self) -> list[tuple[str, object]]:
        """The display's settings, by name."""
        own = f"{OUTPUT}."
        return [(path.removeprefix(own), v) for path, v in self.sets if path.startswith(own)]
