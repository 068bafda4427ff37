"""What the parts of a live show share: options, clock, display, scenes, figures and notices."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from livebend.cli.guarded import Guarded
from livebend.cli.live_notices import LiveNotices
from livebend.cli.live_options import LiveOptions
from livebend.core.clock import SystemTime, Time, now
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.notify import Notify
from livebend.core.show_files import ShowFiles, last_scene
from livebend.core.status import Status
from livebend.core.watchdog import KeptWorker, Term
from livebend.flow import FeatureSource, Frame
from livebend.outputs.bridge import LATE
from livebend.outputs.display import Display
from livebend.outputs.room import KeptRoom, room_file
from livebend.scene.autosave import Autosave, resumed
from livebend.scene.values import Scene


class LiveState:
    """Made before the show, and handed to its parts.

    on_phase: is called after each phase of the start.
    guard: the process that starts the show again, if there is one.
    scene: the first one; `scenes` has the newest that is painted.
    drawn: the drawn masks.
    room: what is kept of the display for the next show; None without one.
    shape: of the display's picture, (W, H) or what is proportional to it; None = not known.
    """

    def __init__(
        self, options: LiveOptions, time: Time | None, on_phase: Notify, guard: Guarded | None
    ) -> None:
        """Raises: LivebendError where the display's settings or the scene cannot be had."""
        self.options, self.on_phase, self.guard = options, on_phase, guard
        self.time: Time = time or SystemTime(guard.since if guard else 0.0)
        self.notices = LiveNotices(self.time, headless=options.headless)
        self.statistics = self.notices.statistics
        self.status = OnDemand(Status())
        frame, view = guard.last() if guard else (None, None)
        self.frames: Latest[Frame | None] = Latest(frame)
        self.room = None if options.headless else KeptRoom(room_file())
        self.display = Display(view or options.view(self.room.settings if self.room else {}))
        self.scene, self.drawn = self._first_scene(), options.drawn_masks()
        self.scenes = Latest(self.scene)
        self.shape: tuple[int, int] | None = None

    def _first_scene(self) -> Scene:
        """The scene of the preset, or one that was saved by itself. Raises: LivebendError."""
        first, file = self.options.first_scene(), self.options.resume
        if file is None:
            return first
        loras = self.options.scene_loras()
        return resumed(Path(file) if file else last_scene(), first, loras, self.notices.warn)

    def open_files(self, ending: ExitStack) -> None:
        """Begin the log, and save the scene from now on whenever it changes."""
        try:
            files = ShowFiles(self.guard.number if self.guard else None)
        except OSError as why:
            self.notices.warn(f"neither a log nor the scene is kept: {why.strerror}")
            return
        ending.callback(files.close)
        self.notices.log_to(files.log)
        ending.callback(self.notices.close_log)
        save = Autosave(self.scenes, files.scene, self.notices.warn)
        ending.callback(self.keep_going("autosave", save.work).stop)

    def keep_room(self, ending: ExitStack) -> None:
        """Keep from now on how the display is set up, if there is one."""
        if self.room is None:
            return
        self.room.keep(self.display, self.notices.warn)  # as it begins
        keep = partial(self.room.work, self.display, self.notices.warn)
        ending.callback(self.keep_going("room", keep).stop)

    def keep_going(self, name: str, work: Callable[[Term], None]) -> KeptWorker:
        """Start a part of the show that is started again where it fails."""
        return KeptWorker(name, work, now, self.notices.report_fault).start()

    def missed(self) -> float:
        """Return for how many seconds the process has stood still since this was asked last."""
        return self.time.missed() if isinstance(self.time, SystemTime) else 0.0

    def renew_status(self, sound: FeatureSource) -> None:
        """Keep the operator's view alive while no frame comes."""
        status, moment = self.status.get(), self.time.now()
        if moment - status.time > LATE:
            self.status.offer(partial(self.statistics.renewed, status, sound.at(moment)))
