"""A live show: wiring only. Open the ends, start the threads, keep the window alive, close.

main     window, keys                    audio    sound → features
render   scene, network, frames          osc      datagrams → commands
text     prompts → embeddings
"""

import gc
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from livebend.audio.feature_sources import HeardSound
from livebend.audio.open_input import hear_sound
from livebend.cli.guarded import ENDING, Guarded
from livebend.cli.hands import OFF, Hands, Seen, open_hands, open_remote, opened_to
from livebend.cli.live_picture import LivePicture
from livebend.cli.options import ShowOptions
from livebend.cli.painting import Painting
from livebend.cli.printing import Printed, print_notice
from livebend.cli.rig import Rig
from livebend.cli.screen import Screen
from livebend.cli.signals import ended_by_signals
from livebend.cli.streaming import check_streams, open_streams
from livebend.control.command_queue import CommandQueue, PromptGate, texts, texts_of
from livebend.control.cues import CueRecorder, Cues
from livebend.control.desk import Desk, Learn, no_midi
from livebend.control.door import AllowList, Decision, Door
from livebend.control.loop_recorder import LoopRecorder
from livebend.control.midi.ports import Ports, RtMidiPorts
from livebend.control.mouse import Mouse
from livebend.control.osc import OscInput
from livebend.control.osc_endpoint import HOST, PORT, endpoint, is_loopback, listen, reach
from livebend.control.osc_learnt import LearntAddresses
from livebend.control.osc_learnt import user_file as learnt_file
from livebend.control.parameters import OUTPUT
from livebend.control.quantiser import Quantiser
from livebend.control.scene_keeper import SceneKeeper
from livebend.core.clock import SystemTime, Time, now
from livebend.core.errors import LivebendError, Refused, UnknownName
from livebend.core.files import check_place, film_folder
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.notify import Notify, ignore
from livebend.core.priority import raised, step_back
from livebend.core.show_files import ShowFiles, last_scene
from livebend.core.show_log import ShowLog
from livebend.core.sizes import shaped_size
from livebend.core.specs import ParameterValue
from livebend.core.statistics import Statistics
from livebend.core.status import Level, Status
from livebend.core.watchdog import KeptWorker, Term, Watchdog, said
from livebend.core.worker import Worker
from livebend.device.devices import EMBEDDED
from livebend.device.torch_threads import compute_with
from livebend.flow import Frame, Output, Samples
from livebend.models.backends.read_ahead import ReadAhead
from livebend.models.checkpoint import AUTO
from livebend.modulation.beats import Beats
from livebend.outputs.bridge import LATE
from livebend.outputs.display import Display, View
from livebend.outputs.film_take import Film
from livebend.outputs.guarded_output import GuardedOutput
from livebend.outputs.headless import Headless
from livebend.outputs.live_recording import LiveRecording
from livebend.outputs.movie import check_recording
from livebend.outputs.part import PartOutput
from livebend.outputs.room import KeptRoom, Room, room_file
from livebend.outputs.strobe_limit import StrobeLimit
from livebend.rendering.open_network import made_by, take_up
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.rendering.small_network import SmallNetwork, open_small_network
from livebend.scene import edit, presets
from livebend.scene.autosave import Autosave, resumed
from livebend.scene.commands import Add, CommandSource, Load, Set
from livebend.scene.values import Scene

if TYPE_CHECKING:
    from livebend.control.remote.server import Remote

FIRST_FRAME = "sound, first frame"  # the last phase of a start
PATIENCE = 1.5  # s that the end of a show waits for the frame in work, or the text
DEFAULT_FILM = "livebend.mp4"
LAST = "-1"  # of the displays
SWITCH_INTERVAL = 0.0005  # s: how long Python code of one thread may keep the audio thread waiting


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
        switches: dict[str, Any] = dict.fromkeys(self.streams, True)
        if self.logo is not None:
            switches["logo"] = True
        if self.size is None and self.wanted.name == EMBEDDED:
            switches["fit"] = "mirror"  # a square, whose mirrored edges fill a wide display
        for name, value in self._settings():
            if name not in Display.specs:
                raise UnknownName("display setting", name, Display.specs)
            switches[name] = Display.specs[name].check(value, f"{OUTPUT}.{name}")
        return view.changed({**room, **switches})

    def changes(self) -> list[tuple[str, object]]:
        """Return the values that replace the preset's; those of the display are the view's."""
        return [one for one in ShowOptions.changes(self) if not one[0].startswith(f"{OUTPUT}.")]

    def _settings(self) -> list[tuple[str, object]]:
        """The display's settings, by name."""
        own = f"{OUTPUT}."
        return [(path.removeprefix(own), v) for path, v in self.sets if path.startswith(own)]


