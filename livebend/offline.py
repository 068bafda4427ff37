"""Offline: the same loop with an offline clock, pulled sound, and cues for hands."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from livebend.audio.open_input import open_sound, pull_sound
from livebend.audio.sound import Sound
from livebend.control.cues import Cues
from livebend.core.clock import OfflineClock, SystemTime
from livebend.core.errors import OutOfRange
from livebend.core.mailbox import OnDemand
from livebend.core.notify import ignore
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Output, run
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
class Job:
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


class NoHands:
    """A command source for a rendering that nobody plays."""

    def until(self, time: float) -> tuple[Command, ...]:  # noqa: ARG002 - the protocol's
        """Nothing, ever."""
        return ()


def render(job: Job, *, quiet: bool = False, tell: Callable[[str], None] | None = None) -> int:
    """Render a sound file into a video or a folder of pictures; return the number of frames.

    `tell` hears what a performer should know, such as words that the model does not know. On any
    error nothing is left behind. Raises: LivebendError.
    """
    sound = open_sound(job.sound)
    scene = presets.first_scene(job.preset, job.seed, job.steps, job.sets)
    hands = _hands(job, scene)
    clock = OfflineClock(job.fps, _seconds(job, sound))
    guided = scene.sampling.guidance > 1.0
    drawn = DrawnMasks(presets.mask_folders(job.preset, job.masks))
    network = open_network(
        job.model,
        job.size,
        job.backend,
        tell or ignore,
        dtype=job.dtype,
        guided=guided,
        drawn=drawn,
    )
    model = network.model
    network.check(scene)
    statistics = Statistics(SystemTime())
    renderer = Renderer(
        network,
        Prompts(model.encode, model.understand, tell),
        statistics,
        OnDemand(Status()),
        duration=clock.seconds,
        strict=True,
    )
    with ExitStack() as outputs:
        ends = [*_outputs(job, network, sound, outputs)]
        ticks = tqdm(clock, total=len(clock), unit="frame", disable=quiet)
        run(ticks, pull_sound(sound, frame_rate=job.fps), hands, renderer, ends, scene)
    return len(clock)


def _hands(job: Job, scene: Scene) -> CommandSource:
    if job.cues is None:
        return NoHands()
    return Cues(job.cues, presets.PresetBank().load, scene)


def _seconds(job: Job, sound: Sound) -> float:
    seconds = sound.seconds if job.seconds is None else min(job.seconds, sound.seconds)
    if seconds <= 0.0:
        raise OutOfRange(f"{job.sound}: there is no sound in it")
    return seconds


def _outputs(job: Job, network: Network, sound: Sound, ending: ExitStack) -> Iterator[Output]:
    """Open what is to be written; `ending` finishes it, or removes it after an error."""
    size = (network.width, network.height)
    if job.output is not None:
        heard = (sound.samples, sound.sample_rate)
        recording = Recording(job.output, size, job.fps, heard, note=made_by(network))
        yield _closing(recording, ending)
    if job.frames is not None:
        yield _closing(PngFrames(job.frames), ending)


def _closing(output: Recording | PngFrames, ending: ExitStack) -> Output:
    def end(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            output.close()
        else:
            output.abort()

    ending.push(end)
    return output
