"""The last picture moved gently while the next one does not come, so that the wall never stands."""

import math

from livebend.core.ranges import eased

LATE = 0.5  # s without a picture that are bridged
USUAL = 3.0  # periods of a show with slow pictures, where those are longer
RISE, FALL = 3.0, 0.7  # s in which the motion comes and goes
ZOOM, BREATH = 0.04, 0.04  # of the picture's size, always and at most on top of that
SHIFT = 0.015  # of the size, to either side: less than half of ZOOM, or the edges would show
PERIODS = (16.0, 23.0, 17.0)  # s, of the breath and of the ways across and down
OLDEST = 5.0  # s: a pause does not count as the usual time between two pictures


class Bridge:
    """Where the picture goes while the next does not come. The main thread owns it."""

    def __init__(self) -> None:
        self._arrived: float | None = None  # when the last picture came, s
        self._usual = 0.0  # s from one picture to the next, smoothed
        self._moved, self._amount, self._phase = 0.0, 0.0, 0.0

    def arrive(self, moment: float) -> None:
        """Note that a picture has come, in s on a steady clock."""
        if self._arrived is not None:
            took = min(moment - self._arrived, OLDEST)
            self._usual += (took - self._usual) * (0.2 if self._usual else 1.0)
        self._arrived = moment

    def silent(self, moment: float) -> float:
        """Return for how long no picture has come, in s; 0 while that is usual."""
        if self._arrived is None:
            return 0.0
        silent = moment - self._arrived
        return silent if silent > max(LATE, USUAL * self._usual) else 0.0

    def move(self, moment: float, is_held: bool) -> bool:
        """Move on; return whether the picture is anywhere but in its place.

        is_held: by the performer, and so not to be moved.
        """
        dt, self._moved = min(max(moment - self._moved, 0.0), 0.1), moment
        late = self.silent(moment) > 0.0 and not is_held
        self._amount = min(max(self._amount + (dt / RISE if late else -dt / FALL), 0.0), 1.0)
        self._phase = self._phase + dt if self._amount else 0.0
        return self._amount > 0.0

    @property
    def moved(self) -> tuple[float, float, float, float]:
        """Where the picture is as it is moved, (left, top, width, height), in parts of its place,
        which it covers."""
        part = eased(self._amount)
        breath, across, down = (math.tau * self._phase / period for period in PERIODS)
        zoom = part * (ZOOM + BREATH * (0.5 - 0.5 * math.cos(breath)))
        right, below = (part * SHIFT * math.sin(angle) for angle in (across, down))
        return right - zoom / 2, below - zoom / 2, 1.0 + zoom, 1.0 + zoom