class Player:
    """The loaded network and what paints with it: what the render thread runs."""

    def __init__(self, show: "LiveShow") -> None:
        """Load the model; slow. Raises: LivebendError where it cannot play the scene."""
        options, guidance = show.options, show.scene.sampling.guidance
        self.network = options.network(
            show.statistics.notice, guidance=guidance, drawn=show.drawn, ahead=show.ahead,
            on_phase=show.on_phase, shape=show.shape,
        )  # fmt: skip
        model = self.network.model
        self.scene = self.network.check(show.scene)
        self.prompts = Prompts(model.encode, model.notes, show.warn)
        for text in texts_of(self.scene):
            self.prompts.value(text)
        self._painter = partial(
            Renderer,
            prompts=self.prompts,
            statistics=show.statistics,
            status=show.status,
            duration=options.seconds,
            target_ms=options.target_ms,
            pictures=show.pictures.source,
        )
        self._small = self._small_network() if options.target_ms else None
        self.render = self._painter(self.network, small=self._small)
        if show.ahead:
            show.ahead.keep()
        show.on_phase("engine, first prompt")

    def take_up(self) -> None:
        """Prepare the calling thread to paint."""
        take_up(self.network)

    def anew(self) -> None:
        """Forget what earlier frames left."""
        self.network.memory.forget()
        self.network.begin_anew()

    def beats(self) -> Beats:
        """Return where the beat was in the last frame."""
        return self.render.beats

    def renew(self) -> None:
        """Paint with a renderer and a network of their own from now on, on the same model and
        engine: the thread before may still hold the others."""
        self.network = self.network.twin()
        self._small = SmallNetwork(self.network) if self._small else None
        self.render = self._painter(self.network, small=self._small)

    def _small_network(self) -> SmallNetwork | None:
        guided = self.network.sampled(self.scene.sampling).guidance > 1.0
        return open_small_network(self.network, guided=guided)


