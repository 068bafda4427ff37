"""The network at work: stages, bends between them, and a sampler round them, all remembered.

A frame walks from noise to pixels through `Memory.recall`, so that only computations whose inputs
changed run: prompt, noise, step, what lies upstream, and the values of bends.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isnan

import torch
from torch import Tensor

from livebend import bending
from livebend.backends import Engine, Inputs
from livebend.clusters import Clusters
from livebend.drawn import Drawn
from livebend.errors import BendFault, OutOfRange
from livebend.masking import Masking, Trace, silence
from livebend.memory import Memory, Value
from livebend.models import Model, Stage, sites, time_stage, unet_stages, vae_stages
from livebend.pasts import Given, Pasts
from livebend.sampler import Schedule, ddim_step, euler_step, lcm_step, schedule
from livebend.scene import Bend, Sampling, Scene


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
    collects what each of them got and made; `trace` knows what was heard, for masks; `split` gives
    two neighbouring boundaries a share of a bend."""

    trace: Trace = silence
    split: bool = False
    depths: tuple[float, ...] = ()
    at: dict[str, list[tuple[bending.Place, Bend]]] = field(default_factory=dict)
    strength: dict[str, Tensor] = field(default_factory=dict)
    acted: dict[str, list[tuple[Tensor, Tensor]]] = field(default_factory=dict)


class Network:
    """A model at one size of picture. Owned by the render thread."""

    def __init__(
        self,
        model: Model,
        width: int,
        height: int,
        engine: Engine | None = None,
        drawn: Drawn | None = None,
        clusters: Clusters | None = None,
    ) -> None:
        """`drawn` are the drawn masks in reach, `clusters` those of the model's channels.

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
        self._time = time_stage(model.unet)
        self._bends = _Bends()
        self.pasts = Pasts()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage, in reading order."""
        return (*self._unet, *self._vae)

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
    ) -> Painted:
        """Paint one picture from a variance-preserving noise and a prompt's embedding [1, T, C].

        `negative` turns classifier-free guidance on, at the strength of `sampling.guidance`;
        `trace(feature, span)` gives a feature's recent history to the masks that show it; `toward`
        is the step from this prompt to the second, for operators that ask for it.
        """
        listed = [self._listed(bend) for bend in bends]
        self._bends = _sorted(listed, trace, sampling.depth == "split")
        self.pasts.toward = toward
        plan = self._plan(sampling)
        text = self._text(text, negative)
        x = self._enter(noise, plan)
        for k in range(plan.calls):
            x = self._bend_latent(x, plan, k)
            output = self._call(x, plan, k, text, sampling.guidance if negative else None)
            x = self._step(x, output, plan, k, noise)
        x = self._bend_latent(x, plan, plan.calls)
        image = self._decode(x)
        pixels = self._recall("pixels", (image,), (), _to_pixels, 0)
        return Painted(pixels, image, self._bends.strength)

    def prepare(self, *, guided: bool = False) -> None:
        """Load what the engine needs for frames of this size, without and, where `guided`, with
        guidance. Slow, and before a show; a show never exports or compiles anything."""
        text = Value(-1, self.model.encode([""]))
        with self.engine.preparing():
            for negative in (None, text) if guided else (None,):
                self.memory.forget()
                self.paint(self.noise(0)[0], text, (), Sampling("euler", 1, 2.0), negative)
        self.memory.forget()

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

    # ---- parts of a frame --------------------------------------------------------------------

    def _draw(self, seed: int, extra: int) -> tuple[Tensor, ...]:
        """On the host, so that a seed means the same picture on every device."""
        generator = torch.Generator().manual_seed(seed)
        drawn = [torch.randn(self.shape, generator=generator) for _ in range(1 + extra)]
        return tuple(n.to(self.model.device) for n in drawn)

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

    def _call(self, x: Value, plan: Schedule, k: int, text: Value, guidance: float | None) -> Value:
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
            lambda: self._time(times.to(sample.tensor.device), text.tensor),
            step=k,
        )
        known = {"sample": sample, "unet.text": text, "unet.time": self._bend("unet.time", time, k)}
        output = self._run(self._unet, known, k)
        return self._recall("guidance", (output,), (guidance,), lambda h: _guided(h, guidance), k)

    def _run(self, stages: Sequence[Stage], known: dict[str, Value], k: int) -> Value:
        """Run stages in order over the tensors known by name; return the last one's output."""
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
        return known[stages[-1].writes[0]]

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
        return torch.randn(self.shape, generator=generator).to(noise.tensor.device)

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
        return self._run(self._vae, {"latent": latent}, 0)

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
        given, given_key = self.pasts.given(bend, where, x)
        versions = (value.version, None if mask is None else mask.version)
        key = (*versions, bending.signature(bend), given_key)
        made, strength = self.memory.recall(
            "bend", key, lambda: _applied(bend, x, part, given), step=where
        )
        self.pasts.keep(bend, where, made.tensor)
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


def _sorted(bends: Sequence[Bend], trace: Trace, split: bool) -> _Bends:
    places = (bending.place(bend.site) for bend in bends)
    found = _Bends(trace, split, tuple(sorted({p.depth for p in places if p.depth is not None})))
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
