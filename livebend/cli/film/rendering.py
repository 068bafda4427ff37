"""From options to films: planned, painted, joined; what is finished is kept until then."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from livebend.audio.open_input import open_sound
from livebend.cli.film.album import chapters_in
from livebend.cli.film.farm import Farm, Painted
from livebend.cli.film.jobs import Hire
from livebend.cli.film.made_of import digest_of, is_made_of, made_of, take_up
from livebend.cli.film.options import FilmOptions
from livebend.cli.film.painter import Painter, length_of
from livebend.cli.film.plan import Plan, planned, said_of
from livebend.cli.film.ray_workers import open_ray, ray_hire
from livebend.cli.film.segment_files import SegmentFiles
from livebend.cli.film.work import FilmWork
from livebend.cli.film.workers import ProcessWorker
from livebend.core.clock import OfflineClock
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.device.torch_threads import usable
from livebend.models.checkpoint import find_model
from livebend.models.declared_sites import check_sites
from livebend.outputs.codecs import codec_of
from livebend.outputs.film_sound import WAV, FilmSound, film_sound
from livebend.outputs.joined_movie import Chapter, JoinedMovie, Piece
from livebend.outputs.movie import check_recording
from livebend.outputs.png_pictures import check_pictures

BITS = 0.5  # for a pixel: more than films of the presets take at the encoder's quality
INTRA_BITS = 8.0  # where every picture stands for itself
PNG_BITS = 16.0  # for a pixel of a PNG
SOUND = 32_000  # bytes/s
SOUND_FILE = f"sound{WAV}"  # beside pictures
COPIES = 2  # segments, and the film that is joined of them


@dataclass(frozen=True, slots=True)
class Crew:
    """Who paints: this process, or `count` workers that `hire` begins."""

    count: int = 0
    hire: Hire | None = None


def crew_of(
    workers: int | str | None, threads: int | None, ray: str | None, notify: Notify
) -> Crew:
    """Return who paints for `--workers` and `--ray`: without either, this process.

    workers: how many; `auto` is one for each core, of this machine or of the cluster.
    threads: of each; None = the cores of this machine divided, in a cluster one.

    Raises: Refused where there is no Ray.
    """
    cores = usable()
    if ray is not None:
        cluster, each = open_ray(ray), threads or 1
        most = max(1, int(cluster.cluster_resources().get("CPU", 1)) // each)
        count = workers if isinstance(workers, int) else most
        return Crew(count, ray_hire(cluster, each, notify))
    if workers is None:
        return Crew()
    count = workers if isinstance(workers, int) else max(1, cores // (threads or 1))
    each = threads or max(1, cores // count)
    return Crew(count, lambda: ProcessWorker(each, notify))


def render_films(
    films: Sequence[FilmOptions], crew: Crew, notify: Notify, *, anew: bool = False
) -> list[int]:
    """Render films, one after another; return their numbers of frames.

    anew: without what was finished of them before. Otherwise, of several, one that is there and
        made of the same stays.

    After an error only finished segments are left. Raises: LivebendError.
    """
    begun, counts = list[FilmWork](), list[int]()
    try:
        for options in films:
            plan, made = prepared(options, notify, anew=anew)
            counts.append(plan.frames)
            is_there = options.output and is_made_of(options.output, digest_of(made))
            if len(films) > 1 and not anew and is_there:
                notify(f"{options.output} is there, made of the same")
                continue
            begun.append(begin(options, plan, made, notify))
        left = sum(work.frames_left for work in begun)
        with (
            tqdm(total=left, unit="frame", disable=None) as bar,
            _painting(begun, crew, notify, lambda frames: _told(bar, frames)) as paint,
        ):
            for work in begun:
                paint(work)
                finish(work)
    finally:
        for work in begun:
            leave(work.files)
    return counts


Paint = Callable[[FilmWork], None]


def _told(bar: tqdm, frames: int) -> None:
    bar.update(frames)


@contextmanager
def _painting(
    films: Sequence[FilmWork], crew: Crew, notify: Notify, painted: Painted
) -> Iterator[Paint]:
    """Give what paints a film to its end."""
    if crew.hire is not None:
        most = sum(len(work.plan.segments) for work in films)
        farm = Farm(films, crew.hire, min(crew.count, most), notify, painted)
        with farm.at_work():
            yield farm.wait_for
        return
    painter = Painter(notify)

    def paint(work: FilmWork) -> None:
        while not work.is_finished:
            job = work.take()
            assert job is not None  # nobody else has one, so the first that is left waits for none
            work.give(job, painter.paint(job, painted))

    try:
        yield paint
    finally:
        painter.close()


def prepared(
    options: FilmOptions, notify: Notify, *, anew: bool = False
) -> tuple[Plan, dict[str, Any]]:
    """Return the plan of a film and what it is made of; nothing is written. Raises: LivebendError.

    anew: after what was finished of it before is removed.
    """
    files = SegmentFiles(options.named)
    if anew:
        files.remove()
    check_recording(options.output, "-o", options.codec, options.record_size)
    if options.pngs is not None and files.described() is None:
        check_pictures(options.pngs, "--frames")
    scene = options.first_scene()
    options.check_model([scene], notify)
    sound = open_sound(options.sound, notify)
    pictures = options.pictures()
    if pictures is not None:
        pictures.close()
    features = options.features(sound)
    try:
        plan = planned(options, scene, features, length_of(options, sound.seconds))
    finally:
        features.close()
    check_sites(plan.sites, find_model(options.wanted))
    return plan, made_of(options, plan)


def begin(options: FilmOptions, plan: Plan, made: Mapping[str, Any], notify: Notify) -> FilmWork:
    """Begin to paint a film, or take up what is finished of it. Raises: LivebendError."""
    for line in said_of(plan, options.fps):
        notify(line)
    sound = sound_of(options, plan)
    if sound is not None and sound.line:
        notify(sound.line)
    files = SegmentFiles(options.named, options.ending)
    found = take_up(files, made)
    files.clear(options.pngs)
    if found:
        notify(f"{files.folder}: {found} of {len(plan.segments)} segments are there; it goes on")
    try:
        work = FilmWork(options, plan, notify, digest_of(made), sound)
        check_room(work)
    except BaseException:
        leave(files)
        raise
    return work


def leave(files: SegmentFiles) -> None:
    """Leave a film that is not finished: what is not worth to be kept is removed."""
    if not files.finished():
        files.remove()


def check_room(work: FilmWork) -> None:
    """Raises: Refused where the disk has not the room that the rest of the film may take."""
    options, plan = work.options, work.plan
    wide, high = options.record_size or options.size or (512, 512)
    per_pixel = INTRA_BITS if codec_of(options.codec).intra else BITS
    bits = (COPIES * per_pixel if options.movie else 0.0) + (PNG_BITS if options.pngs else 0.0)
    left = work.frames_left / max(1, plan.frames)
    wanted = plan.frames * left * wide * high * bits / 8 + SOUND * plan.frames / options.fps
    free = shutil.disk_usage(work.files.folder).free
    if free < wanted:
        raise Refused(
            f"{work.files.folder.parent}: {free / 1e6:,.0f} MB are free, the film may take"
            f" {wanted / 1e6:,.0f} MB: make room, or give another place"
        )


def sound_of(options: FilmOptions, plan: Plan) -> FilmSound | None:
    """Return how the sound comes into a film; None where only frames are written.

    A film that ends before its song is cut there, to the sample; else the song is heard to its end,
    which is less than a frame away. Raises: SoundError.
    """
    if options.output is None:
        return None
    is_cut = options.seconds is not None and plan.frames == len(
        OfflineClock(options.fps, options.seconds)
    )
    until = (plan.frames + (not is_cut)) / options.fps
    ending = WAV if options.is_folder else options.output.suffix
    return film_sound(open_sound(options.sound), ending, options.codec, until)


def finish(work: FilmWork) -> None:
    """Join a painted film and remove its segments. Raises: LivebendError, and they stay."""
    output, sound = work.options.output, work.sound
    if output is not None and sound is not None:
        if work.options.is_folder:
            _write_sound(output / SOUND_FILE, sound)
        else:
            _join(work, output, sound)
    work.files.clear(work.options.pngs)
    work.files.remove()


def _join(work: FilmWork, path: Path, sound: FilmSound) -> None:
    options, plan, files = work.options, work.plan, work.files
    pieces = [
        Piece(files.pictures(number), segment.first) for number, segment in enumerate(plan.segments)
    ]
    movie = JoinedMovie(
        path, pieces, options.fps, sound, codec=options.codec, note=note_of(work),
        tags=dict(options.tags), chapters=chapters_of(plan, options),
    )  # fmt: skip
    try:
        movie.write()
    except BaseException:
        movie.abort()
        raise


def _write_sound(file: Path, sound: FilmSound) -> None:
    """Write the sound of pictures beside them. Raises: Refused, SoundError."""
    try:
        sound.write(file)
    except OSError as why:
        raise Refused(f"{file}: cannot be written: {why.strerror}") from why


def note_of(work: FilmWork) -> str:
    """Return what the film notes about how it was made: equal notes mean equal bytes."""
    options, record = work.options, work.records[0]
    notes = [record.note]
    if options.record_size:
        painted, film = ("{}x{}".format(*size) for size in (record.size, options.record_size))
        notes.append(f"painted at {painted}, enlarged to {film} by Lanczos")
    if options.blur > 1:
        notes.append(f"{options.blur} pictures a frame")
    if options.look_ahead:
        notes.append("look-ahead: beats and loudness of the whole song")
    return f"{', '.join(notes)}; made of {work.made_of}"


def chapters_of(plan: Plan, options: FilmOptions) -> tuple[Chapter, ...]:
    """Return a chapter for every preset that plays, where there are several; else the song's."""
    begins = [(one.frame / options.fps, one.title) for n, one in enumerate(plan.loaded)
              if n == 0 or one.title != plan.loaded[n - 1].title]  # fmt: skip
    seconds = plan.frames / options.fps
    if len(begins) < 2:
        begins = [one for one in chapters_in(options) if one[0] < seconds]
    ends = [begin for begin, _ in [*begins[1:], (seconds, "")]][: len(begins)]
    return tuple(
        Chapter(begin, end, title) for (begin, title), end in zip(begins, ends, strict=True)
    )
