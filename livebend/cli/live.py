"""`livebend live`: play live, in a window or without one. `live_show` is the show itself."""

import argparse
import json
from pathlib import Path
from typing import Any

from livebend.cli.no_display import go_headless, has_display
from livebend.cli.printing import check_positive
from livebend.cli.starting import starting
from livebend.core.errors import Refused
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

        report = LiveShow(options_of(LiveOptions, options), ahead=ahead).play()
    if options.stats is not None:
        _write(options.stats, json.dumps(report, indent=2) + "\n")
    print(_summary(report))
    if options.record is not None:
        print(f"recorded {options.record}")
    return 0


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
