"""Reuse by choice, in a network: which of its work is held, spread over frames, or crossed to.

`reuse` has the parts, each of them a function of the frames' indices alone; here they meet the
stages of a network and the bends of a frame. Owned by the render thread.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from livebend.bending.feedback_state import FeedbackState
from livebend.bending.frame_bends import FrameBends
from livebend.device.memory import Memory, Versioned
from livebend.models.stages import Stage
from livebend.reuse import (
    EXACT,
    Ahead,
    Crossing,
    Deep,
    Entry,
    Turn,
    Tween,
    Work,
    between,
    deep_part,
    read_by,
    steady,
)

T = TypeVar("T")
Run = Callable[[FrameBends, Iterable[Stage], dict[str, Versioned], int], Work[None]]


class Reusing:
    """What a network keeps of its earlier frames although it has changed."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._turn = EXACT
        self._crossing, self.deep = Crossing(memory, "reuse.hold"), Deep(memory)
        self._tween: Tween[tuple[Versioned, FrameBends]] = Tween()
        self._pasts, self._time = FeedbackState(), 0.0  # of the pictures that are tweened between

    def forget(self) -> None:
        """Begin anew."""
        self._pasts.forget()
        self._crossing.forget()
        self.deep.forget()
        self._tween.forget()

    def follow(self, turn: Turn) -> None:
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

    def held(self, x: Versioned, turn: Turn) -> Versioned:
        """The finished latent of a noise that is held, on its way from that of the one before."""
        return self._crossing.step(x, turn.noise, turn.index, turn.hold) if turn.hold > 1 else x

    def tweened(
        self,
        turn: Turn,
        acting: FrameBends,
        finished: Callable[[FrameBends], Work[Versioned]],
        whole: float,
    ) -> Versioned:
        """The finished latent between two of the network's own pictures, each `whole` of work."""

        def begin() -> Ahead[tuple[Versioned, FrameBends]]:
            self._pasts.advance(turn.time - self._time)
            self._pasts.toward, self._time = acting.pasts.toward, turn.time
            own = acting.apart(self._pasts)
            return Ahead(_with(finished(own), own), whole)

        (a, old), (b, new), share = self._tween.step(turn, begin)
        acting.join(old, new)
        if share == 1.0 or a.version == b.version:
            return b
        return self._memory.derive(
            "reuse.tween", (a, b), (share,), lambda a, b: between(a, b, share)
        )

    def deeply(
        self,
        turn: Turn,
        acting: FrameBends,
        stages: Sequence[Stage],
        known: dict[str, Versioned],
        k: int,
        run: Run,
    ) -> Work[None]:
        """Run the unet's stages, the deep ones on what they read some pictures ago."""
        head, deep, tail = deep_part(stages, turn.reuse.level)
        yield from run(acting, head, known, k)

        def begin(entry: Entry, moving: frozenset[str]) -> Ahead[None]:
            still = steady(deep, moving)
            work = run(acting.apart(FeedbackState()), still, dict(entry), k)
            return Ahead(work, sum(stage.work for stage in still))

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
