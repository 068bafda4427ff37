"""Paints segments of films, in whatever process: one after another on a network that stays.

A segment is the same whoever paints it, and whatever was painted before: the show is followed up to
its pre-roll, then nothing of what was painted counts.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from livebend import flow
from livebend.audio.open_input import open_sound
from livebend.audio.sound import Sound
from livebend.cli.film.jobs import Job, Record, Segment, Told
from livebend.cli.film.motion_blur import Blur
from livebend.cli.film.options import FilmOptions, read_options
from livebend.cli.film.segment_files import Attempt, SegmentFiles, sha256
from livebend.cli.film.segment_outputs import SegmentFlashes, read_state
from livebend.core.clock import OfflineClock
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.flow import Features, Frame, Output, Render, Tick
from livebend.outputs.png_pictures import PNG
from livebend.outputs.recording import Recording
from livebend.outputs.strobe_limit import FlashLimit
from livebend.rendering.network import Network
from livebend.rendering.open_network import made_by
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer, offline_renderer
from livebend.scene.values import Scene

SMALL = 1 << 20  # pixels of a picture up to which one thread encodes as fast as a network paints
ENCODING = 4  # threads for larger ones
LOST = 1 << 62
BLANK = np.zeros((1, 1, 3), np.uint8)


class Painter:
    """Paints segments in this process."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._film: _Film | None = None
        self._text = ""
        self._network: tuple[object, Network] | None = None

    def ready(self) -> None:
        """See `Paints`."""

    def paint(self, job: Job, told: Told) -> Record:
        """See `Paints`."""
        if self._film is None or job.film != self._text:
            self.close()
            options = read_options(job.film)
            self._film, self._text = _Film(options, self._opened(options), self._notify), job.film
        return self._film.paint(job, told)

    def close(self) -> None:
        """Close the files of the film."""
        if self._film is not None:
            self._film.close()
        self._film = None

    def _opened(self, options: FilmOptions) -> Network:
        """The network of a film: that of the film before, where it is the same."""
        scene = options.first_scene()
        wanted = (
            options.wanted, options.size, options.backend, options.device, options.dtype,
            options.threads, scene.sampling.guidance > 1.0, options.preset, options.masks,
        )  # fmt: skip
        if self._network is None or self._network[0] != wanted:
            self._network = None  # two at once may be more than there is memory for
            guidance, drawn = scene.sampling.guidance, options.drawn_masks()
            network = options.network(self._notify, guidance=guidance, drawn=drawn)
            self._network = wanted, network
        return self._network[1]


class _Show:
    """The show of a film, from its beginning on and never back. Raises: LivebendError."""

    def __init__(self, options: FilmOptions, scene: Scene, sound: Sound, notify: Notify) -> None:
        self.at = 0  # the next frame
        self._scene, self._blur = scene, options.blur
        self._clock = OfflineClock(options.fps * options.blur, 0.0)
        self._open = ExitStack()
        self._features = options.features(sound)
        self._open.callback(self._features.close)
        self._commands = options.commands(scene, notify)
        self.pictures = options.pictures()
        if self.pictures is not None:
            self._open.callback(self.pictures.close)

    def play(self, until: int, render: Render[Scene], outputs: Sequence[Output] = ()) -> None:
        """Go on up to frame `until`."""
        indices = range(self.at * self._blur, until * self._blur)
        ticks = [self._clock.tick(index) for index in indices]
        self.at = LOST  # where it fails, nobody knows where it is
        source, commands = self._features, self._commands
        self._scene = flow.run(ticks, source, commands, render, outputs, self._scene)
        self.at = until

    def close(self) -> None:
        """Close sound and pictures."""
        self._open.close()


