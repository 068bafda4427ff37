"""A worker's process: see `workers`."""

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from livebend.cli.film.jobs import Paints, read_job, record_line
from livebend.cli.film.options import read_options
from livebend.cli.film.painter import Painter
from livebend.core.errors import LivebendError, one_line
from livebend.operators.user_operators import load_operators

Say = Callable[[dict[str, Any]], None]


def work(lines: Iterable[str], say: Say, paints: Paints | None = None) -> None:
    """Paint what lines ask for, one after another, until there are no more."""
    painter = paints or Painter(lambda text: say({"notice": text}))
    known: set[str] = set()  # files of operators that are loaded
    for line in lines:
        try:
            job = read_job(line)
            own = read_options(job.film).operators
            if own is not None and str(own) not in known:
                known.add(str(own))
                load_operators(own)
            say(record_line(painter.paint(job, lambda frames: say({"painted": frames}))))
        except LivebendError as why:
            say({"refused": str(why)})
        except Exception as why:  # noqa: BLE001 - it is said, and the segment is painted again
            traceback.print_exc()
            say({"failed": one_line(why)})


def main() -> int:
    """Work until the input ends, or nobody listens any more."""
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer

    def say(what: dict[str, Any]) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    try:
        work(iter(sys.stdin.readline, ""), say)
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
