"""A live show: wiring only. Open the ends, start the threads, keep the window alive, close.

main     window, keys                    audio    sound → features
render   scene, network, frames          osc      datagrams → commands
text     prompts → embeddings
"""

import gc
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Any

from livebend.audio.feature_sources import HeardSound
from livebend.cli.guarded import ENDING, Guarded
from livebend.cli.hands import (
    Hands,
    Seen,
    open_hands,
    open_osc,
    open_remote,
    opened_to,
    who_is_heard,
)
from livebend.cli.live_commands import LiveCommands
from livebend.cli.live_ends import open_pictures, open_recording, open_sound, outputs_of
from livebend.cli.live_options import OFF, LiveOptions
from livebend.cli.live_picture import LivePicture
from livebend.cli.live_state import LiveState
from livebend.cli.painting import Painting
from livebend.cli.player import Player
from livebend.cli.printing import print_notice
from livebend.cli.rig import Rig
from livebend.cli.screen import Screen
from livebend.cli.signals import ended_by_signals
from livebend.cli.streaming import check_streams, open_streams
from livebend.control.desk import Desk
from livebend.control.door import AllowList, Decision, Door
from livebend.control.lessons import Lessons
from livebend.control.midi.ports import Ports, RtMidiPorts
from livebend.control.mouse import Mouse
from livebend.control.osc import OscInput
from livebend.control.osc_endpoint import endpoint, listen
from livebend.core.clock import Time, now
from livebend.core.errors import LivebendError, Refused
from livebend.core.files import check_place
from livebend.core.notify import Notify, ignore
from livebend.core.priority import raised
from livebend.core.watchdog import KeptWorker, Watchdog
from livebend.core.worker import Worker
from livebend.flow import Frame, Output, Samples
from livebend.models.backends.read_ahead import ReadAhead
from livebend.outputs.live_recording import LiveRecording
from livebend.outputs.movie import check_recording

if TYPE_CHECKING:
    from livebend.control.remote.server import Remote

