"""What a frame may take from earlier ones although it has changed: lossy, by choice, said aloud.

`Memory` never shows anything but what recomputing would give. Here is the rest: a walk's noise held
for some frames, deep stages fed with what they read a while ago, and finished latents between two
that the network made. All of it is a function of the frames' indices and of what they asked for,
never of how long anything took, so live and offline agree. Owned by the render thread.

Work for later is done ahead, an even share of it in every frame (`Ahead`): a frame rate is held by
frames that cost the same, not by one that costs everything between some that cost little.
"""

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from livebend.core.sites import deep_span
from livebend.device.memory import Memory, Versioned
from livebend.models.stages import Stage
from livebend.scene.values import Reuse, Scene

T = TypeVar("T")
Work = Generator[float, None, T]  # yields what it has done, in the unit of `Stage.work`


@dataclass(frozen=True, slots=True)
class Turn:
    """Which frame it is, and what it may reuse.

    `index` counts frames and `time` is theirs, in s; a frame whose index is not the last one's + 1,
    or whose `epoch` is another, begins anew. `noise` is the version of a noise that is held for
    `hold` frames.
    """

    index: int = 0
    time: float = 0.0
    epoch: Hashable = None
    reuse: Reuse = field(default_factory=Reuse)
    hold: int = 1
    noise: int = 0

    @property
    def picture(self) -> int:
        """The number of the network's own picture that begins with this frame."""
        return self.index // self.reuse.tween


EXACT = Turn()


def labels(scene: Scene) -> tuple[str, ...]:
    """Return what the scene reuses, in the words of the status.

    >>> labels(Scene(reuse=Reuse(deep=3)))
    ('deep refresh 1/3',)
    """
    shares = {
        "held walk": scene.walk.hold,
        "deep refresh": scene.reuse.deep,
        "tween": scene.reuse.tween,
    }
    return tuple(f"{name} 1/{every}" for name, every in shares.items() if every > 1)


