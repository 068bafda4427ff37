"""What a live show says: in its log, on the operator's view, and printed where nobody sees that."""

from pathlib import Path

from livebend.cli.printing import Printed, print_notice
from livebend.core.clock import Time
from livebend.core.show_log import ShowLog
from livebend.core.statistics import Statistics
from livebend.core.status import Level
from livebend.core.watchdog import said


class LiveNotices:
    """The notices of a show, which its statistics keep. Any thread may give one.

    headless: whether nobody sees the operator's view.
    """

    def __init__(self, time: Time, *, headless: bool) -> None:
        self.statistics = Statistics(time, self._tell)
        self._log, self._printed, self._headless = ShowLog(None), Printed(time.now), headless
        self._late = 0.0  # s for which the last picture has been moved

    def log_to(self, file: Path) -> None:
        """Write them down in a file, too, until `close_log`."""
        self._log = ShowLog(file, print_notice)

    def close_log(self) -> None:
        """Close the file; what comes later is not in it."""
        self._log.close()

    def close(self) -> None:
        """Print what is left to be printed."""
        self._printed.close()

    def warn(self, why: str) -> None:
        """Show the performer what was refused or clamped."""
        self.statistics.notice(why, "warning")

    def lose(self, what: str) -> None:
        """Report what is no longer kept of the show."""
        self.statistics.notice(what, "error")

    def report_fault(self, name: str, failure: BaseException | None) -> None:
        """Report a part that is started again."""
        self._log(f"{name} in detail", "error", failure)
        self.statistics.notice(said(name, failure), "error")

    def say_late(self, seconds: float) -> None:
        """Say when the last picture is moved because the next does not come, and when it has."""
        before, self._late = self._late, seconds
        if seconds and not before:
            self.statistics.notice("the next picture does not come: the last one moves", "warning")
        elif before and not seconds:
            self.statistics.notice(f"the picture is back after {before:.1f} s")

    def _tell(self, text: str, level: Level) -> None:
        """Log a notice, and print it where nobody sees the operator's view, or it is an error."""
        self._log(text, level)
        if self._headless or level == "error":
            self._printed(text)
