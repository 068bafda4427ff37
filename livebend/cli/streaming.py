"""The streams of a show: NDI, a virtual camera, Spout, Syphon."""

from collections.abc import Sequence
from contextlib import ExitStack

from livebend.cli.hands import KeepGoing
from livebend.core.errors import OutOfRange
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.watchdog import KeptWorker
from livebend.flow import Frame
from livebend.outputs.display import Display
from livebend.outputs.streams.kinds import KINDS, kind_of


def check_streams(names: Sequence[str], size: tuple[int, int] | None) -> None:
    """Refuse streams that cannot be sent. Raises: UnknownName, Refused, OutOfRange."""
    for name in names:
        kind_of(name).extra.check()
    if size is not None and size[0] % 2:
        raise OutOfRange(f"--stream-size {size[0]}x{size[1]}: expected an even width")


def open_streams(
    ending: ExitStack,
    frames: Latest[Frame | None],
    display: Display,
    size: tuple[int, int] | None,
    fps: float,
    notify: Notify,
    keep_going: KeepGoing,
) -> list[KeptWorker]:
    """Start a thread for every stream that this system has, which sends while its switch is on;
    `ending` stops them.

    keep_going: starts a part of the show that is started again where it fails.
    """
    from livebend.outputs.streams.stream import Stream  # noqa: PLC0415 - imports av

    workers = []
    for name in KINDS:
        stream = Stream(name, frames, display, size, fps, notify)
        worker = keep_going(f"{stream.kind.title} stream", stream.work)
        ending.callback(worker.stop)
        workers.append(worker)
    return workers
