"""The network at work: stages, bends between them, and a sampler round them, all remembered.

A frame walks from noise to pixels through `Memory.recall`, so that only computations whose inputs
changed run: prompt, noise, step, what lies upstream, and the values of bends.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from math import isnan
from typing import TypeVar

import torch
from torch import Tensor

from livebend import bending
from livebend.backends import Engine, Inputs
from livebend.backends.choices import USUAL, Conditions
from livebend.clusters import Clusters
from livebend.drawn import Drawn
from livebend.errors import BendFault, OutOfRange
from livebend.gpu import wait_for
from livebend.masking import Masking, Trace, silence
from livebend.memory import Memory, Value
from livebend.models import Group, Model, Stage, groups, sites, time_stage, unet_stages, vae_stages
from livebend.pasts import Given, Pasts
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
    done,
    read_by,
    steady,
)
from livebend.sampler import Schedule, ddim_step, euler_step, lcm_step, schedule
from livebend.scene import Bend, Sampling, Scene
from livebend.transfer import send

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Painted:
    """One picture: pixels uint8 [H, W, 3], the decoder's image in −1..1 [1, 3, H, W] before it is
    clamped, and the strength d of every bend that acted, by name."""

    pixels: Value
    image: Value
    strength: Mapping[str, Tensor]


@dataclass(slots=True)
class _Bends:
    """The active bends of one frame, by site, and the depths of all, active or not; `acted`
    collects what each of them got and made; `pasts` is what bends made before; `trace` knows what
    was heard, for masks; `split` gives two neighbouring boundaries a share of a bend."""

    pasts: Pasts
    trace: Trace = silence
    split: bool = False
    depths: tuple[float, ...] = ()
    at: dict[str, list[tuple[bending.Place, Bend]]] = field(default_factory=dict)
    strength: dict[str, Tensor] = field(default_factory=dict)
    acted: dict[str, list[tuple[Tensor, Tensor]]] = field(default_factory=dict)


Finished = tuple[Value, _Bends]  # a latent after all its steps, and what acted on the way


class Network:
    """A model at one size of picture. Owned by the render thread."""

    def __init__(
        self,
        model: Model,
        width: int,
        height: int,
        engine: Engine | None = None,
        drawn: Drawn | None = None,
        conditions: Conditions = USUAL,
        clusters: Clusters | None = None,
    ) -> None:
        """`drawn` are the drawn masks in reach; `conditions` say how the model's weights lie, and
        with how many threads whoever paints is to compute; `clusters` are those of the model's
        channels.

        Raises: OutOfRange where a side is not a multiple of the decoder's factor.
        """
        factor = model.factor
        if width % factor or height % factor or min(width, height) < 8 * factor:
            raise OutOfRange(
                f"size = {width}x{height}: expected multiples of {factor}, at least {8 * factor}"
            )
        self.model = model
        self.width, self.height = width, height
        self.shape = (1, 4, height // factor, width // factor)
        self.memory = Memory()
        self._masking = Masking(self.memory, drawn or Drawn())
        self.clusters = clusters or Clusters()
        self.engine = engine or Engine()
        self._unet = unet_stages(model.unet, *self.shape[2:])
        self._vae = vae_stages(model.vae)
        self._unet_groups, self._vae_groups = groups(self._unet), groups(self._vae)
        self._joins = True
        self._time = time_stage(model.unet)
        self.pasts = Pasts()
        self._bends = _Bends(self.pasts)
        self._turn = EXACT
        self._crossing, self._deep = Crossing(self.memory, "reuse.hold"), Deep(self.memory)
        self._tween: Tween[Finished] = Tween()
        self._tween_pasts, self._tween_time = Pasts(), 0.0
        self.conditions = conditions

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage, in reading order."""
        return (*self._unet, *self._vae)

    @property
    def described(self) -> str:
        """What the stages run on now, in one line: backends, precision, device, conditions."""
        backends = self.engine.described(stage.name for stage in self.stages)
        dtype = str(self.model.dtype).removeprefix("torch.")
        return f"{backends}; {dtype} on {self.model.device}, {self.conditions}"

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The stages of every group that an engine may run as one, by its name."""
        parts = (*self._unet_groups, *self._vae_groups)
        return {p.whole.name: tuple(s.name for s in p.stages) for p in parts if p.whole}

    @property
    def sites(self) -> tuple[str, ...]:
        """Every site a bend may name, in reading order; `latent` takes a depth."""
        return ("unet.text", "latent", "unet.time", *sites(self._unet), *sites(self._vae))

    def check(self, scene: Scene) -> Scene:
        """Return the scene if this network can play it. Raises: Refused, UnknownName."""
        for bend in scene.bends:
            bending.check_place(bend.site, self.sites)
            bending.check_channels(self._listed(bend).channels)
            self._masking.check(bend)
            bending.check_given(bend)
        return scene

    def calls(self, sampling: Sampling) -> int:
        """Network calls per frame, without inserted ones."""
        return sampling.steps or self.model.steps

    def noise(self, seed: int, extra: int = 2) -> tuple[Value, ...]:
        """Standard normal latents of a seed, float32: the one that diffusers draws for it, then
        `extra` more."""
        return self.memory.recall("noise", (seed, extra), lambda: self._draw(seed, extra))

    @torch.inference_mode()
    def paint(
        self,
        noise: Value,
        text: Value,
        bends: Sequence[Bend],
        sampling: Sampling,
        negative: Value | None = None,
        trace: Trace = silence,
        toward: Value | None = None,
        turn: Turn = EXACT,
    ) -> Painted:
        """Paint one picture from a variance-preserving noise and a prompt's embedding [1, T, C].

        `negative` turns classifier-free guidance on, at the strength of `sampling.guidance`;
        `trace(feature, span)` gives a feature's recent history to the masks that show it; `toward`
        is the step from this prompt to the second, for operators that ask for it; `turn` says which
        frame this is and what it may reuse of earlier ones.
        """
        self._follow(turn)
        self.pasts.toward = toward
        listed = [self._listed(bend) for bend in bends]
        self._bends = _sorted(listed, self.pasts, trace, sampling.depth == "split")
        plan = self._plan(sampling)
        finished = partial(self._finished, noise, text, sampling, negative, plan, turn)
        x = self._tweened(turn, finished, plan) if turn.reuse.tween > 1 else done(finished())
        x = self._bend_latent(x, plan, plan.calls)
        image = self._decode(x)
        pixels = self._recall("pixels", (image,), (), _to_pixels, 0)
        return Painted(pixels, image, self._bends.strength)

    def begin_anew(self) -> None:
        """Leave behind what frames leave behind: after a preset, or values that were not finite."""
        self.pasts.forget()
        self._tween_pasts.forget()
        self._crossing.forget()
        self._deep.forget()
        self._tween.forget()

    def prepare(self, *, guided: bool = False) -> None:
        """Load what the engine needs for frames of this size, without and, where `guided`, with
        guidance. Slow, and before a show; a show never exports or compiles anything."""
        text = Value(-1, self.model.encode([""]))
        with self.engine.preparing():
            for negative in (None, text) if guided else (None,):
                with self.apart():
                    self._rehearse(text, negative)
                self._rehearse(text, negative)
        self.memory.forget()

    def _rehearse(self, text: Value, negative: Value | None) -> None:
        self.memory.forget()
        self.paint(self.noise(0)[0], text, (), Sampling("euler", 1, 2.0), negative)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Run every stage on its own inside, joined with none and to its end, as whoever looks at
        one needs it."""
        before, self._joins = self._joins, False
        try:
            with self.to_their_ends():
                yield
        finally:
            self._joins = before

    @contextmanager
    def to_their_ends(self) -> Iterator[None]:
        """Have every computation inside wait for the device, so that its time is all of it."""
        with self.memory.settling(partial(wait_for, self.model.device)):
            yield

    def culprits(self) -> list[str]:
        """The bends that made values that are not finite of finite ones in the last picture; where
        none did, the strongest, which drove the network beyond its numbers. This reads from the
        device and is for the moment after a fault only."""
        acted = self._bends.acted.items()
        guilty = [name for name, pairs in acted if any(_broke(*pair) for pair in pairs)]
        sizes = {name: float(d) for name, d in self._bends.strength.items()}
        if guilty or not sizes:
            return guilty
        return [max(sizes, key=lambda name: -1.0 if isnan(sizes[name]) else sizes[name])]

    def _listed(self, bend: Bend) -> Bend:
        """The bend with its channels as numbers, where it names clusters."""
        channels = self.clusters.listed(bending.place(bend.site).site, bend.channels)
        return bend if channels is bend.channels else replace(bend, channels=channels)

    # ---- reuse by choice ---------------------------------------------------------------------

    def _follow(self, turn: Turn) -> None:
        """Go on reusing where this frame follows the last one, and only what is still asked for."""
        follows = turn.index == self._turn.index + 1 and turn.epoch == self._turn.epoch
        if not follows or turn.hold == 1:
            self._crossing.forget()
        if not follows or turn.reuse.deep == 1:
            self._deep.forget()
        if not follows or turn.reuse.tween == 1:
            self._tween.forget()
            self._tween_pasts.forget()
        self._turn = turn

    def _apart(self, pasts: Pasts, begin: Callable[[], Work[T]]) -> Work[tuple[T, _Bends]]:
        """Do work with the bends of this frame, whichever frame goes on with it; return what it
        returns, and its bends, which have collected what they did."""
        bends = replace(self._bends, pasts=pasts, strength={}, acted={})
        work = begin()
        while True:
            frame, self._bends = self._bends, bends
            try:
                amount = next(work)
            except StopIteration as end:
                return end.value, bends
            finally:
                self._bends = frame
            yield amount

    def _tweened(self, turn: Turn, finished: Callable[[], Work[Value]], plan: Schedule) -> Value:
        """The finished latent between two of the network's own pictures."""
        pasts, whole = self._tween_pasts, plan.calls * sum(stage.work for stage in self._unet)

        def begin() -> Ahead[Finished]:
            pasts.advance(turn.time - self._tween_time)
            pasts.toward, self._tween_time = self.pasts.toward, turn.time
            return Ahead(self._apart(pasts, finished), whole)

        (a, old), (b, new), share = self._tween.step(turn, begin)
        for name, pairs in (*old.acted.items(), *new.acted.items()):
            self._bends.acted.setdefault(name, []).extend(pairs)
        self._bends.strength.update({**old.strength, **new.strength})
        if share == 1.0 or a.version == b.version:
            return b
        return self._recall("reuse.tween", (a, b), (share,), lambda a, b: between(a, b, share), 0)

    def _deeply(self, known: dict[str, Value], k: int, turn: Turn) -> Work[None]:
        """Run the unet's stages, the deep ones on what they read some pictures ago."""
        head, deep, tail = deep_part(self._unet, turn.reuse.level)
        yield from self._run(head, known, k)

        def begin(entry: Entry, moving: frozenset[str]) -> Ahead[tuple[None, _Bends]]:
            still = steady(deep, moving)
            work = partial(self._run, still, dict(entry), k)
            return Ahead(self._apart(Pasts(), work), sum(stage.work for stage in still))

        entry = {name: known[name] for name in read_by(deep)}
        inner = dict(self._deep.enter(k, turn, entry, self._bends.at, begin))
        yield from self._run(deep, inner, k)
        self._deep.work(k, turn)
        known.update({name: inner[name] for stage in deep for name in stage.writes})
        way = deep[-1].writes[0]
        known[way] = self._deep.leave(k, turn, inner[way])
        yield from self._run(tail, known, k)

    # ---- parts of a frame --------------------------------------------------------------------

    def _draw(self, seed: int, extra: int) -> tuple[Tensor, ...]:
        """On the host, so that a seed means the same picture on every device."""
        generator = torch.Generator().manual_seed(seed)
        drawn = [torch.randn(self.shape, generator=generator) for _ in range(1 + extra)]
        return tuple(send(n, self.model.device) for n in drawn)

    def _finished(
        self,
        noise: Value,
        text: Value,
        sampling: Sampling,
        negative: Value | None,
        plan: Schedule,
        turn: Turn,
    ) -> Work[Value]:
        """The way from the noise to the finished latent, before anything acts on that."""
        self._deep.expect((plan, negative is None))
        text = self._text(text, negative)
        x = self._enter(noise, plan)
        for k in range(plan.calls):
            x = self._bend_latent(x, plan, k)
            guidance = sampling.guidance if negative else None
            output = yield from self._call(x, plan, k, text, guidance, turn)
            x = self._step(x, output, plan, k, noise)
        return self._crossing.step(x, turn.noise, turn.index, turn.hold) if turn.hold > 1 else x

    def _plan(self, sampling: Sampling) -> Schedule:
        depths = self._bends.depths if sampling.depth == "insert" else ()
        return schedule(sampling.sampler, self.calls(sampling), self.model.noising, depths)

    def _text(self, text: Value, negative: Value | None) -> Value:
        if negative is not None:
            pair = (negative.tensor, text.tensor)
            key = (negative.version, text.version)
            (text,) = self.memory.recall("guidance", key, lambda: (torch.cat(pair),), step=-1)
        return self._bend("unet.text", text, None)

    def _enter(self, noise: Value, plan: Schedule) -> Value:
        if plan.sampler != "euler":
            return noise
        sigma = plan.sigma[0]
        return self._recall("sampler", (noise,), (sigma,), lambda n: n * sigma, -1)

    def _call(
        self, x: Value, plan: Schedule, k: int, text: Value, guidance: float | None, turn: Turn
    ) -> Work[Value]:
        """One call of the network: what it says of x at boundary k, float32, guided."""
        scale = (torch.tensor(plan.sigma[k]) ** 2 + 1) ** 0.5 if plan.sampler == "euler" else None
        twice, dtype = guidance is not None, self.model.dtype

        def prepared(h: Tensor) -> Tensor:
            h = torch.cat([h, h]) if twice else h
            return (h if scale is None else h / scale).to(dtype)

        sample = self._recall("sampler.input", (x,), (plan.sigma[k], twice), prepared, k)
        times = torch.full((sample.tensor.shape[0],), plan.t[k])
        (time,) = self.memory.recall(
            "unet.time",
            (plan.t[k], text.version),
            lambda: self._time(send(times, self.model.device), text.tensor),
            step=k,
        )
        known = {"sample": sample, "unet.text": text, "unet.time": self._bend("unet.time", time, k)}
        if turn.reuse.deep > 1:
            yield from self._deeply(known, k, turn)
        elif turn.reuse.tween > 1:  # stage by stage, to be shared out evenly
            yield from self._run(self._unet, known, k)
        else:
            yield from self._run(self._joined(self._unet_groups, k), known, k)
        output = known[self._unet[-1].writes[0]]
        return self._recall("guidance", (output,), (guidance,), lambda h: _guided(h, guidance), k)

    def _run(self, stages: Iterable[Stage], known: dict[str, Value], k: int) -> Work[None]:
        """Run stages in order over the tensors known by name, and add what they write to them."""
        for stage in stages:
            for name in stage.texts:
                known[name] = self._bend(name, known["unet.text"], k)
            if stage.attention is not None:
                even = self._even(stage.name, stage.attention.ones(known[stage.reads[0]].tensor))
                known.update({name: self._bend(name, even, k) for name in stage.attentions})
            read = [known[name] for name in stage.reads]
            size = tuple(known[stage.sized_by].tensor.shape[2:]) if stage.sized_by else None
            tensors = tuple(v.tensor for v in read)
            runner = self.engine.runner(stage, Inputs(tensors, size))
            # The runner is part of the key: what another engine made is not what this one makes.
            key = (*(v.version for v in read), runner)
            written = self.memory.recall(stage.name, key, partial(runner, *tensors), step=k)
            for name, value in zip(stage.writes, written, strict=True):
                known[name] = self._bend(name, value, k)
            yield stage.work

    def _joined(self, parts: Sequence[Group], k: int) -> Iterator[Stage]:
        """Yield the stages of groups, each group as one where it can be."""
        for part in parts:
            yield from self._chosen(part, k)

    def _chosen(self, part: Group, k: int) -> tuple[Stage, ...]:
        """A group's stages as one where an engine joins them and nothing is bent inside."""
        whole = part.whole
        if whole is None or not (self._joins and self.engine.joins(whole.name)):
            return part.stages
        inside = (place for site in part.hidden for place, _ in self._bends.at.get(site, ()))
        bent = any(place.step is None or place.step == k for place in inside)
        return part.stages if bent else (whole,)

    def _even(self, stage: str, ones: Tensor) -> Value:
        """What leaves the attention of a stage as it is, with one version as long as it is kept."""
        key = (ones.shape, ones.dtype)
        return self.memory.recall("unet.attention", key, lambda: (ones,), step=stage)[0]

    def _step(self, x: Value, output: Value, plan: Schedule, k: int, noise: Value) -> Value:
        prediction = self.model.noising.prediction
        abar, abar_next = torch.tensor(plan.abar[k]), torch.tensor(plan.abar[k + 1])
        constants = (plan.sampler, plan.t[k], plan.sigma[k], plan.sigma[k + 1], noise.version)

        def step(x: Tensor, out: Tensor) -> Tensor:
            if plan.sampler == "euler":
                sigma, after = torch.tensor(plan.sigma[k]), torch.tensor(plan.sigma[k + 1])
                return euler_step(x, out, sigma, after, prediction)
            if plan.sampler == "ddim":
                return ddim_step(x, out, abar, abar_next, prediction)
            fresh = self._fresh(noise, k) if k + 1 < plan.calls else None
            return lcm_step(
                x,
                out,
                t=plan.t[k],
                abar=abar,
                abar_next=abar_next,
                noise=fresh,
                prediction=prediction,
            )

        return self._recall("sampler", (x, output), constants, step, k)

    def _fresh(self, noise: Value, k: int) -> Tensor:
        """The noise that LCM adds after call k: held still, whatever the seed's walk does."""
        generator = torch.Generator().manual_seed(7919 * (k + 1))
        return send(torch.randn(self.shape, generator=generator), noise.tensor.device)

    def _bend_latent(self, x: Value, plan: Schedule, k: int) -> Value:
        """Bend x at boundary k as a variance-preserving latent, whatever the sampler."""
        split = self._bends.split
        chosen = [
            bending.share(bend, w)
            for place, bend in self._bends.at.get("latent", ())
            for boundary, w in _boundaries(place, plan, split)
            if boundary == k
        ]
        if not chosen:
            return x
        size = (1.0 + plan.sigma[k] ** 2) ** 0.5 if plan.sampler == "euler" else 1.0
        x = self._recall("sampler.show", (x,), (size,), lambda h: h / size, k)
        for n, bend in enumerate(chosen):
            x = self._bent(bend, x, ("latent", k, n))
        return self._recall("sampler.hide", (x,), (size,), lambda h: h * size, k)

    def _decode(self, x: Value) -> Value:
        scaling, dtype = self.model.scaling, self.model.dtype
        latent = self._recall("sampler.out", (x,), (), lambda h: (h / scaling).to(dtype), 0)
        known = {"latent": latent}
        done(self._run(self._joined(self._vae_groups, 0), known, 0))
        return known[self._vae[-1].writes[0]]

    def _bend(self, site: str, value: Value, k: int | None) -> Value:
        for n, (where, bend) in enumerate(self._bends.at.get(site, ())):
            if where.step is None or k is None or where.step == k:
                value = self._bent(bend, value, (site, k, n))
        return value

    def _bent(self, bend: Bend, value: Value, where: Hashable) -> Value:
        x, trace = value.tensor, self._bends.trace
        size = (x.shape[-2], x.shape[-1])
        mask = self._masking.mask(bend, size, x.device, trace, where)
        part = None if mask is None else mask.tensor
        given, given_key = self._bends.pasts.given(bend, where, x)
        versions = (value.version, None if mask is None else mask.version)
        key = (*versions, bending.signature(bend), given_key)
        made, strength = self.memory.recall(
            "bend", key, lambda: _applied(bend, x, part, given), step=where
        )
        self._bends.pasts.keep(bend, where, made.tensor)
        self._bends.strength[bend.name] = strength.tensor
        self._bends.acted.setdefault(bend.name, []).append((value.tensor, made.tensor))
        return made

    def _recall(
        self,
        name: str,
        read: Sequence[Value],
        constants: tuple[Hashable, ...],
        function: Callable[..., Tensor],
        step: int,
    ) -> Value:
        key = (*(v.version for v in read), *constants)
        (value,) = self.memory.recall(
            name, key, lambda: (function(*(v.tensor for v in read)),), step=step
        )
        return value


