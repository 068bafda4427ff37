"""Remembered outputs: a frame costs only what changed.

Every tensor that travels through the network is a `Value` with a version. `Memory.recall` runs a
computation only if the versions and constants it reads differ from those of its last two runs, so
what is shown is bit for bit what recomputing would give; computations must never write in place.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from torch import Tensor

from livebend.clock import now
from livebend.status import Remembered

Compute = Callable[[], tuple[Tensor, ...]]
Settle = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor and the version of its content: equal versions mean equal bits."""

    version: int
    tensor: Tensor


@dataclass(slots=True)
class Ran:
    """What one frame ran: seconds by computation, and how many answers were remembered."""

    seconds: dict[str, float] = field(default_factory=dict)
    remembered: int = 0


@dataclass(slots=True)
class _Kept:
    """What one run made, its bytes, and the last frame that asked for it."""

    values: tuple[Value, ...]
    bytes: int
    asked: int


Place = tuple[Hashable, Hashable]  # the slot of a computation, and what it read


class Memory:
    """The last outputs of every computation, owned by one thread.

    `entries` outputs are kept for each name, so that solo, A/B and undo are free. What no frame has
    asked for in the last `frames` is forgotten: hands that try one site after another would fill
    the memory with what bends once made there. When all tensors together exceed `byte_cap`, the
    least recently used are forgotten first.
    """

    def __init__(self, entries: int = 2, byte_cap: int = 2 << 30, frames: int = 600) -> None:
        self._entries = entries
        self._byte_cap = byte_cap
        self._frames = frames
        self._frame = 0
        self._versions = count(1)
        self._kept: OrderedDict[Place, _Kept] = OrderedDict()
        self._keys: dict[Hashable, list[Hashable]] = {}  # of each slot, the last asked for last
        self._settle: Settle = _at_once
        self.bytes = 0
        self.evicted = 0  # outputs forgotten for want of room
        self.ran = Ran()

    @contextmanager
    def settling(self, settle: Settle) -> Iterator[None]:
        """Have every computation inside end with a call of `settle`, which waits for the device:
        for those who look at how long one takes."""
        before, self._settle = self._settle, settle
        try:
            yield
        finally:
            self._settle = before

    def begin_frame(self) -> Ran:
        """Start a new account of what runs; return the last frame's."""
        last, self.ran = self.ran, Ran()
        self._frame += 1
        while self._kept:
            oldest, kept = next(iter(self._kept.items()))
            if self._frame - kept.asked <= self._frames:
                break
            self._drop(*oldest)
        return last

    def recall(
        self, name: str, key: Hashable, compute: Compute, *, step: Hashable = 0
    ) -> tuple[Value, ...]:
        """Return the outputs of `compute` for `key`, running it only if they are not remembered.

        `key` holds the versions of all that is read and every constant. `name` and `step` (any
        key, such as the network call) say whose outputs they are; time is accounted to `name`.
        """
        slot = (name, step)
        if (found := self._kept.get((slot, key))) is not None:
            self._use(slot, key, found)
            return found.values
        begin = now()
        values = tuple(Value(next(self._versions), tensor) for tensor in compute())
        self._settle()
        self.ran.seconds[name] = self.ran.seconds.get(name, 0.0) + now() - begin
        self._keep(slot, key, values)
        return values

    def derive(
        self,
        name: str,
        read: Sequence[Value],
        constants: tuple[Hashable, ...],
        function: Callable[..., Tensor],
        step: Hashable = 0,
    ) -> Value:
        """Return what `function` makes of the tensors it reads, remembered like any other."""
        key = (*(v.version for v in read), *constants)
        (value,) = self.recall(name, key, lambda: (function(*(v.tensor for v in read)),), step=step)
        return value

    def newest(self, name: str, step: Hashable = 0) -> tuple[Value, ...]:
        """Return the outputs of `name` that were asked for last. Raises: KeyError where none is
        kept."""
        slot = (name, step)
        return self._kept[slot, self._keys[slot][-1]].values

    @property
    def state(self) -> Remembered:
        """How full it is."""
        return Remembered(self.bytes / 1e6, self._byte_cap / 1e6, self.evicted)

    def forget(self) -> None:
        """Forget everything, as after a change of model or size."""
        self._kept.clear()
        self._keys.clear()
        self.bytes = 0

    def _use(self, slot: Hashable, key: Hashable, found: _Kept) -> None:
        """Note that a frame asked for what is remembered."""
        self._kept.move_to_end((slot, key))
        found.asked = self._frame
        keys = self._keys[slot]
        if keys[-1] != key:
            keys.remove(key)
            keys.append(key)
        self.ran.remembered += 1

    def _keep(self, slot: Hashable, key: Hashable, values: tuple[Value, ...]) -> None:
        if len(self._keys.get(slot, ())) >= self._entries:
            self._drop(slot, self._keys[slot][0])
        self._keys.setdefault(slot, []).append(key)
        made = _Kept(values, _size(values), self._frame)
        self._kept[slot, key] = made
        self.bytes += made.bytes
        while self.bytes > self._byte_cap and len(self._kept) > 1:
            self._drop(*next(iter(self._kept)))
            self.evicted += 1

    def _drop(self, slot: Hashable, key: Hashable) -> None:
        self.bytes -= self._kept.pop((slot, key)).bytes
        keys = self._keys[slot]
        keys.remove(key)
        if not keys:
            del self._keys[slot]


def _at_once() -> None:
    """A processor has computed what it was asked for when it returns; a GPU need not have."""


def _size(values: tuple[Value, ...]) -> int:
    return sum(v.tensor.nbytes for v in values)