class LiveShow:
    """One live show. Made and run by the main thread."""

    def __init__(
        self,
        options: LiveOptions,
        time: Time | None = None,
        on_phase: Notify = ignore,
        ahead: ReadAhead | None = None,
        guard: Guarded | None = None,
        ports: Callable[[], Ports] = RtMidiPorts,
    ) -> None:
        """Open what can be refused before the show. Raises: LivebendError.

        time: a virtual clock, for tests.
        on_phase: is called after each phase of the start, the last FIRST_FRAME, in any thread.
        ahead: engines that are being read meanwhile.
        guard: the process that starts the show again, for one that has such.
        ports: opens the MIDI system.
        """
        self.options, self.ahead, self._ports = options, ahead, ports
        self.rig = Rig.of(options)
        self.on_phase = on_phase
        self.seen: Callable[[Frame], None] = ignore  # called with each frame that is shown
        self.begun = False  # whether a picture has been shown
        self.guard = guard
        self.time: Time = time or SystemTime(guard.since if guard else 0.0)
        self._printed = Printed(self.time.now)
        self.log = ShowLog(None)
        self.statistics = Statistics(self.time, self._tell)
        self.status = OnDemand(Status())
        frame, view = guard.last() if guard else (None, None)
        self.frames: Latest[Frame | None] = Latest(frame)
        self.room = None if options.headless else KeptRoom(room_file())
        self.display = Display(view or options.view(self.room.settings if self.room else {}))
        self.scene, self.drawn = self._first_scene(), options.drawn_masks()
        self.scenes = Latest(self.scene)
        self.bank = presets.PresetBank()
        self.failures: list[BaseException] = []
        self.recording: LiveRecording | None = None
        self.cue_recorder: CueRecorder | None = None
        self.stop = threading.Event()  # set to end the show, and when it has ended
        self.asked_by = ""  # the signal that ends the show
        self.late: Notify = ignore  # called with it, in another thread, where the show goes on
        self._late = 0.0  # s for which the last picture has been moved
        self.shape: tuple[int, int] | None = None  # of the display's picture; None = not known
        self.hung = False  # by the network, or a display that is gone: the process must be left
        self._kept, self._keeping = ExitStack(), threading.Lock()  # what no other fault may touch
        self.osc: OscInput
        self.desk: Desk
        self.pictures: LivePicture
        self.hands = Hands(None, ())
        self.remote: Remote | None = None
        AllowList(options.osc_allow)  # before --lan adds to it
        self.reach = opened_to(endpoint(options.osc), options.osc_allow, lan=options.lan)
        self.door = Door(self.reach.allow, self.warn, keyed=not options.headless)
        self.cues = self._cues()
        if self.cues is not None and guard is not None:
            self.cues.until(guard.since)  # what was played before
        self._check_files()

    def _check_files(self) -> None:
        """Raises: LivebendError where a model cannot play, or a file cannot be written."""
        options = self.options
        check_streams(options.streams, options.stream_size)
        options.check_model([self.scene], print_notice)
        check_recording(options.record, "--record", options.codec, options.record_size)
        if options.record_cues is not None:
            check_place(options.record_cues, "--record-cues")

    def _first_scene(self) -> Scene:
        """The scene of the preset, or one that was saved by itself. Raises: LivebendError."""
        first, file = self.options.first_scene(), self.options.resume
        if file is None:
            return first
        loras = self.options.scene_loras()
        return resumed(Path(file) if file else last_scene(), first, loras, self.warn)

    def play(self) -> dict[str, Any]:
        """Run the show to its end; return its statistics. Raises: LivebendError."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            with (
                ended_by_signals(self._ask, self.late),
                raised(),
                ExitStack() as ending,
            ):
                self._play(ending)
        finally:
            self._printed.close()
            sys.setswitchinterval(before)
            gc.unfreeze()  # or nothing of this show would ever be given back
        if self.failures:
            raise self.failures[0]
        if self.lost:
            raise Refused("; ".join(self.lost))
        return self.statistics.report()

    def keep(self) -> None:
        """Close what is kept of the show, unless that is being done; any thread."""
        with self._keeping:
            kept, self._kept = self._kept, ExitStack()
        kept.close()

    @property
    def is_over(self) -> bool:
        """Whether the show is to end: it was asked to, or cannot go on."""
        return bool(self.asked_by or self.failures or self.stop.is_set())

    @property
    def lost(self) -> list[str]:
        """What was to be kept of the show and is not, or not whole."""
        films = [] if self.recording is None else self.recording.faults
        cues = "" if self.cue_recorder is None else self.cue_recorder.fault
        return [*films, *filter(None, [cues])]

    def _play(self, ending: ExitStack) -> None:
        kept = self._kept
        ending.callback(self.keep)
        self._open_files(ending)
        screen = self._screen(ending)
        listening = listen(*self.reach.osc, self.warn)
        ending.callback(listening.close)
        player, sound = self._load(screen)
        self._missed()  # nothing of a show, while there was none
        recording = self._recording(player, sound, kept)
        loops = LoopRecorder(self.scenes, player.beats, self.statistics.notice)
        queue = self._queue(player, loops, kept)
        keeper = SceneKeeper(self.bank, self.statistics.notice, self.warn)
        slots = self._kept_going("slots", keeper.work)
        ending.callback(slots.stop)
        self.desk = screen.desk = desk = Desk(
            queue.give, self._show, self.scenes, self.bank, self.warn, Display.specs,
            keep=keeper.keep, clear=keeper.clear, view=self.display.get, status=self.status.get,
            learn=self._learn, automate=loops.automate,
        )  # fmt: skip
        self._open_osc(ending, desk, listening)
        if self.options.remote != OFF:
            seen = Seen(self.display, self.frames, player.network.sites, self.drawn.names)
            told = self.statistics.notice, self.report_fault
            self.remote = open_remote(ending, desk, self.reach, self.door, seen, *told)
        self.hands = open_hands(
            ending, desk, self.time, self.statistics.notice, self._kept_going,
            midi=self.options.midi, link=self.options.link, ports=self._ports,
            learnt=self.osc.learnt.drop,
        )  # fmt: skip
        if not self.options.headless:
            screen.play(Mouse(desk, self._bound, self._learning))
        ending.callback(sound.start().close)
        ending.callback(self.pictures.start().close)
        text = self._kept_going("text", partial(_encode, player.prompts))
        ending.callback(self._await, text)
        gc.collect()
        gc.freeze()  # what is loaded stays: collections during the show need not scan it
        gc.enable()
        render = self._render_part(player, sound, queue, (screen, recording), ending)
        parts = [render, sound.worker, text, slots, recording.encoder]
        parts += [*self.osc.workers, *self.hands.workers, *self.pictures.workers]
        parts += [*([self.remote.worker] if self.remote else []), *self.rig.workers]
        parts += open_streams(
            ending, self.frames, self.display, self.options.stream_size, self.options.fps,
            self.warn, self._kept_going,
        )  # fmt: skip
        look = partial(self._renew_status, sound)
        watchdog = Worker("watchdog", Watchdog(parts, now, look).work).start()
        ending.callback(watchdog.stop)
        render.start()
        try:
            screen.serve(render)
            if self.guard is not None and not self.failures:
                self.guard.say(ENDING)
        finally:
            self.stop.set()
            watchdog.stop()
            self._await(render)
            self.keep()  # first: it cannot be played again

    def _outputs(self, screen: Screen, recording: LiveRecording) -> Sequence[Output]:
        window = PartOutput(screen.output, self.display)
        outputs: list[Output] = [window, GuardedOutput("recording", recording, self.warn)]
        return [StrobeLimit(outputs, lambda: self.display.view.strobe_limit, self.warn)]

    def _open_files(self, ending: ExitStack) -> None:
        """Begin the log, and save the scene from now on whenever it changes."""
        try:
            files = ShowFiles(self.guard.number if self.guard else None)
        except OSError as why:
            self.warn(f"neither a log nor the scene is kept: {why.strerror}")
            return
        ending.callback(files.close)
        self.log = ShowLog(files.log, print_notice)
        ending.callback(self.log.close)
        save = Autosave(self.scenes, files.scene, self.warn)
        ending.callback(self._kept_going("autosave", save.work).stop)

    def _close(self, window: Any) -> None:
        """Close the window, or leave it behind with a display that is gone."""
        window.close()
        self.hung |= window.lost

    def _await(self, worker: KeptWorker) -> None:
        """End a worker that computes, or leave it behind where the network does not answer."""
        self.hung |= not worker.stop(PATIENCE)

    # ---- the ends ----------------------------------------------------------------------------

    def _screen(self, ending: ExitStack) -> Screen:
        if self.options.headless:
            return Screen(Headless(self._shown, self.frames), None, self)
        from livebend.outputs.wall.overlay import read_logo  # noqa: PLC0415 - only where there is
        from livebend.outputs.window import Window  # noqa: PLC0415 - a display

        file = self.options.logo
        logo = None if file is None else read_logo(file)
        if self.room and self.options.display == LAST:
            self.display.home = self.room.home
        window = Window(
            self.frames, self.status, self.display, self.options.size, on=self.options.display,
            shown=self._shown, late=self._say_late, notify=self.statistics.notice,
            outlives=self.guard is not None, logo=logo,
        )  # fmt: skip
        ending.callback(self._close, window)
        self.shape = window.shape
        if self.room:
            self.room.keep(self.display, self.warn)  # as it begins
            keep = partial(self.room.work, self.display, self.warn)
            ending.callback(self._kept_going("room", keep).stop)
        return Screen(window, window, self)

    def _shown(self, frame: Frame) -> None:
        """Count a frame that is on the display now; called by the output that shows it."""
        if frame.index < 0:
            return  # of the show before
        self.statistics.shown(frame)
        self.seen(frame)
        if not self.begun:
            self.begun = True
            self.on_phase(FIRST_FRAME)

    def _say_late(self, seconds: float) -> None:
        """Say when the last picture is moved because the next does not come, and when it has."""
        before, self._late = self._late, seconds
        if seconds and not before:
            self.statistics.notice("the next picture does not come: the last one moves", "warning")
        elif before and not seconds:
            self.statistics.notice(f"the picture is back after {before:.1f} s")

    def _renew_status(self, sound: HeardSound) -> None:
        """Keep the operator's view alive while no frame comes."""
        status, moment = self.status.get(), self.time.now()
        if moment - status.time > LATE:
            self.status.offer(partial(self.statistics.renewed, status, sound.at(moment)))

    def _load(self, screen: Screen) -> tuple[Player, HeardSound]:
        """Open the sound, which is refused at once if it cannot be played, then the model."""
        loaded: list[tuple[Player, HeardSound]] = []

        def load(_: threading.Event) -> None:
            sound, self.pictures = self._sound(), self._picture()
            loaded.append((Player(self), sound))

        worker = Worker("loading", load).start()
        screen.serve(worker)
        if worker.failure is not None:
            raise worker.failure
        if not worker.stop(0.0) or not loaded:
            self.hung = worker.alive
            raise LivebendError("closed before the model was loaded")
        return loaded[0]

    def _sound(self) -> HeardSound:
        return hear_sound(
            self.rig.input_of(self.options.input),
            self.time,
            self.statistics.notice,
            monitor=self.options.aloud,
            taps=[self._tape],
            on_fault=self.report_fault,
            timed=self.statistics.hop,
        )

    def _picture(self) -> LivePicture:
        options, notify = self.options, self.statistics.notice
        size = options.size or shaped_size(512, self.shape or (1, 1))
        return LivePicture(options.picture, size, notify, self.report_fault)

    def _recording(self, player: Player, sound: HeardSound, kept: ExitStack) -> LiveRecording:
        """What writes a film whenever `output/record` is on."""
        network, file = player.network, self.options.record or film_folder() / DEFAULT_FILM
        size = self.options.record_size or (network.width, network.height)
        note = made_by(network)
        film = Film(file, size, self.options.fps, sound.sample_rate, note)
        self.recording = LiveRecording(film, self.display, self.statistics.notice)
        kept.callback(self.recording.close)
        return self.recording

    def _tape(self, block: Samples, time: float) -> None:
        if self.recording is not None:
            self.recording.hear(block, time)

    def _queue(self, player: Player, loops: LoopRecorder, kept: ExitStack) -> CommandQueue:
        quantiser = Quantiser(player.beats, self.warn)
        self.statistics.foresee(lambda: quantiser.waiting, lambda: loops.recording)
        feed: list[CommandSource] = [loops]
        if self.cues is not None:
            for text in {text for cue in self.cues.cues for text in texts(cue.command)}:
                player.prompts.value(text)
            feed.append(self.cues)
        if self.options.record_cues is not None:
            self.cue_recorder = CueRecorder(self.options.record_cues, self._lose)
            kept.callback(self.cue_recorder.close)
            self._record_start(self.cue_recorder)
        return CommandQueue(
            notify=self.warn,
            gate=PromptGate(player.prompts.ready, self.rig.foresees(player.prompts.request)),
            check=player.network.check,
            recorder=self.rig.record(self.cue_recorder),
            feed=feed,
            quantiser=quantiser,
        )

    def _cues(self) -> Cues | None:
        file = self.options.cues
        return None if file is None else Cues(file, self.bank.load, self.scene)

    def _open_osc(self, ending: ExitStack, desk: Desk, listening: socket.socket) -> None:
        learnt = LearntAddresses(
            desk, learnt_file(), self.statistics.notice, learnt=self._end_midi_lesson
        )
        fault = self.report_fault
        self.osc = OscInput(desk, listening, door=self.door, learnt=learnt, on_fault=fault).start()
        ending.callback(self.osc.stop)
        self.reach = self.reach._replace(osc=self.osc.address)
        self._say_who_is_heard()

    def _say_who_is_heard(self) -> None:
        """Say who can reach the port: a tablet that cannot, or a venue that can, is a surprise."""
        host, port = self.reach.osc
        is_open = not is_loopback(host) and not self.reach.allow
        said = reach(host, port, self.options.osc_allow, self.reach.here)
        self.statistics.notice(said, "warning" if is_open else "info")

    def _record_start(self, recorder: CueRecorder) -> None:
        """Begin a cue file with the show's first scene, so that it can be played by itself; except
        for a preset given as a file, which a cue cannot name."""
        if self.options.preset not in presets.names():
            return
        recorder(0.0, Load(self.scene, self.options.preset))
        scene = presets.load(self.options.preset)
        for path, value in self.options.changes():
            before, scene = scene, edit.with_prompt(scene, path, value)
            added = scene.mix[len(before.mix) :]
            set_it = Set(path, cast(ParameterValue, value))
            recorder(0.0, Add(added[0]) if added else set_it)

    # ---- the render thread -------------------------------------------------------------------

    def _render_part(
        self,
        player: Player,
        sound: HeardSound,
        queue: CommandQueue,
        shown_by: tuple[Screen, LiveRecording],
        ending: ExitStack,
    ) -> KeptWorker:
        ends = self.rig.open(self, ending, player, sound, queue)
        inputs = ends.sound, ends.commands, self._outputs(*shown_by)
        count = partial(self._count, sound, queue)
        painting = Painting(ends.player, ends.ticks, inputs, self.scenes, count)
        return KeptWorker(
            "render", painting.work, self.time.now, self.report_fault,
            patience=painting.patience, ends_with=lambda _: not painting.began,
            on_end=self._failed,
        )  # fmt: skip

    def _kept_going(self, name: str, work: Callable[[Term], None]) -> KeptWorker:
        return KeptWorker(name, work, now, self.report_fault).start()

    def _count(self, sound: HeardSound, queue: CommandQueue) -> None:
        osc, total = self.osc.counts, self.statistics.total
        total("overflows", sound.overflows)
        total("commands_received", queue.given)
        total("commands_refused", queue.refused + osc.refused + osc.turned_away)
        total("commands_clamped", queue.clamped + osc.clamped)
        total("garbage_packets", osc.garbage)
        if missed := self._missed():
            self.warn(f"the show stood still for {missed:.0f} s, and goes on from where it was")

    def _missed(self) -> float:
        """For how many seconds the process has stood still since this was asked last."""
        return self.time.missed() if isinstance(self.time, SystemTime) else 0.0

    # ---- notices and faults --------------------------------------------------------------------

    def _show(self, what: str, on: ParameterValue | None) -> None:
        """Change the display at once, whatever the render thread is doing."""
        if on is None:
            self.display.toggle(what)
        else:
            self.display.set(what, on)

    def _ask(self, signal: str) -> None:
        """End the show for a signal; the main thread looks at this."""
        self.asked_by = signal

    def decide(self, decision: Decision) -> None:
        """Let in the machine that asks, or turn it away: only a key of the window does that."""
        try:
            self.statistics.notice(self.door.decide(decision))
        except Refused as why:
            self.warn(str(why))

    def _learn(self, what: Learn) -> None:
        """Raises: LivebendError."""
        midi, osc = self.hands.midi, self.osc.learnt
        if what.by == "midi" and midi is None:
            no_midi(what)
        if what.by != "midi":
            (osc.forget if what.forget else osc.learn)(what.target)
        if midi is not None and what.by != "osc":
            with ExitStack() if what.by else suppress(Refused):  # a text: OSC alone plays it
                (midi.forget if what.forget else midi.learn)(what.target)

    def _bound(self, path: str) -> list[str]:
        """What plays a parameter: controls of MIDI, and foreign OSC addresses."""
        midi = self.hands.midi
        return [*(midi.playing(path) if midi else ()), *self.osc.learnt.playing(path)]

    def _learning(self) -> str:
        """What waits for a control, or ""."""
        midi = self.hands.midi
        return (midi.waiting if midi else "") or self.osc.learnt.waiting

    def _end_midi_lesson(self) -> None:
        if self.hands.midi is not None:
            self.hands.midi.drop()

    def _lose(self, what: str) -> None:
        """Report what is no longer kept of the show."""
        self.statistics.notice(what, "error")

    def warn(self, why: str) -> None:
        """Show the performer what was refused or clamped."""
        self.statistics.notice(why, "warning")

    def _tell(self, text: str, level: Level) -> None:
        """Log a notice, and print it where nobody sees the operator's view, or it is an error."""
        self.log(text, level)
        if self.options.headless or level == "error":
            self._printed(text)

    def report_fault(self, name: str, failure: BaseException | None) -> None:
        """Report a part that is started again."""
        self.log(f"{name} in detail", "error", failure)
        self.statistics.notice(said(name, failure), "error")

    def _failed(self, failure: BaseException) -> None:
        """End the show for a fault."""
        self.failures.append(failure)


def _encode(prompts: Prompts, term: Term) -> None:
    """The work of the thread that encodes prompts."""
    if term.number:
        prompts.renew()
    compute_with(1)  # the other cores are for the render thread
    step_back()
    prompts.work(term)
