"""The commands of a live show: those of a cue file and of loops beside what hands do, on their way
to the render thread, and recorded as cues."""

from contextlib import ExitStack
from typing import cast

from livebend.cli.live_state import LiveState
from livebend.cli.player import Player
from livebend.cli.rig import Rig
from livebend.control.command_queue import CommandQueue, PromptGate, texts
from livebend.control.cues import CueRecorder, Cues
from livebend.control.desk import Desk
from livebend.control.lessons import Lessons
from livebend.control.loop_recorder import LoopRecorder
from livebend.control.quantiser import Quantiser
from livebend.control.scene_keeper import SceneKeeper
from livebend.core.specs import ParameterValue
from livebend.core.watchdog import KeptWorker
from livebend.outputs.display import Display
from livebend.scene import edit, presets
from livebend.scene.commands import Add, CommandSource, Load, Set


class LiveCommands:
    """Made before the show; opened by its main thread once the model is loaded.

    recorder: of cues, if they are recorded.
    queue: once it is open, what the render thread takes the commands of.
    workers: the parts that a watchdog looks after.
    """

    def __init__(self, live: LiveState, rig: Rig) -> None:
        """Read the cues. Raises: LivebendError."""
        self._live, self._rig = live, rig
        self.bank = presets.PresetBank()
        self.recorder: CueRecorder | None = None
        self.queue: CommandQueue
        self._loops: LoopRecorder
        self.workers: tuple[KeptWorker, ...] = ()
        file = live.options.cues
        self._cues = None if file is None else Cues(file, self.bank.load, live.scene)
        if self._cues is not None and live.guard is not None:
            self._cues.until(live.guard.since)  # what was played before

    @property
    def lost(self) -> str:
        """Why not all cues are recorded; or ""."""
        return "" if self.recorder is None else self.recorder.fault

    def open(self, player: Player, kept: ExitStack) -> None:
        """Open the queue; `kept` closes what is recorded."""
        live, prompts = self._live, player.prompts
        warn = live.notices.warn
        self._loops = loops = LoopRecorder(live.scenes, player.beats, live.statistics.notice)
        quantiser = Quantiser(player.beats, warn)
        live.statistics.foresee(lambda: quantiser.waiting, lambda: loops.recording)
        feed: list[CommandSource] = [loops]
        if self._cues is not None:
            for text in {text for cue in self._cues.cues for text in texts(cue.command)}:
                prompts.value(text)
            feed.append(self._cues)
        if live.options.record_cues is not None:
            self.recorder = CueRecorder(live.options.record_cues, live.notices.lose)
            kept.callback(self.recorder.close)
            self._record_start(self.recorder)
        self.queue = CommandQueue(
            notify=warn,
            gate=PromptGate(prompts.ready, self._rig.foresees(prompts.request)),
            check=player.network.check,
            recorder=self._rig.record(self.recorder),
            feed=feed,
            quantiser=quantiser,
        )

    def desk(self, ending: ExitStack, lessons: Lessons) -> Desk:
        """Return what controllers act on, once the queue is open, and store what they store from
        now on, until `ending`."""
        live = self._live
        keeper = SceneKeeper(self.bank, live.statistics.notice, live.notices.warn)
        slots = live.keep_going("slots", keeper.work)
        self.workers = (slots,)
        ending.callback(slots.stop)
        return Desk(
            self.queue.give, self._show, live.scenes, self.bank, live.notices.warn, Display.specs,
            keep=keeper.keep, clear=keeper.clear, view=live.display.get, status=live.status.get,
            learn=lessons.learn, automate=self._loops.automate,
        )  # fmt: skip

    def _show(self, what: str, on: ParameterValue | None) -> None:
        """Change the display at once, whatever the render thread is doing."""
        if on is None:
            self._live.display.toggle(what)
        else:
            self._live.display.set(what, on)

    def _record_start(self, recorder: CueRecorder) -> None:
        """Begin a cue file with the show's first scene, so that it can be played by itself; except
        for a preset given as a file, which a cue cannot name."""
        live = self._live
        if live.options.preset not in presets.names():
            return
        recorder(0.0, Load(live.scene, live.options.preset))
        scene = presets.load(live.options.preset)
        for path, value in live.options.changes():
            before, scene = scene, edit.with_prompt(scene, path, value)
            added = scene.mix[len(before.mix) :]
            set_it = Set(path, cast(ParameterValue, value))
            recorder(0.0, Add(added[0]) if added else set_it)
