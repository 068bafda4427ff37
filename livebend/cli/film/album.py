"""Several films of one command: a film for every song of an album, and for every seed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from livebend.audio.song_tags import read_tags
from livebend.cli.film.options import FilmOptions
from livebend.core.errors import Refused
from livebend.flow import Pixels
from livebend.outputs.codecs import FORMATS, codec_of, fitted
from livebend.outputs.sheet import write_sheet

SONGS = (
    ".flac", ".wav", ".aif", ".aiff", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wv",
)  # fmt: skip
SHEET = "contact-sheet.png"
MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of each film
ACROSS = 256  # pixels of a picture on the sheet


def films_of(
    options: FilmOptions, sounds: Sequence[str], variations: int | None, first_seed: int
) -> list[FilmOptions]:
    """Return a film for every song and seed.

    sounds: files, folders of songs, or demo.
    variations: how many seeds, from `first_seed` on; None = one film, of the seed that is given.
        Where none is given the songs of an album have seeds of their own, from `first_seed` on:
        with one seed all would show the same pictures at the same moments.

    One song and no variations is what `options` say; others go into the folder `options.output`, by
    the names of the songs, or, of one song, beside that name. Raises: Refused, SoundError.
    """
    songs = list(_songs(sounds))
    if len(songs) == 1 and variations is None and not _is_folder(sounds[0]):
        return [_tagged(replace(options, sound=songs[0]))]
    if options.output is None or options.frames is not None or not codec_of(options.codec).endings:
        raise Refused("render: several films need -o FOLDER, and neither --frames nor pictures")
    if len(songs) == 1 and not _is_folder(sounds[0]) and options.output.suffix:
        places = [options.output]
    else:
        places = _places(options.output, songs, options.codec)
    films = list[FilmOptions]()
    for number, (song, place) in enumerate(zip(songs, places, strict=True)):
        film = _tagged(replace(options, sound=song, output=place))
        if variations is None:
            own = first_seed + number if options.seed is None else options.seed
            films.append(replace(film, seed=own) if number else film)
            continue
        for seed in range(first_seed, first_seed + variations):
            named = place.with_stem(f"{place.stem}-seed-{seed}")
            films.append(replace(film, seed=seed, output=named))
    return films


def _songs(sounds: Sequence[str]) -> Iterator[str]:
    """Every song that is meant: those of a folder by their numbers, then by name."""
    for sound in sounds:
        if not _is_folder(sound):
            yield sound
            continue
        found = [file for file in Path(sound).iterdir() if file.suffix.lower() in SONGS]
        if not found:
            raise Refused(f"{sound}: there is no song in it; expected one of {', '.join(SONGS)}")
        yield from map(str, sorted(found, key=lambda file: (read_tags(file).place, file.name)))


def _is_folder(sound: str) -> bool:
    return sound != "demo" and Path(sound).is_dir()


def _places(folder: Path, songs: Sequence[str], codec: str) -> list[Path]:
    """The films of songs in a folder, which is made; equal names are told apart by a number."""
    if folder.suffix.lower() in FORMATS:
        raise Refused(f"-o {folder}: {len(songs)} songs; expected a folder for their films")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise Refused(f"-o {folder}: cannot be made: {why.strerror}") from why
    places = list[Path]()
    for song in songs:
        stem, number = Path(song).stem, 2
        while (place := fitted(folder / f"{stem}.mp4", codec)) in places:
            stem, number = f"{Path(song).stem}-{number}", number + 1
        places.append(place)
    return places


def _tagged(film: FilmOptions) -> FilmOptions:
    """The film with the tags of its song; its title is the song's, or the file's name."""
    if film.sound == "demo" or not Path(film.sound).is_file():
        return film
    tags = read_tags(Path(film.sound)).tags
    titled = {"title": Path(film.sound).stem, **tags}
    return replace(film, tags=tuple(sorted(titled.items())))


def chapters_in(film: FilmOptions) -> tuple[tuple[float, str], ...]:
    """Return the chapters of a film's song: when each begins, in s. Raises: SoundError."""
    return () if film.sound == "demo" else read_tags(Path(film.sound)).chapters


def write_sheet_of(films: Sequence[FilmOptions], sheet: Path) -> None:
    """Write a sheet of several films: each a row, at MOMENTS. Raises: Refused."""
    rows = [_pictures(film.named) for film in films]
    shape = rows[0][0].shape
    if any(picture.shape != shape for row in rows for picture in row):
        rows = [[np.resize(picture, shape) for picture in row] for row in rows]
    names = [dict(film.tags).get("title", film.named.stem) for film in films]
    seeds = [f"{name}, {film.seed}" for name, film in zip(names, films, strict=True)]
    labels = names if len(set(names)) == len(names) else seeds
    write_sheet(sheet, rows, labels, [f"{moment:.0%}" for moment in MOMENTS])


def _pictures(file: Path) -> list[Pixels]:
    """The pictures of a film at MOMENTS, ACROSS wide."""
    try:
        with av.open(str(file)) as film:
            stream = film.streams.video[0]
            high = max(1, round(ACROSS * stream.height / stream.width))
            return [_picture(film, moment, (ACROSS, high)) for moment in MOMENTS]
    except (av.FFmpegError, OSError, IndexError) as why:
        raise Refused(f"{file}: cannot be read: {why}") from why


def _picture(film: av.container.InputContainer, moment: float, size: tuple[int, int]) -> Pixels:
    """The first picture at or after a moment, 0..1 of the film."""
    stream = film.streams.video[0]
    assert film.duration is not None
    seconds = film.duration / 1e6 * moment
    film.seek(round(seconds * 1e6))
    found = None
    for frame in film.decode(stream):
        found = frame
        if frame.time is not None and frame.time >= seconds:
            break
    assert found is not None
    small = found.reformat(width=size[0], height=size[1], format="rgb24", interpolation="AREA")
    return np.asarray(small.to_ndarray())
