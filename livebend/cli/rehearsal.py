"""A few seconds of a show without a window, and what they tell: `livebend check` plays them in a
process of its own."""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from livebend.audio.feature_sources import HeardSound
from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import FIRST_FRAME, LiveShow
from livebend.cli.options import options_of
from livebend.cli.player import Player
from livebend.cli.rig import opening_of
from livebend.cli.screen import Screen
from livebend.cli.starting import starting
from livebend.control.rig.messages import Opening
from livebend.control.rig.messages import bytes_of as message_bytes
from livebend.core.clock import now
from livebend.core.errors import LivebendError
from livebend.flow import Samples
from livebend.models.backends.read_ahead import ReadAhead

SECONDS = 8.0
FULL = 0.999  # of full scale: what clips is there
FAINTEST = 1e-6  # -120 dB
PATHS = ("cues", "masks", "operators")  # options that are files; those that are written to are not


class SoundMeter:
    """The levels of each channel of what is heard. The audio worker calls `add`."""

    def __init__(self) -> None:
        self._peaks = np.zeros(0)
        self._squares = np.zeros(0)
        self._count = self.clipped = 0

    def add(self, block: Samples) -> None:
        """Measure sound [channels, n] or [n]."""
        block = np.nan_to_num(np.atleast_2d(block))
        more = len(block) - len(self._peaks)
        if more > 0:
            self._peaks = np.append(self._peaks, np.zeros(more))
            self._squares = np.append(self._squares, np.zeros(more))
        loud, many = np.abs(block), len(block)
        self._peaks[:many] = np.maximum(self._peaks[:many], loud.max(axis=1))
        self._squares[:many] += np.square(block, dtype=np.float64).sum(axis=1)
        self._count += block.shape[1]
        self.clipped += int((loud >= FULL).sum())

    def report(self) -> dict[str, Any]:
        """Return peak and rms of every channel in dB, and how many samples clip."""
        rms = np.sqrt(self._squares / max(self._count, 1))
        return {
            "peak": [decibels(peak) for peak in self._peaks.tolist()],
            "rms": [decibels(level) for level in rms.tolist()],
            "clipped": self.clipped,
        }


class Rehearsal(LiveShow):
    """A show that measures what it hears and when it began."""

    def __init__(self, options: LiveOptions, ahead: ReadAhead | None) -> None:
        self.meter, self._since, self.began = SoundMeter(), now(), 0.0
        self.opening: Opening | None = None  # what it is played on
        super().__init__(options, on_phase=self._mark, ahead=ahead)

    def _mark(self, phase: str) -> None:
        if phase == FIRST_FRAME:
            self.began = now() - self._since

    def _load(self, screen: Screen) -> tuple[Player, HeardSound]:
        player, sound = super()._load(screen)
        self.opening = opening_of(player.network, self.live.drawn)
        return player, sound

    def _tape(self, block: Samples, time: float) -> None:
        self.meter.add(block)
        super()._tape(block, time)


def decibels(level: float) -> float:
    """Return a level, 1 = full scale, in dB.

    >>> decibels(0.1)
    -20.0
    """
    return round(20.0 * math.log10(max(level, FAINTEST)), 1)


def told(text: str, film: str) -> str:
    """Rehearse a show, given as the JSON of its options by name, and record it as `film`; return
    what came of it as JSON."""
    try:
        return json.dumps(_played(json.loads(text), Path(film)))
    except LivebendError as why:
        return json.dumps({"refused": str(why)})


def bytes_of(film: Path) -> int:
    """Return how large a film is: a file, or a folder of pictures."""
    files = film.iterdir() if film.is_dir() else (film,)
    return sum(file.stat().st_size for file in files)


def _played(given: dict[str, Any], film: Path) -> dict[str, Any]:
    for name in PATHS:
        given[name] = Path(given[name]) if given.get(name) else None
    given["loras"] = [(Path(file), strength) for file, strength in given["loras"]]
    given["sets"] = [(path, value) for path, value in given["sets"]]
    for name in ("size", "record_size", "part"):
        given[name] = tuple(given[name]) if given.get(name) else None
    if given["operators"] is not None:
        from livebend.operators.user_operators import load_operators  # noqa: PLC0415

        load_operators(given["operators"])
    with starting(given) as ahead:
        options = options_of(LiveOptions, argparse.Namespace(**given))
        options = replace(
            options, headless=True, aloud=False, seconds=min(SECONDS, options.seconds or SECONDS),
            osc="127.0.0.1:0", osc_allow=(), lan=False, remote="off", midi="off", link=False,
            lead=None, follow=None, key=None,
            record=film, record_cues=None,
        )  # fmt: skip
        show = Rehearsal(options, ahead)
        report = show.play()
    films = [] if show.recording is None else show.recording.films
    return {
        "report": report,
        "sound": show.meter.report(),
        "began": show.began,
        "bytes": sum(map(bytes_of, films)),
        "opening": message_bytes(show.opening).decode() if show.opening else None,
    }
