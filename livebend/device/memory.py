"""Remembered outputs: a frame costs only what changed.

Every tensor that travels through the network is `Versioned`. `Memory.recall` runs a computation
only if the versions and constants it reads differ from those of its last runs, so the result is bit
for bit what recomputing would give. Computations must never write in place.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from torch import Tensor

from livebend.core.clock import now

Compute = Callable[..., tuple[Tensor, ...]]
Settle = Callable[[], None]

ENTRIES = 2  # outputs kept of each computation: solo, A/B and undo cost nothing
# A stamp is a frame's number times FRAME plus how many reads came before in that frame. Stamps
# rise with every read, so one comparison shows which of two outputs was read last, or
# whether one was read since a frame began.
FRAME = 1 << 20  # more reads than a frame has

_layouts: dict[Hashable, int] = {}
_numbers = count()


class Versioned:
    """A tensor and the version of its content: equal versions, equal bits. Do not change it.

    layout: a number for the tensor's shape, strides, type and device, equal for equal ones. Every
        stage that reads the tensor looks up its runner by it.
    """

    __slots__ = ("layout", "tensor", "version")
    layout: int

    def __init__(self, version: int, tensor: Tensor) -> None:
        self.version, self.tensor = version, tensor

    def __getattr__(self, name: str) -> int:
        """Work out the layout where it is first asked for; then it is an attribute."""
        if name != "layout":
            raise AttributeError(name)
        x = self.tensor
        layout = (x.shape, x.stride(), x.dtype, x.device)
        self.layout = _layouts.setdefault(layout, next(_numbers))
        return self.layout


@dataclass(slots=True)
class FrameRuns:
    """What one frame ran."""

    seconds: dict[str, float] = field(default_factory=dict)  # by computation
    remembered: int = 0  # computations that need not run


class _Entry:
    """The outputs of one run, the key of what it read, and the stamp of its last read."""

    __slots__ = ("bytes", "key", "stamp", "values")

    def __init__(self, key: Hashable, values: tuple[Versioned, ...], stamp: int, size: int) -> None:
        self.key, self.values, self.stamp, self.bytes = key, values, stamp, size


class Memory:
    """The last outputs of every computation, owned by one thread.

    byte_cap: bytes of all tensors together; beyond it the least recently read are forgotten; may be
        changed at any time.
    frames: outputs that so many frames have not read are forgotten, or a performer who tries one
        site after another would fill the memory.
    """

    def __init__(self, byte_cap: int = 2 << 30, frames: int = 600) -> None:
        self.byte_cap = byte_cap
        self._frames = frames
        self._frame = self._stamp = 0
        self._versions = count(1)
        self._kept: dict[Hashable, list[_Entry]] = {}  # of each slot, the last read comes last
        self._settle: Settle | None = None  # a processor's calls return when they have computed
        self.bytes = 0
        self.evicted = 0  # outputs forgotten for lack of memory
        self.ran = FrameRuns()

    @contextmanager
    def settling(self, settle: Settle) -> Iterator[None]:
        """Have every computation inside end with a call of `settle`, which waits for the device, so
        that its time can be measured."""
        before, self._settle = self._settle, settle
        try:
            yield
        finally:
            self._settle = before

    def begin_frame(self) -> None:
        """Count anew what runs, and forget what no recent frame has read."""
        self.ran = FrameRuns()
        self._frame += 1
        self._stamp = self._frame * FRAME
        if self._frame % (self._frames // 16 + 1) == 0:
            self._forget_before((self._frame - self._frames) * FRAME)

    def recall(
        self,
        name: str,
        key: Hashable,
        compute: Compute,
        *,
        step: Hashable = 0,
        read: Sequence[Versioned] = (),
    ) -> tuple[Versioned, ...]:
        """Return the outputs of `compute` for `key`, running it only if they are not remembered.

        name: of the computation; its time is counted under it.
        key: the versions of all tensors it reads, and every constant.
        step: tells apart uses of one name that are remembered separately, such as network calls.
        read: what `compute` is called with, as tensors.
        """
        slot = (name, step)
        for found in self._kept.get(slot, ()):
            if found.key == key:
                self._use(slot, found)
                return found.values
        begin, versions = now(), self._versions
        values = tuple(
            [Versioned(next(versions), x) for x in compute(*[value.tensor for value in read])]
        )
        if self._settle is not None:
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
        """Return `function` of the tensors it reads and nothing else, remembered as by `recall`."""
        key = (*[value.version for value in read], *constants)
        return self.recall(name, key, lambda *x: (function(*x),), step=step, read=read)[0]

    def fresh(self, tensor: Tensor) -> Versioned:
        """Return a tensor with a new version; it is not kept here."""
        return Versioned(next(self._versions), tensor)

    def newest(self, name: str, step: Hashable = 0) -> tuple[Versioned, ...]:
        """Return the outputs of `name` read last. Raises: KeyError where there are none."""
        return self._kept[name, step][-1].values

    @property
    def state(self) -> tuple[int, int, int]:
        """Bytes held, the most that may be, and outputs forgotten for lack of memory."""
        return self.bytes, self.byte_cap, self.evicted

    def forget(self) -> None:
        """Forget everything, as after a change of model or size."""
        self._kept.clear()
        self.bytes = 0

    def _use(self, slot: Hashable, found: _Entry) -> None:
        """Note that a frame has read an entry."""
        self._stamp = found.stamp = self._stamp + 1
        kept = self._kept[slot]
        if kept[-1] is not found:
            kept.remove(found)
            kept.append(found)
        self.ran.remembered += 1

    def _keep(self, slot: Hashable, key: Hashable, values: tuple[Versioned, ...]) -> None:
        self._stamp = stamp = self._stamp + 1
        size = 0
        for value in values:
            size += value.tensor.nbytes
        kept = self._kept.get(slot)
        if kept is None:
            kept = self._kept[slot] = []
        elif len(kept) >= ENTRIES:
            self.bytes -= kept.pop(0).bytes
        kept.append(_Entry(key, values, stamp, size))
        self.bytes += size
        while self.bytes > self.byte_cap and (oldest := self._oldest()) < stamp:
            self.evicted += self._forget_before(oldest + 1)

    def _oldest(self) -> int:
        return min(entry.stamp for kept in self._kept.values() for entry in kept)

    def _forget_before(self, stamp: int) -> int:
        """Forget the entries last read before a stamp; return how many."""
        every = ((slot, entry) for slot, kept in self._kept.items() for entry in kept)
        gone = [(slot, entry) for slot, entry in every if entry.stamp < stamp]
        for slot, entry in gone:
            self.bytes -= entry.bytes
            self._kept[slot].remove(entry)
            if not self._kept[slot]:
                del self._kept[slot]
        return len(gone)
