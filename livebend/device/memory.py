"""Remembered outputs: a frame costs only what changed.

Every tensor that travels through the network is `Versioned`. `Memory.recall` runs a
computation only if the versions and constants it reads differ from those of its last two runs, so
what is shown is bit for bit what recomputing would give; computations must never write in place.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from torch import Tensor

from livebend.core.clock import now

Compute = Callable[[], tuple[Tensor, ...]]
Settle = Callable[[], None]

FRAME = 1 << 20  # asks that one frame has room for, in the stamps of what is remembered


_layouts: dict[Hashable, int] = {}
_numbers = count()


def layout_of(tensor: Tensor) -> int:
    """Return a number that stands for everything about a tensor but its values."""
    layout = (tensor.shape, tensor.stride(), tensor.dtype, tensor.device)
    return _layouts.setdefault(layout, next(_numbers))


class Versioned:
    """A tensor and the version of its content: equal versions mean equal bits. Not to be changed.

    Its layout is worked out once: how every stage runs that reads it is found by it.
    """

    __slots__ = ("_layout", "tensor", "version")

    def __init__(self, version: int, tensor: Tensor) -> None:
        self.version, self.tensor = version, tensor
        self._layout: int | None = None

    @property
    def layout(self) -> int:
        """The number of the tensor's shape, strides, type and device."""
        if self._layout is None:
            self._layout = layout_of(self.tensor)
        return self._layout


@dataclass(slots=True)
class FrameRuns:
    """What one frame ran: seconds by computation, and how many answers were remembered."""

    seconds: dict[str, float] = field(default_factory=dict)
    remembered: int = 0


class _Kept:
    """What one run made of what it read, and the stamp of who asked for it last."""

    __slots__ = ("asked", "bytes", "key", "values")

    def __init__(self, key: Hashable, values: tuple[Versioned, ...], asked: int) -> None:
        self.key, self.values, self.asked = key, values, asked
        self.bytes = 0
        for value in values:
            self.bytes += value.tensor.nbytes


class Memory:
    """The last outputs of every computation, owned by one thread.

    `entries` outputs are kept for each name, so that solo, A/B and undo are free. What no frame has
    asked for in the last `frames` is forgotten soon: hands that try one site after another would
    fill the memory with what bends once made there. When all tensors together exceed `byte_cap`,
    the least recently used are forgotten first.
    """

    def __init__(self, entries: int = 2, byte_cap: int = 2 << 30, frames: int = 600) -> None:
        self._entries = entries
        self._byte_cap = byte_cap
        self._frames = frames
        self._frame = self._stamp = 0
        self._versions = count(1)
        self._kept: dict[Hashable, list[_Kept]] = {}  # of each slot, the last asked for last
        self._settle: Settle = _at_once
        self.bytes = 0
        self.evicted = 0  # outputs forgotten for want of room
        self.ran = FrameRuns()

    @contextmanager
    def settling(self, settle: Settle) -> Iterator[None]:
        """Have every computation inside end with a call of `settle`, which waits for the device:
        for those who look at how long one takes."""
        before, self._settle = self._settle, settle
        try:
            yield
        finally:
            self._settle = before

    def begin_frame(self) -> None:
        """Start a new account of what runs."""
        self.ran = FrameRuns()
        self._frame += 1
        self._stamp = self._frame * FRAME
        if self._frame % (self._frames // 16 + 1) == 0:
            self._forget_before((self._frame - self._frames) * FRAME)

    def recall(
        self, name: str, key: Hashable, compute: Compute, *, step: Hashable = 0
    ) -> tuple[Versioned, ...]:
        """Return the outputs of `compute` for `key`, running it only if they are not remembered.

        `key` holds the versions of all that is read and every constant. `name` and `step` (any
        key, such as the network call) say whose outputs they are; time is accounted to `name`.
        """
        slot = (name, step)
        kept = self._kept.get(slot, [])
        for found in kept:
            if found.key == key:
                self._use(kept, found)
                return found.values
        begin = now()
        values = tuple([self.fresh(tensor) for tensor in compute()])
        self._settle()
        seconds = self.ran.seconds
        seconds[name] = seconds.get(name, 0.0) + now() - begin
        self._keep(slot, key, values)
        return values

    def derive(
        self,
        name: str,
        read: Sequence[Versioned],
        constants: tuple[Hashable, ...],
        function: Callable[..., Tensor],
        step: Hashable = 0,
    ) -> Versioned:
        """Return what `function` makes of the tensors it reads, remembered like any other."""
        key = (*(v.version for v in read), *constants)
        (value,) = self.recall(name, key, lambda: (function(*(v.tensor for v in read)),), step=step)
        return value

    def fresh(self, tensor: Tensor) -> Versioned:
        """Return a tensor that nothing was read for, with a version of its own; not kept here."""
        return Versioned(next(self._versions), tensor)

    def newest(self, name: str, step: Hashable = 0) -> tuple[Versioned, ...]:
        """Return the outputs of `name` that were asked for last. Raises: KeyError where none is
        kept."""
        return self._kept[name, step][-1].values

    @property
    def state(self) -> tuple[int, int, int]:
        """How full it is: bytes, the most it may hold, and outputs forgotten for lack of memory."""
        return self.bytes, self._byte_cap, self.evicted

    def forget(self) -> None:
        """Forget everything, as after a change of model or size."""
        self._kept.clear()
        self.bytes = 0

    def _use(self, kept: list[_Kept], found: _Kept) -> None:
        """Note that a frame asked for what is remembered."""
        self._stamp += 1
        found.asked = self._stamp
        if kept[-1] is not found:
            kept.remove(found)
            kept.append(found)
        self.ran.remembered += 1

    def _keep(self, slot: Hashable, key: Hashable, values: tuple[Versioned, ...]) -> None:
        self._stamp += 1
        kept = self._kept.setdefault(slot, [])
        if len(kept) >= self._entries:
            self.bytes -= kept.pop(0).bytes
        made = _Kept(key, values, self._stamp)
        kept.append(made)
        self.bytes += made.bytes
        while self.bytes > self._byte_cap and (oldest := self._oldest()) < made.asked:
            self.evicted += self._forget_before(oldest + 1)

    def _oldest(self) -> int:
        return min(one.asked for kept in self._kept.values() for one in kept)

    def _forget_before(self, stamp: int) -> int:
        """Forget what was asked for last before a stamp; return how many outputs that were."""
        gone = [
            (slot, one) for slot, kept in self._kept.items() for one in kept if one.asked < stamp
        ]
        for slot, one in gone:
            self.bytes -= one.bytes
            self._kept[slot].remove(one)
            if not self._kept[slot]:
                del self._kept[slot]
        return len(gone)


def _at_once() -> None:
    """A processor has computed what it was asked for when it returns; a GPU need not have."""
