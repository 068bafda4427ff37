"""What commands print: rows, tables, notices; and a check of their options."""

import argparse
import json
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from livebend.core.errors import OutOfRange
from livebend.core.notify import Reports
from livebend.core.status import Level

LINES = 64  # notices that a show without a window prints in a while
TAKES = 0.5  # s that a terminal may take at the end of a show

Row = dict[str, Any]


def print_rows(rows: Sequence[Row], *, as_json: bool = False) -> None:
    """Print rows as JSON, or as columns with the longest text last."""
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        print("none")
        return
    widths = {key: max(len(str(row[key])) for row in rows) for key in rows[0]}
    for row in rows:
        print("  ".join(str(value).ljust(widths[key]) for key, value in row.items()).rstrip())


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; a | within a cell is escaped."""
    return "\n".join([_line(heads), f"|{'---|' * len(heads)}", *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in escaped)


def print_notice(text: str) -> None:
    """Print a line for the user beside the command's output, on stderr; nothing where the terminal
    is gone, for which no show may end."""
    with suppress(OSError):
        print(f"livebend: {text}", file=sys.stderr, flush=True)


def print_in_time(text: str, *, to_stderr: bool = False) -> None:
    """Print what is left to say at the end of a show, and what waits in the stream: a terminal
    that takes nothing, or a pipe that nobody reads, holds the end up for TAKES s and no longer."""

    def write() -> None:
        with suppress(OSError, ValueError):  # the terminal is gone
            print(text, file=sys.stderr if to_stderr else sys.stdout)
            sys.stdout.flush()

    writing = threading.Thread(target=write, name="printing", daemon=True)
    writing.start()
    writing.join(TAKES)


class Printed:
    """Prints the notices of a show without a window, on stderr: of a subject, which is what comes
    before an equals sign, only now and then.

    Any thread may call it and none waits: a thread of its own prints, and where the terminal takes
    nothing what is too much is dropped. `close` prints what is left.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._lock, self._reports = threading.Lock(), Reports(now, most=LINES)
        self._lines: queue.Queue[str | None] = queue.Queue(2 * LINES)
        self._printer: threading.Thread | None = None

    def __call__(self, text: str, _: Level = "info") -> None:
        with self._lock:
            is_first = self._reports.first(text.partition(" = ")[0])
            if self._printer is None:
                self._printer = threading.Thread(target=self._print, name="printing", daemon=True)
                self._printer.start()
        if is_first:
            self._put(text)

    def close(self) -> None:
        """Print what is left, for at most TAKES s."""
        printer, self._printer = self._printer, None
        if printer is not None:
            self._put(None)
            printer.join(TAKES)

    def _put(self, line: str | None) -> None:
        with suppress(queue.Full):
            self._lines.put_nowait(line)

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            print_notice(line)


def text_of(value: object) -> str:
    """Return a value as a label has it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def check_positive(options: argparse.Namespace) -> None:
    """Raises: OutOfRange for a rate, a length or a frame time that is no number above 0."""
    for name in ("fps", "seconds", "target_ms"):
        value = getattr(options, name, None)
        if value is not None and not 0.0 < value < 1e6:
            raise OutOfRange(f"--{name.replace('_', '-')} {value:g}: expected a number above 0")
