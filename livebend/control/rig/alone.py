"""The sound of a follower whose leader is gone: its beats go on at the leader's tempo, and the rest
is what this machine hears."""

import math
from dataclasses import replace

from livebend.flow import Features

COUNTS = ("onset_count", "kick_count", "snare_count", "hat_count")


class Alone:
    """Features that go on from the leader's last ones, so that no counter jumps. Used by the render
    thread.

    last: the features of the last frame that was followed.
    own: what this machine heard then.
    offset: s to add to its clock for the leader's.
    """

    def __init__(self, last: Features, own: Features, offset: float) -> None:
        self._last, self._own, self._offset = last, own, offset

    def at(self, time: float, heard: Features) -> Features:
        """Return the features at a time of the leader's clock, of what is heard here now."""
        last, own = self._last, self._own
        counts = {name: getattr(last, name) + getattr(heard, name) - getattr(own, name)
                  for name in COUNTS}  # fmt: skip
        bpm = last.bpm or heard.bpm
        beats = last.beat_count + last.beat_phase + bpm / 60.0 * max(time - last.time, 0.0)
        count = math.floor(beats)
        onset = heard.onset_time + self._offset if heard.onset_count > own.onset_count else 0.0
        return replace(
            heard, **counts, time=heard.time + self._offset, bpm=bpm, beat_count=count,
            beat_phase=beats - count, onset_time=onset or last.onset_time,
        )  # fmt: skip
