"""One show of a rig, which writes down every frame: its number of the leader's, or −1 where it
played alone, a hash of its pixels, and when it was there, in s on the machine's clock."""

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.core.clock import now


class Log:
    """A file that has every line at once: its process may be killed."""

    def __init__(self, file: Path) -> None:
        self._at = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, line: str) -> None:
        os.write(self._at, line.encode())


def play(given: dict[str, Any]) -> None:
    """Play with options by name; `log` is the file of the frames."""
    log = Log(Path(given.pop("log")))
    given["key"], given["size"] = Path(given["key"]), tuple(given["size"])
    show = LiveShow(LiveOptions(headless=True, strobe_limit=False, **given))

    def seen(frame: Any) -> None:
        following = show.rig.following
        number = frame.index if following is None else following.painted
        log(f"{number} {zlib.crc32(frame.pixels):08x} {now():.6f}\n")

    show.seen = seen
    report = show.play()
    notices = [notice["text"] for notice in report["notices"]]
    told = {"rig": report["rig"], "frame_ms": report["frame_ms"], "notices": notices}
    print(json.dumps(told), flush=True)
    os._exit(0)  # to take everything else apart takes seconds on a busy machine


if __name__ == "__main__":
    play(json.loads(sys.argv[1]))
