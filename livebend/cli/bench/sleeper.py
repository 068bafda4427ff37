"""A worker that waits as long as frames take: for a farm of more workers than there are cores.

python -m livebend.cli.bench.sleeper SECONDS    as `livebend.cli.film.process`, without pictures
"""

import json
import sys
import threading
from typing import Any

from livebend.cli.film.jobs import Record, read_job, record_line


def main() -> int:
    """Work until the input ends."""
    seconds, nobody = float(sys.argv[1]), threading.Event()

    def say(what: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    for line in iter(sys.stdin.readline, ""):
        segment = read_job(line).segment
        nobody.wait(seconds * segment.painted)
        say({"painted": segment.painted})
        say(record_line(Record(frames=segment.painted, sha256="", note="", size=(1, 1))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