def _applied(bend: Bend, x: Tensor, mask: Tensor | None, given: Given) -> tuple[Tensor, Tensor]:
    """Bend x; whatever an operator raises is the bend's fault, and says so."""
    try:
        return bending.apply(bend, x, mask, given)
    except torch.OutOfMemoryError:
        raise
    except Exception as why:
        raise BendFault(bend.name, bend.operator, bend.site, why) from why


def _broke(x: Tensor, y: Tensor) -> bool:
    return bool(x.isfinite().all()) and not bool(y.isfinite().all())


def _sorted(bends: Sequence[Bend], pasts: Pasts, trace: Trace, split: bool) -> _Bends:
    places = (bending.place(bend.site) for bend in bends)
    depths = tuple(sorted({p.depth for p in places if p.depth is not None}))
    found = _Bends(pasts, trace, split, depths)
    for bend in bending.active(tuple(bends)):
        where = bending.place(bend.site)
        found.at.setdefault(where.site, []).append((where, bend))
    return found


def _boundaries(where: bending.Place, plan: Schedule, split: bool) -> tuple[tuple[int, float], ...]:
    """The boundaries of a latent bend, each with its share: its depth's, its step's, or the
    finished latent."""
    if where.depth is not None:
        return plan.neighbours(where.depth) if split else ((plan.nearest(where.depth), 1.0),)
    return ((plan.calls if where.step is None else min(where.step, plan.calls), 1.0),)


def _guided(output: Tensor, guidance: float | None) -> Tensor:
    """ε = ε_u + g·(ε_c − ε_u). Source: Ho and Salimans 2022, equation 6."""
    h = output.float()
    if guidance is None:
        return h
    uncond, cond = h.chunk(2)
    return uncond + guidance * (cond - uncond)


def _to_pixels(image: Tensor) -> Tensor:
    """−1..1 [1, 3, H, W] to uint8 [H, W, 3], rounded as diffusers rounds."""
    x = (image[0].float() * 0.5 + 0.5).clamp(0.0, 1.0)
    return (x.permute(1, 2, 0) * 255.0).round().to(torch.uint8).contiguous()
