"""`livebend render`: a show with an offline clock, without dropping frames, into a file."""

import argparse
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from livebend import flow
from livebend.audio.feature_sources import PulledSound
from livebend.audio.open_input import open_sound, pull_sound
from livebend.audio.sound import Sound
from livebend.cli.options import ShowOptions, options_of
from livebend.cli.printing import check_positive, print_notice
from livebend.control.command_queue import CommandQueue
from livebend.control.cues import Cues
from livebend.core.clock import OfflineClock
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.flow import Output, Tick
from livebend.outputs.movie import check_recording
from livebend.outputs.png_frames import PngFrames
from livebend.outputs.recording import Recording
from livebend.outputs.strobe_limit import StrobeLimit
from livebend.rendering.network import Network
from livebend.rendering.open_network import made_by
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import offline_renderer
from livebend.scene import presets
from livebend.scene.commands import CommandSource
from livebend.scene.values import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions(ShowOptions):
    """What is rendered: a sound file or `demo`, into a video, a folder of pictures or both."""

    sound: str
    output: Path | None = None
    frames: Path | None = None


def run(options: argparse.Namespace) -> int:
    """Render a sound file into a video or pictures."""
    check_positive(options)
    if options.output is None and options.frames is None:
        raise Refused("render: expected -o OUT.mp4 or --frames DIR")
    frames = render(options_of(RenderOptions, options), print_notice)
    print(f"{frames} frames in {options.output or options.frames}")
    return 0


def render(options: RenderOptions, notify: Notify) -> int:
    """Render a sound file into a video or a folder of pictures; return the number of frames.

    After an error nothing is left behind. Raises: LivebendError.
    """
    check_recording(options.output, "-o", options.codec, options.record_size)
    if options.frames is not None:
        PngFrames.check(options.frames)
    scene = options.first_scene()
    options.check_model([scene], notify)
    sound = open_sound(options.sound, notify)
    pictures, commands = options.pictures(), _commands(options, scene, notify)
    seconds = sound.seconds if options.seconds is None else min(options.seconds, sound.seconds)
    guidance, drawn = scene.sampling.guidance, options.drawn_masks()
    network = options.network(notify, guidance=guidance, drawn=drawn)
    network.check(scene)
    prompts = Prompts(network.model.encode, network.model.notes, notify)
    renderer = offline_renderer(network, prompts, duration=seconds, strict=True, pictures=pictures)
    with ExitStack() as ending:
        outputs: list[Output] = [*_outputs(options, network, sound, ending)]
        if options.strobe_limit:
            outputs = [StrobeLimit(outputs, lambda: True, notify)]
        features = pull_sound(sound, frame_rate=options.fps)
        ending.callback(features.close)
        if pictures is not None:
            ending.callback(pictures.close)
        clock = SoundClock(features, options.fps, options.seconds)
        expected = max(1, round(seconds * options.fps))
        ticks = tqdm(clock, total=expected, unit="frame", disable=None)  # only on a terminal
        flow.run(ticks, features, commands, renderer, outputs, scene)
    return clock.ticks


def _commands(options: RenderOptions, scene: Scene, notify: Notify) -> CommandSource:
    if options.cues is None:
        return CommandQueue(notify=notify)  # which nobody fills
    return Cues(options.cues, presets.PresetBank().load, scene)


class SoundClock:
    """Offline ticks, `fps` a second, while there is sound for at least half of the next, for at
    most `seconds`. `ticks` counts them."""

    def __init__(self, sound: PulledSound, fps: float, seconds: float | None) -> None:
        self._sound, self._fps = sound, fps
        self._most = math.inf if seconds is None else seconds
        self.ticks = 0

    def __iter__(self) -> Iterator[Tick]:
        for tick in OfflineClock(self._fps, self._most):
            if tick.index and not self._sound.reaches((tick.index + 0.5) / self._fps):
                return
            self.ticks += 1
            yield tick


def _outputs(
    options: RenderOptions, network: Network, sound: Sound, ending: ExitStack
) -> Iterator[Output]:
    """Open the files to write; `ending` closes them, or removes them after an error."""
    if options.output is not None:
        size, tape = options.record_size or (network.width, network.height), sound.original()
        ending.callback(tape.close)
        recording = Recording(
            options.output, size, options.fps, tape, codec=options.codec, note=made_by(network)
        )
        yield _closing(recording, ending)
    if options.frames is not None:
        yield _closing(PngFrames(options.frames), ending)


def _closing(output: Recording | PngFrames, ending: ExitStack) -> Output:
    def end(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            output.close()
        else:
            output.abort()

    ending.push(end)
    return output