def between(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return the latent `share` (0..1) of the way from a to b [B, C, H, W], every channel with the
    mean and the deviation that lie between: a plain mean of two that differ would be flat.

    y = (z − μ)·σ/std(z) + μ, z = (1 − t)·a + t·b, μ = mean(z), σ = (1 − t)·std(a) + t·std(b).
    """
    z = torch.lerp(a, b, share)
    sd_z, mean = torch.std_mean(z, (2, 3), correction=0, keepdim=True)
    sd_a, sd_b = (torch.std(x, (2, 3), correction=0, keepdim=True) for x in (a, b))
    return (z - mean) * (torch.lerp(sd_a, sd_b, share) / sd_z.clamp_min(1e-6)) + mean


def done(work: Work[T]) -> T:
    """Do all of a work; return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class Ahead(Generic[T]):
    """Work that is done a share at a time; `result` when all of it is done."""

    def __init__(self, work: Work[T], whole: float) -> None:
        """`whole` is about the sum of what the work yields."""
        self._work, self._whole, self._done = work, whole, 0.0
        self._ended = False
        self._result: T | None = None

    def until(self, share: float) -> None:
        """Go on until this share (0..1) of the work is done; 1 is all of it, whatever its sum."""
        while not self._ended and (share >= 1.0 or self._done < share * self._whole):
            try:
                self._done += next(self._work)
            except StopIteration as end:
                self._ended, self._result = True, end.value

    def result(self) -> T:
        """Do what is left and return what the work returns."""
        self.until(1.0)
        return self._result  # type: ignore[return-value]


class Held:
    """A walk's noise: a new one every k frames, and the same between."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._value: Versioned | None = None

    def step(self, turn: Turn, make: Callable[[], Versioned]) -> Versioned:
        """Return the noise of this frame."""
        key = (turn.epoch, turn.hold, turn.index // turn.hold)
        if self._value is None or key != self._key or turn.hold == 1:
            self._key, self._value = key, make()
        return self._value


class Crossing:
    """A tensor's way from what was shown to what it is once it comes of another source: what the
    new source did is taken back at once, and fades. Bends between the two act in full all the time.

    y = x + (1 − t)·δ, δ = what was shown − x when the source changed, with the deviation between.
    Source: Bollo 2018, "Inertialization", for the offset that decays.
    """

    def __init__(self, memory: Memory, name: str, step: int = 0) -> None:
        """`name` and `step` say whose tensor it is."""
        self._memory, self._name, self._step = memory, name, step
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next source is there at once."""
        self._shown: Versioned | None = None
        self._offset: Versioned | None = None
        self._source: Hashable = None
        self._block = 0

    def step(self, x: Versioned, source: Hashable, index: int, every: int) -> Versioned:
        """Return what to show for x, which comes of `source`; the way takes from a frame whose
        index is a multiple of `every` to the next."""
        block, phase = divmod(index, every)
        if self._shown is not None and source != self._source:
            self._offset = self._made(0, torch.sub, self._shown, x)
        elif block != self._block:
            self._offset = None
        self._source, self._block, self._shown = source, block, x
        share = (phase + 1) / every
        if self._offset is not None and share < 1.0:
            self._shown = self._made(1, partial(_settled, share=share), self._offset, x, share)
        return self._shown

    def _made(
        self,
        n: int,
        function: Callable[[Tensor, Tensor], Tensor],
        a: Versioned,
        b: Versioned,
        *more: float,
    ) -> Versioned:
        key = (a.version, b.version, *more)
        return self._memory.recall(
            self._name, key, lambda: (function(a.tensor, b.tensor),), step=(self._step, n)
        )[0]


def _settled(offset: Tensor, x: Tensor, share: float) -> Tensor:
    return between(x + offset, x, share)


Entry = Mapping[str, Versioned]
Bends = Mapping[str, object]


@dataclass(slots=True)
class _Anchor:
    """What the deep stages read: now, and from the next block of frames on, made ready ahead;
    `bends` are those of the last picture, by site."""

    now: Entry
    next: Entry
    ahead: Ahead[Any] | None
    block: int
    bends: Bends


class Deep:
    """The deep stages' inputs, held for n pictures.

    Only what they read stands still, so a bend among them moves at once. What they make of the next
    inputs is worked out ahead, a share in each picture, and crossed to in the next block; not what
    lies behind a bend that moves, since that runs in every picture.
    Source: Ma et al. 2024 (DeepCache), section 3.2, across frames and not across steps.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._asked: Hashable = None
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next picture's inputs are read at once."""
        self._anchors: dict[int, _Anchor] = {}
        self._crossings: dict[int, Crossing] = {}

    def expect(self, asked: Hashable) -> None:
        """Begin anew where the way of sampling is another than before."""
        if asked != self._asked:
            self._asked = asked
            self.forget()

    def enter(
        self,
        k: int,
        turn: Turn,
        entry: Entry,
        bends: Bends,
        begin: Callable[[Entry, frozenset[str]], Ahead[Any]],
    ) -> Entry:
        """Return what the deep stages of network call k read in this picture, whose own inputs are
        `entry` and whose bends are `bends`; `begin` starts the work on inputs, and is told the
        sites whose bends are moving."""
        block = turn.picture // turn.reuse.deep
        anchor = self._anchors.get(k)
        if anchor is None or anchor.now.keys() != entry.keys():
            anchor = self._anchors[k] = _Anchor(entry, entry, None, block, bends)
        elif block != anchor.block:
            if anchor.ahead is not None:
                anchor.ahead.until(1.0)
            sites = {*bends, *anchor.bends}
            moving = frozenset(s for s in sites if bends.get(s) != anchor.bends.get(s))
            ahead = begin(entry, moving)
            anchor = self._anchors[k] = _Anchor(anchor.next, entry, ahead, block, bends)
        anchor.bends = bends
        return anchor.now

    def leave(self, k: int, turn: Turn, x: Versioned) -> Versioned:
        """Return what the shallow stages read, of the x that the deep ones made of their inputs."""
        if k not in self._crossings:
            self._crossings[k] = Crossing(self._memory, "reuse.deep", k)
        source = tuple(value.version for value in self._anchors[k].now.values())
        return self._crossings[k].step(x, source, turn.picture, turn.reuse.deep)

    def work(self, k: int, turn: Turn) -> None:
        """Do this picture's share of the work ahead: after the picture's own, whose outputs are
        then the last that a memory of two forgets."""
        ahead = self._anchors[k].ahead
        if ahead is not None:
            ahead.until((turn.picture % turn.reuse.deep + 1) / turn.reuse.deep)


def deep_part(
    stages: Sequence[Stage], level: int
) -> tuple[Sequence[Stage], Sequence[Stage], Sequence[Stage]]:
    """Split a unet's stages into those before, in and behind its deep part."""
    begin, end = deep_span([stage.name for stage in stages], level)
    return stages[:begin], stages[begin:end], stages[end:]


def steady(stages: Sequence[Stage], moving: frozenset[str]) -> Sequence[Stage]:
    """Return the stages before the first that reads one of the sites that are moving."""
    cuts = (n for n, stage in enumerate(stages) if moving.intersection(stage.reads))
    return stages[: next(cuts, len(stages))]


def read_by(stages: Sequence[Stage]) -> tuple[str, ...]:
    """Return the names of what stages read, or take a size from, that none of them writes and that
    is not a stage's own; of the text, `unet.text`."""
    made = {name for stage in stages for name in (*stage.writes, *stage.texts, *stage.attentions)}
    asked = [(*stage.reads, stage.sized_by) for stage in stages]
    read = {name: None for names in asked for name in names if name and name not in made}
    return (*read, "unet.text")


class Tween(Generic[T]):
    """The network's own pictures: one begun every n frames, worked out in the n frames that follow,
    and reached in another n."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next frame shows its own picture."""
        self._old: Ahead[T] | None = None
        self._new: Ahead[T] | None = None
        self._next: Ahead[T] | None = None
        self._block = 0

    def step(self, turn: Turn, begin: Callable[[], Ahead[T]]) -> tuple[T, T, float]:
        """Return two pictures and the share (0..1) of the second; `begin` starts one as this frame
        asks for it."""
        every = turn.reuse.tween
        block, phase = divmod(turn.index, every)
        if self._old is None or self._new is None or self._next is None:
            self._old = self._new = self._next = begin()
            self._block = block
        elif block != self._block:
            self._next.until(1.0)
            self._old, self._new, self._next = self._new, self._next, begin()
            self._block = block
        share = (phase + 1) / every
        self._next.until(share)
        return self._old.result(), self._new.result(), share
