"""A time that a test moves by hand; `virtual_time` is the one for threads."""

import threading


class ManualTime:
    """A `livebend.core.clock.Time` that stands still until somebody waits or sets `moment`."""

    def __init__(self, moment: float = 0.0) -> None:
        self.moment = moment

    def now(self) -> float:
        """Seconds since the show began."""
        return self.moment

    def wait_until(self, moment: float, stop: threading.Event) -> bool:
        """Be there at once; False where `stop` is set."""
        self.moment = max(self.moment, moment)
        return not stop.is_set()