FIRST_FRAME = "sound, first frame"  # the last phase of a start
PATIENCE = 1.5  # s that the end of a show waits for the frame in work, or the text
SWITCH_INTERVAL = 0.0005  # s: how long Python code of one thread may keep the audio thread waiting


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
        self.options, self._ahead, self._ports = options, ahead, ports
        self.rig = Rig.of(options)
        self.live = live = LiveState(options, time, on_phase, guard)
        self.time, self.statistics, self.status = live.time, live.statistics, live.status
        self.display, self.scene, self.scenes = live.display, live.scene, live.scenes
        self.seen: Callable[[Frame], None] = ignore  # called with each frame that is shown
        self.begun = False  # whether a picture has been shown
        self.failures: list[BaseException] = []
        self.recording: LiveRecording | None = None
        self.stop = threading.Event()  # set to end the show, and when it has ended
        self.asked_by = ""  # the signal that ends the show
        self.late: Notify = ignore  # called with it, in another thread, where the show goes on
        self.hung = False  # by the network, or a display that is gone: the process must be left
        self._kept, self._keeping = ExitStack(), threading.Lock()  # what no other fault may touch
        self.osc: OscInput
        self.desk: Desk
        self.pictures: LivePicture
        self.hands, self.lessons = Hands(None, ()), Lessons()
        self.remote: Remote | None = None
        AllowList(options.osc_allow)  # before --lan adds to it
        self.reach = opened_to(endpoint(options.osc), options.osc_allow, lan=options.lan)
        self.door = Door(self.reach.allow, live.notices.warn, keyed=not options.headless)
        self.commands = LiveCommands(live, self.rig)
        self._check_files()

    def _check_files(self) -> None:
        """Raises: LivebendError where a model cannot play, or a file cannot be written."""
        options = self.options
        check_streams(options.streams, options.stream_size)
        options.check_model([self.scene], print_notice)
        check_recording(options.record, "--record", options.codec, options.record_size)
        if options.record_cues is not None:
            check_place(options.record_cues, "--record-cues")

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
            self.live.notices.close()
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
        return [*films, *filter(None, [self.commands.lost])]

    def _play(self, ending: ExitStack) -> None:
        live, kept = self.live, self._kept
        ending.callback(self.keep)
        live.open_files(ending)
        screen = self._screen(ending)
        listening = listen(*self.reach.osc, live.notices.warn)
        ending.callback(listening.close)
        player, sound = self._load(screen)
        live.missed()  # nothing of a show, while there was none
        recording = self.recording = open_recording(live, player.network, sound, kept)
        self.commands.open(player, kept)
        self.desk = screen.desk = self.commands.desk(ending, self.lessons)
        self._open_hands(ending, listening, player)
        if not self.options.headless:
            screen.play(Mouse(self.desk, self.lessons.playing, self.lessons.waiting))
        ending.callback(sound.start().close)
        ending.callback(self.pictures.start().close)
        text = live.keep_going("text", player.encode)
        ending.callback(self._await, text)
        gc.collect()
        gc.freeze()  # what is loaded stays: collections during the show need not scan it
        gc.enable()
        outputs = outputs_of(live, screen.output, recording)
        render = self._render_part(player, sound, outputs, ending)
        parts = [render, sound.worker, text, recording.encoder, *self.commands.workers]
        parts += [*self.osc.workers, *self.hands.workers, *self.pictures.workers]
        parts += [*(self.remote.workers if self.remote else ()), *self.rig.workers]
        parts += open_streams(
            ending, live.frames, live.display, self.options.stream_size, self.options.fps,
            live.notices.warn, live.keep_going,
        )  # fmt: skip
        look = partial(live.renew_status, sound)
        watchdog = Worker("watchdog", Watchdog(parts, now, look).work).start()
        ending.callback(watchdog.stop)
        render.start()
        try:
            screen.serve(render)
            if live.guard is not None and not self.failures:
                live.guard.say(ENDING)
        finally:
            self.stop.set()
            watchdog.stop()
            self._await(render)
            self.keep()  # first: it cannot be played again

    def _await(self, worker: KeptWorker) -> None:
        """End a worker that computes, or leave it behind where the network does not answer."""
        self.hung |= not worker.stop(PATIENCE)

    # ---- the ends ----------------------------------------------------------------------------

    def _screen(self, ending: ExitStack) -> Screen:
        screen = Screen(self.live, self)
        ending.callback(self._close, screen)
        self.live.keep_room(ending)
        return screen

    def _close(self, screen: Screen) -> None:
        self.hung |= screen.close()

    def shown(self, frame: Frame) -> None:
        """Count a frame that is on the display now; called by the output that shows it."""
        if frame.index < 0:
            return  # of the show before
        self.statistics.shown(frame)
        self.seen(frame)
        if not self.begun:
            self.begun = True
            self.live.on_phase(FIRST_FRAME)

    def decide(self, decision: Decision) -> None:
        """Let in the machine that asks, or turn it away: only a key of the window does that."""
        try:
            self.statistics.notice(self.door.decide(decision))
        except Refused as why:
            self.live.notices.warn(str(why))

    def _load(self, screen: Screen) -> tuple[Player, HeardSound]:
        """Open the sound, which is refused at once if it cannot be played, then the model."""
        live, loaded = self.live, list[tuple[Player, HeardSound]]()

        def load(_: threading.Event) -> None:
            sound = open_sound(live, self.rig.input_of(self.options.input), self._tape)
            self.pictures = open_pictures(live)
            loaded.append((Player(live, self.pictures.source, self._ahead), sound))

        worker = Worker("loading", load).start()
        screen.serve(worker)
        if worker.failure is not None:
            raise worker.failure
        if not worker.stop(0.0) or not loaded:
            self.hung = worker.alive
            raise LivebendError("closed before the model was loaded")
        return loaded[0]

    def _tape(self, block: Samples, time: float) -> None:
        if self.recording is not None:
            self.recording.hear(block, time)

    def _open_hands(self, ending: ExitStack, listening: socket, player: Player) -> None:
        """Listen to OSC, to programs and browsers, and to MIDI and the band's clock."""
        live, desk, notify = self.live, self.desk, self.statistics.notice
        fault = live.notices.report_fault
        self.osc = open_osc(ending, desk, listening, self.door, self.lessons, notify, fault)
        self.reach = self.reach._replace(osc=self.osc.address)
        self.statistics.notice(*who_is_heard(self.reach, self.options.osc_allow))
        if self.options.remote != OFF:
            seen = Seen(live.display, live.frames, player.network.sites, live.drawn.names)
            self.remote = open_remote(ending, desk, self.reach, self.door, seen, notify, fault)
        self.hands = open_hands(
            ending, desk, live.time, notify, live.keep_going,
            midi=self.options.midi, link=self.options.link, ports=self._ports,
            learnt=self.osc.learnt.drop,
        )  # fmt: skip
        self.lessons.midi = self.hands.midi

    # ---- the render thread -------------------------------------------------------------------

    def _render_part(
        self,
        player: Player,
        sound: HeardSound,
        outputs: Sequence[Output],
        ending: ExitStack,
    ) -> KeptWorker:
        ends = self.rig.open(self.live, ending, player, sound, self.commands.queue)
        inputs = ends.sound, ends.commands, outputs
        count = partial(self._count, sound)
        painting = Painting(ends.player, ends.ticks, inputs, self.scenes, count)
        return KeptWorker(
            "render", painting.work, self.time.now, self.live.notices.report_fault,
            patience=painting.patience, ends_with=lambda _: not painting.began,
            on_end=self._failed,
        )  # fmt: skip

    def _count(self, sound: HeardSound) -> None:
        osc, queue, total = self.osc.counts, self.commands.queue, self.statistics.total
        total("overflows", sound.overflows)
        total("commands_received", queue.given)
        total("commands_refused", queue.refused + osc.refused + osc.turned_away)
        total("commands_clamped", queue.clamped + osc.clamped)
        total("garbage_packets", osc.garbage)
        if missed := self.live.missed():
            what = f"the show stood still for {missed:.0f} s, and goes on from where it was"
            self.live.notices.warn(what)

    def _ask(self, signal: str) -> None:
        """End the show for a signal; the main thread looks at this."""
        self.asked_by = signal

    def _failed(self, failure: BaseException) -> None:
        """End the show for a fault."""
        self.failures.append(failure)
