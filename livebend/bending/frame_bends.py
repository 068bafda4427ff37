"""The bends of one frame at work, between the stages of the network.

What a bend makes is remembered like everything else: it acts again only where what it reads, its
values, its mask or its past differ from before.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isnan

from torch import Tensor

from livebend.bending.apply import active, apply_bend, fraction_of, signature
from livebend.bending.feedback_state import FeedbackState, Given
from livebend.bending.mask_cache import MaskCache, Trace, silence
from livebend.core.errors import BendFault, lacks_memory
from livebend.core.sites import LATENT, Place, place
from livebend.device.memory import Memory, Versioned
from livebend.models.sampler import Schedule
from livebend.scene.values import Bend

Placed = tuple[Place, Bend]


@dataclass(slots=True)
class FrameBends:
    """The active bends of one frame, by site. Owned by the render thread.

    `feedback` is what bends made before, `trace` the history of features, for masks.
    `split` divides a bend at a depth between the two boundaries next to it.
    `strength` collects the d of every bend that acted, by name, as a tensor on the device.
    `acted` collects what each of them read and made.
    """

    memory: Memory
    masks: MaskCache
    feedback: FeedbackState
    at: Mapping[str, list[Placed]] = field(default_factory=dict)
    trace: Trace = silence
    split: bool = False
    strength: dict[str, Tensor] = field(default_factory=dict)
    acted: dict[str, list[tuple[Tensor, Tensor]]] = field(default_factory=dict)

    def elsewhere(self, feedback: FeedbackState) -> "FrameBends":
        """Return the same bends for work that is not of this frame, with a past of its own."""
        return replace(self, feedback=feedback, strength={}, acted={})

    def join(self, *others: "FrameBends") -> None:
        """Count what the bends did elsewhere as done in this frame."""
        for other in others:
            for name, pairs in other.acted.items():
                self.acted.setdefault(name, []).extend(pairs)
            self.strength.update(other.strength)

    def acts_in(self, sites: Collection[str], k: int) -> bool:
        """Whether network call k is bent at one of the sites."""
        inside = (bends for site, bends in self.at.items() if site in sites)
        places = (where for bends in inside for where, _ in bends)
        return any(where.step is None or where.step == k for where in places)

    def bent(self, site: str, value: Versioned, k: int | None) -> Versioned:
        """Return what stands at a site in network call k (None = in all) after its bends."""
        for n, (where, bend) in enumerate(self.at.get(site, ())):
            if where.step is None or k is None or where.step == k:
                value = self._one(bend, value, (site, k, n))
        return value

    def latent(self, x: Versioned, plan: Schedule, k: int) -> Versioned:
        """Bend x at boundary k as a variance-preserving latent, whatever the sampler."""
        chosen = list(self._at_boundary(plan, k)) if LATENT in self.at else ()
        if not chosen:
            return x
        size = (1.0 + plan.sigma[k] ** 2) ** 0.5 if plan.sampler == "euler" else 1.0
        if size != 1.0:
            x = self.memory.derive("sampler.show", (x,), (size,), lambda h: h / size, k)
        for n, bend in enumerate(chosen):
            x = self._one(bend, x, (LATENT, k, n))
        if size == 1.0:
            return x
        return self.memory.derive("sampler.hide", (x,), (size,), lambda h: h * size, k)

    def culprits(self) -> list[str]:
        """The bends that turned finite values into others. It waits for the device: for after a
        fault only."""
        acted = self.acted.items()
        return [name for name, pairs in acted if any(_broke(*pair) for pair in pairs)]

    def strongest(self) -> list[str]:
        """The bend that changed most, and may have driven the network out of range; none where none
        acted. It waits for the device."""
        sizes = {name: float(d) for name, d in self.strength.items()}
        if not sizes:
            return []
        return [max(sizes, key=lambda name: -1.0 if isnan(sizes[name]) else sizes[name])]

    def _at_boundary(self, plan: Schedule, k: int) -> Iterator[Bend]:
        for where, bend in self.at.get(LATENT, ()):
            for boundary, w in _boundaries(where, plan, self.split):
                if boundary == k:
                    yield fraction_of(bend, w)

    def _one(self, bend: Bend, value: Versioned, where: Hashable) -> Versioned:
        x = value.tensor
        mask = self.masks.mask(bend, x, self.trace, where) if bend.mask else None
        part = None if mask is None else mask.tensor
        given, given_key = self.feedback.given(bend, where, x)
        versions = (value.version, None if mask is None else mask.version)
        key = (*versions, signature(bend), given_key)
        made, strength = self.memory.recall(
            "bend", key, partial(_applied, bend, x, part, given), step=where
        )
        self.feedback.keep(bend, where, made.tensor)
        self.strength[bend.name] = strength.tensor
        self.acted.setdefault(bend.name, []).append((x, made.tensor))
        return made


def depths_of(bends: Sequence[Bend]) -> tuple[float, ...]:
    """Return the depths of all bends, active or not: a neutral one must not move a boundary."""
    places = (place(bend.site) for bend in bends)
    return tuple(sorted({p.depth for p in places if p.depth is not None}))


def by_site(bends: Sequence[Bend]) -> Mapping[str, list[Placed]]:
    """Return the bends that change something, by the site they name."""
    found: dict[str, list[Placed]] = {}
    for bend in active(tuple(bends)):
        where = place(bend.site)
        found.setdefault(where.site, []).append((where, bend))
    return found


def _boundaries(where: Place, plan: Schedule, split: bool) -> tuple[tuple[int, float], ...]:
    """The boundaries of a latent bend, each with its weight: those of its depth, of its step, or
    the finished latent."""
    if where.depth is not None:
        return plan.neighbours(where.depth) if split else ((plan.nearest(where.depth), 1.0),)
    return ((plan.calls if where.step is None else min(where.step, plan.calls), 1.0),)


def _applied(bend: Bend, x: Tensor, mask: Tensor | None, given: Given) -> tuple[Tensor, Tensor]:
    """Bend x; whatever an operator raises becomes a fault of the bend."""
    try:
        return apply_bend(bend, x, mask, given)
    except Exception as why:
        if lacks_memory(why):
            raise  # no fault of the bend's
        raise BendFault(bend.name, bend.operator, bend.site, why) from why


def _broke(x: Tensor, y: Tensor) -> bool:
    return bool(x.isfinite().all()) and not bool(y.isfinite().all())
