"""The pictures of a live show, and the thread that reads them."""

from collections.abc import Sequence
from typing import Any

from livebend.core.clock import now
from livebend.core.notify import Notify
from livebend.core.watchdog import KeptWorker, OnFault
from livebend.flow import PictureSource
from livebend.video.camera import PATIENCE
from livebend.video.open_picture import play_picture


class LivePicture:
    """What painting begins at; `source` is None where that is noise.

    `workers` are the parts that a watchdog looks after.
    """

    def __init__(
        self, name: str | None, size: tuple[int, int], notify: Notify, on_fault: OnFault
    ) -> None:
        """Open it: what cannot be read is refused before the model is loaded.

        name: as `video.open_picture` takes it.
        size: (W, H) of frames, as far as it is known.
        Raises: PictureError.
        """
        self.source: PictureSource | None = None
        self.workers: Sequence[KeptWorker] = ()
        if name is None:
            return
        opened: Any = play_picture(name, size, notify)
        self.source = opened
        if hasattr(opened, "work"):
            worker = KeptWorker(opened.name, opened.work, now, on_fault, patience=lambda: PATIENCE)
            self.workers = (worker,)

    def start(self) -> "LivePicture":
        """Begin to read; return self."""
        for worker in self.workers:
            worker.start()
        return self

    def close(self) -> None:
        """Stop reading."""
        for worker in self.workers:
            worker.stop()
        if self.source is not None:
            self.source.close()
