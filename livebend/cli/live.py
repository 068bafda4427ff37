"""`livebend live`: play live, in a window or without one. `live_show` is the show itself."""

import argparse
import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from livebend.cli.guarded import Guarded
from livebend.cli.no_display import go_headless, has_display
from livebend.cli.printing import check_positive, print_in_time
from livebend.cli.starting import starting
from livebend.core.errors import LivebendError, Refused, one_line
from livebend.core.files import check_place, write_text


def run(options: argparse.Namespace) -> int:
    """Play, write the statistics if asked for, and print a summary."""
    check_positive(options)
    if options.stats is not None:
        check_place(options.stats, "--stats")
    if not options.headless and not has_display():
        go_headless(options)
    with starting(vars(options)) as ahead:
        from livebend.cli.live_options import LiveOptions  # noqa: PLC0415 - with torch
        from livebend.cli.live_show import LiveShow  # noqa: PLC0415 - with torch
        from livebend.cli.options import options_of  # noqa: PLC0415

        guard = None if options.guarded_by is None else Guarded(options.guarded_by)
        show = LiveShow(options_of(LiveOptions, options), ahead=ahead, guard=guard)
        return _play(show, options.stats)


def _play(show: Any, stats: Path | None) -> int:
    """Play a show to its end; keep its figures whatever that was."""
    failed: Exception | None = None
    show.late = partial(_leave_late, show, stats)
    try:
        show.play()
    except Exception as why:  # noqa: BLE001 - raised below, when the figures are written
        failed = why
    if failed is None or show.statistics.report()["frames_generated"]:
        _keep_figures_of(show, stats)
    if show.hung or show.asked_by:
        _leave(failed)
    if failed is not None:
        raise failed
    return 0


def _leave_late(show: Any, stats: Path | None, signal: str) -> None:
    """End the process of a show that has not ended by itself a while after a signal, because the
    main thread waits for a display or a disk: with its films, cues and figures."""
    show.keep()
    _keep_figures_of(show, stats)
    _leave(LivebendError(f"ended by {signal}: the display or the disk did not answer"))


def _keep_figures_of(show: Any, stats: Path | None) -> None:
    films = [] if show.recording is None else show.recording.films
    keep_figures(show.statistics.report(), stats, films)


def keep_figures(report: dict[str, Any], stats: Path | None, films: Sequence[Path]) -> None:
    """Write the figures of a show, and print them and its films where somebody can read it."""
    if stats is not None:
        _write(stats, json.dumps(report, indent=2) + "\n")
    lines = [_summary(report), *(f"recorded {film}" for film in films)]
    print_in_time("\n".join(lines))


def _leave(failed: Exception | None) -> NoReturn:
    """End the process at once, where a thread is held by the network, or where the system asked for
    the end: what is to be kept is closed, and to take everything else apart may take Python and its
    libraries 20 s on a busy machine."""
    if failed is not None:
        print_in_time(f"livebend: {one_line(failed)}", to_stderr=True)
    os._exit(0 if failed is None else 1)


def _write(file: Path, text: str) -> None:
    """Raises: Refused where the place has gone since the show began."""
    try:
        write_text(file, text)
    except OSError as why:
        raise Refused(f"--stats {file}: cannot be written: {why.strerror}") from why


def _summary(report: dict[str, Any]) -> str:
    frame = report["frame_ms"]
    return (
        f"{report['frames_generated']} frames, {report['fps']:.1f} a second;"
        f" a frame took {frame['p50']:.1f} ms (p95 {frame['p95']:.1f}, p99 {frame['p99']:.1f});"
        f" {report['engine']}"
    )