class _Film:
    """One film. Two shows of it go on in turn, since a pre-roll begins before the end of what was
    painted last; back they begin again."""

    def __init__(self, options: FilmOptions, network: Network, notify: Notify) -> None:
        self._options, self._network, self._notify = options, network, notify
        self._files = SegmentFiles(options.named, options.ending)
        self._sound = open_sound(options.sound)
        self._prompts = Prompts(network.model.encode, network.model.notes, notify)
        self._first = network.check(options.first_scene())
        self._shows = list[tuple[_Show, Renderer]]()

    def paint(self, job: Job, told: Told) -> Record:
        """Paint a segment; return its record. Raises: LivebendError, and no file is left."""
        segment, files = job.segment, self._files
        begins = segment.first - segment.preroll
        show, renderer = self._show_before(begins)
        show.play(begins, _Followed(renderer))
        renderer.cut()
        counts = _Counts(told)
        show.play(segment.first, renderer, (counts,))
        attempt = files.attempt(job.number, self._options.pngs)
        try:
            with ExitStack() as ending:
                outputs, flashes = self._outputs(job, attempt, ending)
                show.play(segment.until, renderer, (self._blurred(outputs, segment), counts))
            if flashes is not None:
                flashes.save_last(attempt.last)
            record = Record(
                frames=segment.until - segment.first,
                sha256=sha256(attempt.movie) if self._options.movie else "",
                note=made_by(self._network),
                size=self._size,
                limited=flashes.limited if flashes else {},
            )
            told(0)  # where nobody listens any more, another one has this segment
            attempt.finish(record)
        except OSError as why:
            raise Refused(f"{files.folder}: cannot be written: {why.strerror}") from why
        finally:
            attempt.remove()
        return record

    def close(self) -> None:
        """Close sound and pictures."""
        for show, _ in self._shows:
            show.close()
        self._shows.clear()

    def _blurred(self, outputs: Sequence[Output], segment: Segment) -> Output:
        return Blur(outputs, self._options.blur, self._options.fps, segment.first)

    @property
    def _size(self) -> tuple[int, int]:
        return self._network.width, self._network.height

    def _show_before(self, frame: int) -> tuple[_Show, Renderer]:
        """The show that is nearest to a frame and not past it."""
        self._shows.sort(key=lambda pair: pair[0].at)
        near = [pair for pair in self._shows if pair[0].at <= frame]
        if near:
            return near[-1]
        if len(self._shows) > 1:
            self._shows.pop()[0].close()
        show = _Show(self._options, self._first, self._sound, self._notify)
        renderer = offline_renderer(
            self._network, self._prompts, duration=length_of(self._options, self._sound.seconds),
            strict=True, pictures=show.pictures,
        )  # fmt: skip
        self._shows.append((show, renderer))
        return show, renderer

    def _outputs(
        self, job: Job, attempt: Attempt, ending: ExitStack
    ) -> tuple[tuple[Output, ...], SegmentFlashes | None]:
        """Open what the segment's frames go to; `ending` closes it, or removes it after a fault."""
        options, number, made = self._options, job.number, list[Any]()
        size = options.record_size or self._size
        threads = 1 if size[0] * size[1] <= SMALL else ENCODING
        if options.movie is not None:
            path = attempt.movie
            made.append(Recording(path, size, options.fps, codec=options.codec, threads=threads))
            _end_with(ending, made[-1])
        if attempt.frames is not None:
            path, first = attempt.frames, job.segment.first
            made.append(Recording(path, size, options.fps, codec=PNG, threads=1, first=first))
            _end_with(ending, made[-1])
        if not options.strobe_limit:
            return tuple(made), None
        known = read_state(self._files.state(number - 1)) if job.follows and number else None
        limit = known[0] if known else None
        if number == 0:
            limit = FlashLimit()
        last = self._files.last(number - 1) if number else None
        flashes = SegmentFlashes(made, attempt.points, limit, last)
        ending.callback(flashes.close)
        return (flashes,), flashes


def length_of(options: FilmOptions, seconds: float) -> float:
    """Return how long the film of a sound of so many seconds is, as far as that is known before."""
    return seconds if options.seconds is None else min(options.seconds, seconds)


class _Followed:
    """Follows instead of painting."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def __call__(self, scene: Scene, features: Features, tick: Tick) -> Frame:
        self._renderer.follow(scene, features, tick)
        return Frame(BLANK, tick.index, tick.time, features.time, tick.presentation)


class _Counts:
    """Tells of every frame that was painted."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def write(self, _: Frame) -> None:
        self._told(1)

    def close(self) -> None:
        """Nothing to close."""


def _end_with(ending: ExitStack, output: Any) -> None:
    def end(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            output.close()
        else:
            output.abort()

    ending.push(end)
