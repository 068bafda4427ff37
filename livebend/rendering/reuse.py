"""What a frame may take from earlier ones although it has changed: lossy, by choice, said aloud.

`Memory` never shows anything but what recomputing would give. Here is the rest: a walk's noise held
for some frames, deep stages fed with what they read a while ago, and finished latents between two
that the network made. All of it is a function of the frames' indices and of what they asked for,
never of how long anything took, so live and offline agree. Owned by the render thread.

Work for later is done ahead, an even part of it in every frame (`AheadWork`): a frame rate is held
by frames that cost the same, not by one that costs everything between some that cost little.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from livebend.bending.feedback_state import FeedbackState
from livebend.bending.frame_bends import FrameBends
from livebend.core.sites import deep_span
from livebend.device.memory import Memory, Versioned
from livebend.models.stages import Stage
from livebend.rendering.ahead import AheadWork, Work
from livebend.scene.values import Reuse, Scene

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReuseContext:
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


EXACT = ReuseContext()


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


class HeldNoise:
    """A walk's noise: a new one every k frames, and the same between."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._value: Versioned | None = None

    def step(self, turn: ReuseContext, make: Callable[[], Versioned]) -> Versioned:
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
Run = Callable[[FrameBends, Iterable[Stage], dict[str, Versioned], int], Work[None]]
Bends = Mapping[str, object]


@dataclass(slots=True)
class _Anchor:
    """What the deep stages read: now, and from the next block of frames on, made ready ahead;
    `bends` are those of the last picture, by site."""

    now: Entry
    next: Entry
    ahead: AheadWork[Any] | None
    block: int
    bends: Bends


class DeepRefresh:
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
        turn: ReuseContext,
        entry: Entry,
        bends: Bends,
        begin: Callable[[Entry, frozenset[str]], AheadWork[Any]],
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

    def leave(self, k: int, turn: ReuseContext, x: Versioned) -> Versioned:
        """Return what the shallow stages read, of the x that the deep ones made of their inputs."""
        if k not in self._crossings:
            self._crossings[k] = Crossing(self._memory, "reuse.deep", k)
        source = tuple(value.version for value in self._anchors[k].now.values())
        return self._crossings[k].step(x, source, turn.picture, turn.reuse.deep)

    def work(self, k: int, turn: ReuseContext) -> None:
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
        self._old: AheadWork[T] | None = None
        self._new: AheadWork[T] | None = None
        self._next: AheadWork[T] | None = None
        self._block = 0

    def step(self, turn: ReuseContext, begin: Callable[[], AheadWork[T]]) -> tuple[T, T, float]:
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


class NetworkReuse:
    """What a network keeps of its earlier frames although it has changed."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._turn = EXACT
        self._crossing, self.deep = Crossing(memory, "reuse.hold"), DeepRefresh(memory)
        self._tween: Tween[tuple[Versioned, FrameBends]] = Tween()
        self._pasts, self._time = FeedbackState(), 0.0  # of the pictures that are tweened between

    def forget(self) -> None:
        """Begin anew."""
        self._pasts.forget()
        self._crossing.forget()
        self.deep.forget()
        self._tween.forget()

    def follow(self, turn: ReuseContext) -> None:
        """Go on where this frame follows the last one, and only with what is still asked for."""
        follows = turn.index == self._turn.index + 1 and turn.epoch == self._turn.epoch
        if not follows or turn.hold == 1:
            self._crossing.forget()
        if not follows or turn.reuse.deep == 1:
            self.deep.forget()
        if not follows or turn.reuse.tween == 1:
            self._tween.forget()
            self._pasts.forget()
        self._turn = turn

    def held(self, x: Versioned, turn: ReuseContext) -> Versioned:
        """The finished latent of a noise that is held, on its way from that of the one before."""
        return self._crossing.step(x, turn.noise, turn.index, turn.hold) if turn.hold > 1 else x

    def tweened(
        self,
        turn: ReuseContext,
        acting: FrameBends,
        finished: Callable[[FrameBends], Work[Versioned]],
        whole: float,
    ) -> Versioned:
        """The finished latent between two of the network's own pictures, each `whole` of work."""

        def begin() -> AheadWork[tuple[Versioned, FrameBends]]:
            self._pasts.advance(turn.time - self._time)
            self._pasts.toward, self._time = acting.pasts.toward, turn.time
            own = acting.apart(self._pasts)
            return AheadWork(_with(finished(own), own), whole)

        (a, old), (b, new), share = self._tween.step(turn, begin)
        acting.join(old, new)
        if share == 1.0 or a.version == b.version:
            return b
        return self._memory.derive(
            "reuse.tween", (a, b), (share,), lambda a, b: between(a, b, share)
        )

    def deeply(
        self,
        turn: ReuseContext,
        acting: FrameBends,
        stages: Sequence[Stage],
        known: dict[str, Versioned],
        k: int,
        run: Run,
    ) -> Work[None]:
        """Run the unet's stages, the deep ones on what they read some pictures ago."""
        head, deep, tail = deep_part(stages, turn.reuse.level)
        yield from run(acting, head, known, k)

        def begin(entry: Entry, moving: frozenset[str]) -> AheadWork[None]:
            still = steady(deep, moving)
            work = run(acting.apart(FeedbackState()), still, dict(entry), k)
            return AheadWork(work, sum(stage.work for stage in still))

        entry = {name: known[name] for name in read_by(deep)}
        inner = dict(self.deep.enter(k, turn, entry, acting.at, begin))
        yield from run(acting, deep, inner, k)
        self.deep.work(k, turn)
        known.update({name: inner[name] for stage in deep for name in stage.writes})
        way = deep[-1].writes[0]
        known[way] = self.deep.leave(k, turn, inner[way])
        yield from run(acting, tail, known, k)


def _with(work: Work[T], acting: FrameBends) -> Work[tuple[T, FrameBends]]:
    """The same work, that returns the bends which acted in it, too."""
    value = yield from work
    return value, acting
