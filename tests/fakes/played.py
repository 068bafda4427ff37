"""A show that is played without a network: commands change its scene at once, its sound is a
formula of the time, its frames are a moving gradient."""

import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from livebend.control.desk import Desk
from livebend.control.osc_endpoint import listen
from livebend.control.remote.pairing import Pairing
from livebend.control.remote.server import Remote
from livebend.control.remote.site import Material
from livebend.control.remote.uploads import Uploads
from livebend.core import clock
from livebend.core.errors import LivebendError
from livebend.core.mailbox import Latest
from livebend.core.specs import ParameterValue
from livebend.core.status import BendStatus, Notice, RouteStatus, Status
from livebend.flow import Features, Frame
from livebend.outputs.display import Display
from livebend.scene import presets
from livebend.scene.commands import Command
from livebend.scene.values import Scene

SITES = ("latent", "unet.in", "unet.down.0", "unet.mid", "unet.up.1", "vae.in", "vae.up.0", "image")
SIDE = 128  # pixels of a frame
EVERY = 1 / 30  # s between frames


class PlayedShow:
    """A remote over a desk that plays. `scene` is the newest; `commands`, what was given.

    Any thread may give commands; frames come from one of its own while it is `played`.
    """

    def __init__(
        self, scene: Scene | None = None, port: int = 0, key: bytes | None = None,
        folder: Path | None = None, **more: object,
    ) -> None:  # fmt: skip
        first = scene or presets.first_scene("storm", [])
        self._lock, self.scenes = threading.Lock(), Latest(first)
        self.display, self.bank = Display(), presets.PresetBank()
        self.commands: list[Command] = []
        self.notices: tuple[Notice, ...] = ()
        self.frames: Latest[Frame | None] = Latest(None)
        self._began = clock.now()
        self.desk = Desk(
            self._give, self._show, self.scenes, self.bank, self.warn, Display.specs,
            keep=self._keep, view=self.display.get, status=self.status,
        )  # fmt: skip
        self.pairing = Pairing(clock.now, key)
        uploads = None if folder is None else Uploads(folder)
        listening = listen("127.0.0.1", port, kind=socket.SOCK_STREAM)
        self.remote = Remote(
            self.desk, listening, osc_port=9001, pairing=self.pairing,
            material=Material(self.frames, SITES, lambda: ("star",), uploads), **more,
        )  # fmt: skip
        self.port = self.remote.address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def scene(self) -> Scene:
        """The newest scene."""
        return self.scenes.get()

    def _give(self, command: Command) -> bool:
        with self._lock:
            self.commands.append(command)
            try:
                self.scenes.put(command.apply(self.scene))
            except LivebendError as why:
                self.warn(str(why))
        return True

    def _show(self, what: str, on: ParameterValue | None) -> None:
        self.display.toggle(what) if on is None else self.display.set(what, on)

    def _keep(self, slot: int, scene: Scene) -> None:
        self.bank.hold(slot, scene)

    def warn(self, why: str) -> None:
        """Add a notice."""
        self.notices = (*self.notices, Notice(self.time, why, "warning"))

    @property
    def time(self) -> float:
        """s since the show began."""
        return clock.now() - self._began

    def status(self) -> Status:
        """Return the state at this moment: 120 beats a minute."""
        time, scene = self.time, self.scene
        beat = (2.0 * time) % 1.0
        low = math.exp(-4.0 * beat)
        features = Features(
            time=time, rms=0.3 + 0.4 * low, flux=0.8 * low, low=low, bpm=120.0, silent=False,
            mid=0.4 + 0.2 * math.sin(time), high=0.3 + 0.2 * math.cos(3 * time),
            beat_phase=beat, bar_phase=(time / 2) % 1.0, beat_count=int(2 * time),
            kick_count=int(2 * time), snare_count=int(time), hat_count=int(4 * time),
        )  # fmt: skip
        return Status(
            time, features, scene.title, scene.prompt.text, 58.6,
            bends=tuple(
                BendStatus(b.name, b.operator, b.site, b.values, b.mix, 0.2 + 0.3 * low)
                for b in scene.bends
            ),
            routes=tuple(
                RouteStatus(r.name, r.source, low, r.target, r.low + (r.high - r.low) * low)
                for r in scene.routes
            ),
            notices=self.notices,
            engine="torch",
        )  # fmt: skip

    def paint(self, stop: threading.Event) -> None:
        """Make frames until stopped: a wave whose brightness is the first bend's mix."""
        y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
        index = 0
        while not stop.wait(EVERY):
            index += 1
            wave = np.sin(6 * x * y + self.time + np.array([0, 1, 2])[:, None, None])
            pixels = (90 + 80 * wave).transpose(1, 2, 0).astype(np.uint8)
            self.frames.put(Frame(np.ascontiguousarray(pixels), index, self.time, 0.0, self.time))


@contextmanager
def playing(*given: object, **more: object) -> Iterator[PlayedShow]:
    """A show that plays for the time inside."""
    show, stop = PlayedShow(*given, **more), threading.Event()
    painter = threading.Thread(target=show.paint, args=(stop,), daemon=True)
    show.remote.start()
    painter.start()
    try:
        yield show
    finally:
        stop.set()
        painter.join()
        assert show.remote.stop()
