"""`livebend render`: a show with an offline clock, without dropping frames, into a file."""

import argparse
from pathlib import Path

from livebend.cli.film.album import SHEET, films_of, write_sheet_of
from livebend.cli.film.options import FilmOptions
from livebend.cli.film.rendering import Crew, crew_of, render_films
from livebend.cli.options import options_of
from livebend.cli.printing import check_positive, print_notice
from livebend.core.errors import Refused
from livebend.core.notify import Notify

RenderOptions = FilmOptions


def run(options: argparse.Namespace) -> int:
    """Render sound files into videos or pictures."""
    check_positive(options)
    if options.output is None and options.frames is None:
        raise Refused("render: expected -o OUT.mp4 or --frames DIR")
    sounds, options.sound = options.sounds, options.sounds[0]
    one = options_of(FilmOptions, options)
    films = films_of(one, sounds, options.variations, one.first_scene().seed)
    crew = crew_of(options.workers, options.threads, options.ray, print_notice)
    try:
        counts = render_films(films, crew, print_notice, anew=options.anew)
    except KeyboardInterrupt:
        print_notice("stopped; what is painted is kept: the same command goes on with it")
        return 130
    for film, frames in zip(films, counts, strict=True):
        print(f"{frames} frames in {film.named}")
    if len(films) > 1:
        sheet = Path(films[0].named).with_name(SHEET)
        write_sheet_of(films, sheet)
        print(f"{len(films)} films on {sheet}")
    return 0


def render(options: FilmOptions, notify: Notify) -> int:
    """Render one film in this process; return its number of frames. Raises: LivebendError."""
    (frames,) = render_films([options], Crew(), notify)
    return frames
