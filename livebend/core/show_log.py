"""What a show reports, in a file of the user's log folder that rotates; it never fails a show."""

import logging
import logging.handlers
import sys
from contextlib import suppress
from pathlib import Path

from livebend.core.notify import Notify, ignore
from livebend.core.status import Level

LARGEST = 1 << 20  # bytes of a log, and of each that was rotated
KEPT = 4  # logs besides the newest
LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class ShowLog:
    """A rotating log. Any thread may call it.

    file: None for no log.
    notify: is called once where it cannot be written; the show goes on.
    """

    def __init__(self, file: Path | None, notify: Notify = ignore) -> None:
        self._notify, self._handler = notify, None
        self._logger = logging.Logger("livebend")
        if file is None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handler = self._opened(file)
        except OSError as why:
            notify(f"log {file}: cannot be written: {why.strerror}")
            return
        self._logger.addHandler(self._handler)

    def __call__(
        self, text: str, level: Level = "info", fault: BaseException | None = None
    ) -> None:
        """Add a line; below it how a fault came about."""
        if self._handler is not None:
            self._logger.log(LEVELS[level], "%s", text, exc_info=fault)

    def close(self) -> None:
        """Close the file."""
        if self._handler is not None:
            self._logger.removeHandler(self._handler)
            with suppress(OSError):  # a disk that is full has been reported
                self._handler.close()

    def _opened(self, file: Path) -> "_Handler":
        handler = _Handler(file, self._notify)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        return handler


class _Handler(logging.handlers.RotatingFileHandler):
    """A file that is reported, once, where it cannot be written."""

    def __init__(self, file: Path, notify: Notify) -> None:
        super().__init__(file, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
        self._notify, self._reported = notify, False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's
        if not self._reported:
            self._reported = True
            self._notify(f"log {self.baseFilename}: cannot be written: {sys.exception()}")
