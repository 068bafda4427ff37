"""`livebend live`: play live, in a window or without one. `live_show` is the show itself."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from livebend.cli.no_display import go_headless, has_display
from livebend.cli.printing import check_positive, print_notice
from livebend.cli.starting import starting
from livebend.core.errors import Refused, one_line
from livebend.core.files import check_place, write_text


def run(options: argparse.Namespace) -> int:
    """Play, write the statistics if asked for, and print a summary."""
    check_positive(options)
    if options.stats is not None:
        check_place(options.stats, "--stats")
    if not options.headless and not has_display():
        go_headless(options)
    with starting(vars(options)) as ahead:
        from livebend.cli.live_show import LiveOptions, LiveShow  # noqa: PLC0415 - with torch
        from livebend.cli.options import options_of  # noqa: PLC0415

        return _play(LiveShow(options_of(LiveOptions, options), ahead=ahead), options.stats)


def _play(show: Any, stats: Path | None) -> int:
    """Play a show to its end; keep its figures whatever that was."""
    failed: Exception | None = None
    try:
        show.play()
    except Exception as why:  # noqa: BLE001 - raised below, when the figures are written
        failed = why
    report = show.statistics.report()
    if failed is None or report["frames_generated"]:
        keep_figures(report, stats, [] if show.recording is None else show.recording.films)
    if show.hung:
        _leave(failed)
    if failed is not None:
        raise failed
    return 0


def keep_figures(report: dict[str, Any], stats: Path | None, films: Sequence[Path]) -> None:
    """Write the figures of a show, and print them and its films where somebody can read it."""
    if stats is not None:
        _write(stats, json.dumps(report, indent=2) + "\n")
    lines = [_summary(report), *(f"recorded {film}" for film in films)]
    with suppress(OSError):  # the terminal is gone
        print("\n".join(lines), flush=True)


def _leave(failed: Exception | None) -> NoReturn:
    """End the process without waiting for a thread that the network holds: all else is done."""
    if failed is not None:
        print_notice(one_line(failed))
    with suppress(OSError):  # the terminal is gone
        sys.stdout.flush()
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
