"""What a frame may take from earlier ones although it has changed: lossy, by choice, and shown in
the status.

`Memory` never shows anything but what recomputing would give. Here is the rest: a walk's noise held
for some frames, deep stages that read what they read some frames ago, and latents interpolated
between two that the network made. All of it depends on the frames' indices and scenes alone, never
on how long anything took, so live and offline agree. Owned by the render thread.

Work for later frames is done ahead, an even part of it in every frame (`AheadWork`): a frame rate
is held by frames that cost the same.
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

    `index` counts frames, `time` is the frame's, in s.
    A frame begins anew where its index is not the last one's + 1, or its `epoch` differs.
    `noise` is the version of a noise that is held for `hold` frames.
    `ridden` are strengths of LoRAs that routes move: what does not read them is kept apart.
    """

    index: int = 0
    time: float = 0.0
    epoch: Hashable = None
    reuse: Reuse = field(default_factory=Reuse)
    hold: int = 1
    noise: int = 0
    ridden: frozenset[str] = frozenset()

    @property
    def picture(self) -> int:
        """The number of the network's own picture that begins with this frame."""
        return self.index // self.reuse.tween


EXACT = ReuseContext()


def labels(scene: Scene) -> tuple[str, ...]:
    """Return what the scene reuses, as the status shows it.

    >>> labels(Scene(reuse=Reuse(deep=3)))
    ('deep refresh 1/3',)
    """
    every = {
        "held walk": scene.walk.hold,
        "deep refresh": scene.reuse.deep,
        "tween": scene.reuse.tween,
    }
    return tuple(f"{name} 1/{n}" for name, n in every.items() if n > 1)


