"""A real X server with two displays that are switched off and on, a window manager, and eyes."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.eyes import Eyes

NEEDED = ("Xorg", "xrandr", "openbox")
CONFIG = """
Section "Device"
    Identifier "card"
    Driver "dummy"
    VideoRam 256000
EndSection
Section "Screen"
    Identifier "screen"
    Device "card"
    DefaultDepth 24
    SubSection "Display"
        Depth 24
        Virtual 4096 2160
    EndSubSection
EndSection
"""
MODE = "1280x720 74.5 1280 1344 1472 1664 720 723 728 748"
LAPTOP, PROJECTOR = "DUMMY0", "DUMMY1"
SIZES = {LAPTOP: "1024x768", PROJECTOR: "1280x720"}


class Screens:
    """Xorg's dummy driver with a laptop's display of 1024x768 and, right of it, a projector of
    1280x720."""

    def __init__(self, folder: Path) -> None:
        """Skips the test where Xorg is not installed or may not be started."""
        missing = [program for program in NEEDED if shutil.which(program) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
        (folder / "x.conf").write_text(CONFIG)
        reads, writes = os.pipe()
        self.server = subprocess.Popen(
            ["Xorg", "-displayfd", str(writes), "-noreset", "-nolisten", "tcp", "+extension",
             "RANDR", "-config", str(folder / "x.conf"), "-logfile", str(folder / "x.log")],
            pass_fds=[writes], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writes)
        with os.fdopen(reads) as said:
            name = said.readline().strip()
        if not name:
            self.server.wait()
            pytest.skip("Xorg's dummy driver does not start here")
        self.name = f":{name}"
        self._randr("--newmode", *MODE.split())
        for output, size in SIZES.items():
            self._randr("--addmode", output, size)
        self.manager = subprocess.Popen(
            ["openbox"], env=self._environment, stderr=subprocess.DEVNULL
        )
        self.turn_on(LAPTOP, PROJECTOR)

    def turn_on(self, *outputs: str) -> None:
        """Switch displays on, the projector right of the laptop where both are."""
        words = [word for one in outputs for word in ("--output", one, "--mode", SIZES[one])]
        both = ("--right-of", LAPTOP) if PROJECTOR in outputs and len(outputs) > 1 else ()
        self._randr(*words, *both)

    def turn_off(self, *outputs: str) -> None:
        """Switch displays off."""
        self._randr(*(word for one in outputs for word in ("--output", one, "--off")))

    def picture(self) -> np.ndarray:
        """Return what is on all displays, uint8 [H, W, 3]."""
        wide, high = (max(p[n] + p[n + 2] for p in self.places().values()) for n in (0, 1))
        with Eyes(self.name) as eyes:
            return eyes.picture(0, 0, wide, high)

    def places(self) -> dict[str, tuple[int, int, int, int]]:
        """Return x, y, width and height of every display that is on."""
        listed = self._randr("--listactivemonitors").splitlines()[1:]
        found = {}
        for line in listed:  # " 0: +*DUMMY0 1024/270x768/203+0+0  DUMMY0"
            size, x, y = line.split()[2].split("+")
            wide, high = (int(side.partition("/")[0]) for side in size.split("x"))
            found[line.split()[-1]] = (int(x), int(y), wide, high)
        return found

    def part(self, output: str) -> np.ndarray:
        """Return what is on one display, uint8 [H, W, 3]."""
        x, y, wide, high = self.places()[output]
        return self.picture()[y : y + high, x : x + wide]

    def until(self, condition, seconds: float = 15.0) -> None:
        """Wait until something is true of what is seen."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.places()
            time.sleep(0.1)

    def close(self) -> None:
        """End both."""
        for process in (self.manager, self.server):
            process.kill()
            process.wait()

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"DISPLAY": self.name}

    def _randr(self, *words: str) -> str:
        done = subprocess.run(
            ["xrandr", *words], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout
