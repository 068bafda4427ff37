"""`livebend render`: the same loop with an offline clock, pulled sound, and a cue file."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from livebend import flow
from livebend.audio.open_input import open_sound, pull_sound
from livebend.audio.sound import Sound
from livebend.cli.printing import check_positive, print_notice
from livebend.control.cues import Cues
from livebend.core.clock import OfflineClock, SystemTime
from livebend.core.errors import OutOfRange, Refused
from livebend.core.mailbox import OnDemand
from livebend.core.notify import ignore
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Output
from livebend.models.default_model import model_or_default
from livebend.operators.drawn_masks import DrawnMasks
from livebend.outputs.png_frames import PngFrames
from livebend.outputs.recording import Recording
from livebend.rendering.network import Network
from livebend.rendering.open_network import made_by, open_network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene import presets
from livebend.scene.commands import Command, CommandSource
from livebend.scene.values import Scene


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What the command line asks of a rendering."""

    sound: str
    output: Path | None = None
    frames: Path | None = None
    preset: str = "default"
    model: str = "tiny"
    fps: float = 20.0
    size: tuple[int, int] | None = None
    seconds: float | None = None
    steps: int | None = None
    seed: int | None = None
    cues: Path | None = None
    masks: Path | None = None
    backend: str = "torch"
    dtype: str = "auto"
    sets: tuple[tuple[str, object], ...] = field(default_factory=tuple)


def run(options: argparse.Namespace) -> int:
    """Render a sound file into a video or pictures."""
    check_positive(options)
    if options.output is None and options.frames is None:
        raise Refused("render: expected -o OUT.mp4 or --frames DIR")
    options.model, options.sets = model_or_default(options.model), tuple(options.sets)
    frames = render(RenderOptions(**vars(options)), tell=print_notice)
    print(f"{frames} frames in {options.output or options.frames}")
    return 0


class NoCommands:
    """A command source for a rendering without cues."""

    def until(self, time: float) -> tuple[Command, ...]:  # noqa: ARG002 - the protocol's
        """Nothing, ever."""
        return ()


def render(
    options: RenderOptions, *, quiet: bool = False, tell: Callable[[str], None] | None = None
) -> int:
    """Render a sound file into a video or a folder of pictures; return the number of frames.

    `tell` hears what a performer should know, such as words that the model does not know. On any
    error nothing is left behind. Raises: LivebendError.
    """
    sound = open_sound(options.sound)
    scene = presets.first_scene(options.preset, options.seed, options.steps, options.sets)
    commands = _commands(options, scene)
    clock = OfflineClock(options.fps, _seconds(options, sound))
    guided = scene.sampling.guidance > 1.0
    drawn = DrawnMasks(presets.mask_folders(options.preset, options.masks))
    network = open_network(
        options.model,
        options.size,
        options.backend,
        tell or ignore,
        dtype=options.dtype,
        guided=guided,
        drawn=drawn,
    )
    model = network.model
    network.check(scene)
    statistics = Statistics(SystemTime())
    renderer = Renderer(
        network,
        Prompts(model.encode, model.understand, tell or ignore),
        statistics,
        OnDemand(Status()),
        duration=clock.seconds,
        strict=True,
    )
    with ExitStack() as outputs:
        ends = [*_outputs(options, network, sound, outputs)]
        ticks = tqdm(clock, total=len(clock), unit="frame", disable=quiet)
        flow.run(ticks, pull_sound(sound, frame_rate=options.fps), commands, renderer, ends, scene)
    return len(clock)


def _commands(options: RenderOptions, scene: Scene) -> CommandSource:
    if options.cues is None:
        return NoCommands()
    return Cues(options.cues, presets.PresetBank().load, scene)


def _seconds(options: RenderOptions, sound: Sound) -> float:
    seconds = sound.seconds if options.seconds is None else min(options.seconds, sound.seconds)
    if seconds <= 0.0:
        raise OutOfRange(f"{options.sound}: there is no sound in it")
    return seconds


def _outputs(
    options: RenderOptions, network: Network, sound: Sound, ending: ExitStack
) -> Iterator[Output]:
    """Open what is to be written; `ending` finishes it, or removes it after an error."""
    size = (network.width, network.height)
    if options.output is not None:
        heard = (sound.samples, sound.sample_rate)
        recording = Recording(options.output, size, options.fps, heard, note=made_by(network))
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