def interpolated(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the latent at t (0..1) from a to b [B, C, H, W], every channel with the mean and the
    deviation in between: a plain mean of two that differ would be flat.

    y = (z − μ)·σ/std(z) + μ, z = (1 − t)·a + t·b, μ = mean(z), σ = (1 − t)·std(a) + t·std(b).
    """
    z = torch.lerp(a, b, t)
    sd_z, mean = torch.std_mean(z, (2, 3), correction=0, keepdim=True)
    sd_a, sd_b = (torch.std(x, (2, 3), correction=0, keepdim=True) for x in (a, b))
    return (z - mean) * (torch.lerp(sd_a, sd_b, t) / sd_z.clamp_min(1e-6)) + mean


@dataclass(eq=False)
class HeldNoise:
    """A walk's noise: a new one every k frames, and the same between."""

    _key: Hashable = None
    _value: Versioned | None = None

    def of(self, context: ReuseContext, make: Callable[[], Versioned]) -> Versioned:
        """Return the noise of this frame."""
        if context.hold == 1:
            self._value = None
            return make()
        key = (context.epoch, context.hold, context.index // context.hold)
        if self._value is None or key != self._key:
            self._key, self._value = key, make()
        return self._value


class Crossing:
    """A tensor without a jump where its source changes: the jump is subtracted, and fades.

    y = x + (1 − t)·δ, δ = what was shown − x when the source changed, with the deviation between.
    So a bend after the source acts in full all the time.
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

    def advance(self, x: Versioned, source: Hashable, index: int, every: int) -> Versioned:
        """Return what to show for x of that `source`; a crossing lasts `every` frames, from a frame
        whose index is a multiple of `every`."""
        block, phase = divmod(index, every)
        if self._shown is not None and source != self._source:
            self._offset = self._made(0, torch.sub, self._shown, x)
        elif block != self._block:
            self._offset = None
        self._source, self._block, self._shown = source, block, x
        t = (phase + 1) / every
        if self._offset is not None and t < 1.0:
            self._shown = self._made(1, partial(_settled, t=t), self._offset, x, t)
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


def _settled(offset: Tensor, x: Tensor, t: float) -> Tensor:
    return interpolated(x + offset, x, t)


Entry = Mapping[str, Versioned]
Run = Callable[[FrameBends, Iterable[Stage], dict[str, Versioned], int], Work[None]]
Bends = Mapping[str, object]


@dataclass(slots=True)
class _Anchor:
    """What the deep stages read now, and what they read from the next block of pictures on, whose
    work is done `ahead`; `bends` are those of the last picture, by site."""

    now: Entry
    next: Entry
    ahead: AheadWork[Any] | None
    block: int
    bends: Bends


class DeepRefresh:
    """The deep stages' inputs, held for n pictures.

    Only what they read stands still, so a bend among them acts at once. What they make of the next
    inputs is computed ahead, a part in each picture, and crossed to in the next block; but for the
    stages after a bend that moves, since those run in every picture.
    Source: Ma et al. 2024 (DeepCache), section 3.2, across frames and not across steps.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._plan: Hashable = None
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next picture's inputs are read at once."""
        self._anchors: dict[int, _Anchor] = {}
        self._crossings: dict[int, Crossing] = {}

    def sample_by(self, plan: Hashable) -> None:
        """Begin anew where the sampling, or the level, differs from the last picture's."""
        if plan != self._plan:
            self._plan = plan
            self.forget()

    def enter(
        self,
        k: int,
        context: ReuseContext,
        entry: Entry,
        bends: Bends,
        begin: Callable[[Entry, frozenset[str]], AheadWork[Any]],
    ) -> Entry:
        """Return what the deep stages of network call k read in this picture.

        `entry` are the picture's own inputs, `bends` its bends, by site.
        `begin(inputs, moving)` starts the work on inputs; `moving` are the sites of moving bends.
        """
        block = context.picture // context.reuse.deep
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

    def leave(self, k: int, context: ReuseContext, x: Versioned) -> Versioned:
        """Return what the shallow stages read, of the x that the deep ones made of their inputs."""
        if k not in self._crossings:
            self._crossings[k] = Crossing(self._memory, "reuse.deep", k)
        source = tuple(value.version for value in self._anchors[k].now.values())
        return self._crossings[k].advance(x, source, context.picture, context.reuse.deep)

    def work(self, k: int, context: ReuseContext) -> None:
        """Do this picture's part of the work ahead: after its own, so that a memory of two outputs
        forgets the picture's own last."""
        ahead = self._anchors[k].ahead
        if ahead is not None:
            ahead.until((context.picture % context.reuse.deep + 1) / context.reuse.deep)


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
    """The network's own pictures: one begun every n frames, computed in the n frames that follow,
    and reached in another n."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next frame shows its own picture."""
        self._old: AheadWork[T] | None = None
        self._new: AheadWork[T] | None = None
        self._next: AheadWork[T] | None = None
        self._block = 0

    def advance(
        self, context: ReuseContext, begin: Callable[[], AheadWork[T]]
    ) -> tuple[T, T, float]:
        """Return two pictures and t (0..1) from the first to the second; `begin` starts the one
        that this frame shows the beginning of."""
        every = context.reuse.tween
        block, phase = divmod(context.index, every)
        if self._old is None or self._new is None or self._next is None:
            self._old = self._new = self._next = begin()
            self._block = block
        elif block != self._block:
            self._next.until(1.0)
            self._old, self._new, self._next = self._new, self._next, begin()
            self._block = block
        t = (phase + 1) / every
        self._next.until(t)
        return self._old.result(), self._new.result(), t


class NetworkReuse:
    """What a network keeps of its earlier frames although it has changed."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._context = EXACT
        self._crossing, self.deep = Crossing(memory, "reuse.hold"), DeepRefresh(memory)
        self._tween: Tween[tuple[Versioned, FrameBends]] = Tween()
        self._feedback, self._time = FeedbackState(), 0.0  # of the network's own pictures

    def forget(self) -> None:
        """Begin anew."""
        self._feedback.forget()
        self._crossing.forget()
        self.deep.forget()
        self._tween.forget()

    def follow(self, context: ReuseContext) -> None:
        """Forget what this frame cannot or may not reuse."""
        follows = context.index == self._context.index + 1 and context.epoch == self._context.epoch
        if not follows or context.hold == 1:
            self._crossing.forget()
        if not follows or context.reuse.deep == 1:
            self.deep.forget()
        if not follows or context.reuse.tween == 1:
            self._tween.forget()
            self._feedback.forget()
        self._context = context

    def held(self, x: Versioned, context: ReuseContext) -> Versioned:
        """The finished latent of a held noise, crossing from that of the noise before."""
        if context.hold == 1:
            return x
        return self._crossing.advance(x, context.noise, context.index, context.hold)

    def tweened(
        self,
        context: ReuseContext,
        active: FrameBends,
        finished: Callable[[FrameBends], Work[Versioned]],
        whole: float,
    ) -> Versioned:
        """The finished latent between two of the network's own pictures, each `whole` of work."""

        def begin() -> AheadWork[tuple[Versioned, FrameBends]]:
            self._feedback.advance(context.time - self._time)
            self._feedback.toward, self._time = active.feedback.toward, context.time
            own = active.elsewhere(self._feedback)
            return AheadWork(_with(finished(own), own), whole)

        (a, old), (b, new), t = self._tween.advance(context, begin)
        active.join(old, new)
        if t == 1.0 or a.version == b.version:
            return b
        return self._memory.derive("reuse.tween", (a, b), (t,), lambda a, b: interpolated(a, b, t))

    def deeply(
        self,
        context: ReuseContext,
        active: FrameBends,
        stages: Sequence[Stage],
        known: dict[str, Versioned],
        k: int,
        run: Run,
    ) -> Work[None]:
        """Run the unet's stages, the deep ones on what they read some pictures ago; `run` is the
        network's."""
        head, deep, tail = deep_part(stages, context.reuse.level)
        yield from run(active, head, known, k)

        def begin(entry: Entry, moving: frozenset[str]) -> AheadWork[None]:
            still = steady(deep, moving)
            work = run(active.elsewhere(FeedbackState()), still, dict(entry), k)
            return AheadWork(work, sum(stage.work for stage in still))

        entry = {name: known[name] for name in read_by(deep)}
        inner = dict(self.deep.enter(k, context, entry, active.at, begin))
        yield from run(active, deep, inner, k)
        self.deep.work(k, context)
        known.update({name: inner[name] for stage in deep for name in stage.writes})
        output = deep[-1].writes[0]
        known[output] = self.deep.leave(k, context, inner[output])
        yield from run(active, tail, known, k)


def _with(work: Work[T], active: FrameBends) -> Work[tuple[T, FrameBends]]:
    """The same work, returning the bends that acted in it as well."""
    value = yield from work
    return value, active
