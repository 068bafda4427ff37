"""The network at work: stages, bends between them, and a sampler round them, all remembered.

A frame walks from noise to pixels through `Memory.recall`, so that only computations whose inputs
changed run: prompt, noise, step, what lies upstream, and the values of bends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

import torch
from torch import Tensor

from livebend import bending
from livebend.acting import Acting, by_site, depths_of
from livebend.backends import Engine, Inputs
from livebend.backends.choices import USUAL, Conditions
from livebend.clusters import Clusters
from livebend.drawn import Drawn
from livebend.errors import OutOfRange
from livebend.gpu import wait_for
from livebend.masking import Masking, Trace, silence
from livebend.memory import Memory, Value
from livebend.models import Group, Model, Stage, groups, sites, time_stage, unet_stages, vae_stages
from livebend.pasts import Pasts
from livebend.pixels import to_pixels
from livebend.reuse import EXACT, Turn, Work, done
from livebend.reusing import Reusing
from livebend.sampler import Schedule, ddim_step, euler_step, lcm_step, schedule
from livebend.scene import Bend, Sampling, Scene
from livebend.transfer import send


@dataclass(frozen=True, slots=True)
class Painted:
    """One picture: pixels uint8 [H, W, 3], the decoder's image in −1..1 [1, 3, H, W] before it is
    clamped, whether all of that is finite (bool []), and the strength d of every bend that acted,
    by name."""

    pixels: Value
    image: Value
    finite: Value
    strength: Mapping[str, Tensor]


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
        off: float = 0.0,
        memory: Memory | None = None,
    ) -> None:
        """`drawn` are the drawn masks in reach; `conditions` say how the model's weights lie, and
        with how many threads whoever paints is to compute; `clusters` are those of the model's
        channels; `off` is how far its pictures were found to be from float32's, 0..1; `memory` is
        another network's.

        Raises: OutOfRange where a side is not a multiple of the decoder's factor.
        """
        factor = model.factor
        if width % factor or height % factor or min(width, height) < 8 * factor:
            raise OutOfRange(
                f"size = {width}x{height}: expected multiples of {factor}, at least {8 * factor}"
            )
        self.model = model
        self.width, self.height = self.shown = (width, height)  # what frames are shown at
        self.shape = (1, 4, height // factor, width // factor)
        self.memory = memory or Memory()
        self.drawn = drawn or Drawn()
        self._masking = Masking(self.memory, self.drawn)
        self.clusters = clusters or Clusters()
        self.engine = engine or Engine()
        self._unet = unet_stages(model.unet, *self.shape[2:])
        self._vae = vae_stages(model.vae)
        self._unet_groups, self._vae_groups = groups(self._unet), groups(self._vae)
        self._names = tuple(stage.name for stage in self.stages)
        self._joins = True
        self._time = time_stage(model.unet)
        self.pasts = Pasts()
        self._acting = Acting(self.memory, self._masking, self.pasts)
        self._reusing = Reusing(self.memory)
        self.conditions, self._off = conditions, off

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage, in reading order."""
        return (*self._unet, *self._vae)

    @property
    def described(self) -> str:
        """What the stages run on now, in one line: backends, precision, device, conditions."""
        backends = self.engine.described(self._names)
        off = f" ({self._off:.1%} off float32)" if self._off else ""
        model = self.model
        return f"{backends}; {model.precision}{off} on {model.device}, {self.conditions}"

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The stages of every group that an engine may run as one, by its name."""
        parts = (*self._unet_groups, *self._vae_groups)
        return {p.whole.name: tuple(s.name for s in p.stages) for p in parts if p.whole}

    @cached_property
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
        key = (seed, extra, self.shape)
        return self.memory.recall("noise", key, lambda: self._draw(seed, extra))

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
        self._reusing.follow(turn)
        self.pasts.toward = toward
        at = by_site([self._listed(bend) for bend in bends])
        split = sampling.depth == "split"
        self._acting = acting = Acting(self.memory, self._masking, self.pasts, at, trace, split)
        plan = self._plan(sampling, bends)
        finished = partial(self._finished, noise, text, sampling, negative, plan, turn)
        if turn.reuse.tween > 1:
            whole = plan.calls * sum(stage.work for stage in self._unet)
            x = self._reusing.tweened(turn, acting, finished, whole)
        else:
            x = done(finished(acting))
        x = acting.latent(x, plan, plan.calls)
        image = self._decode(acting, x)
        shown = partial(to_pixels, image.tensor, self.shown)
        pixels, finite = self.memory.recall("pixels", (image.version,), shown)
        return Painted(pixels, image, finite, acting.strength)

    def begin_anew(self) -> None:
        """Leave behind what frames leave behind: after a preset, or values that were not finite."""
        self.pasts.forget()
        self._reusing.forget()

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
        """The bends to blame for a last picture that was not finite: see `Acting.culprits`."""
        return self._acting.culprits()

    def _listed(self, bend: Bend) -> Bend:
        """The bend with its channels as numbers, where it names clusters."""
        channels = self.clusters.listed(bending.place(bend.site).site, bend.channels)
        return bend if channels is bend.channels else replace(bend, channels=channels)

    # ---- parts of a frame --------------------------------------------------------------------

    def _draw(self, seed: int, extra: int) -> tuple[Tensor, ...]:
        """On the host, so that a seed means the same picture on every device."""
        generator = torch.Generator().manual_seed(seed)
        drawn = [self._normal(generator) for _ in range(1 + extra)]
        return tuple(send(n, self.model.device) for n in drawn)

    def _normal(self, generator: torch.Generator) -> Tensor:
        return torch.randn(self.shape, generator=generator)

    def _finished(
        self,
        noise: Value,
        text: Value,
        sampling: Sampling,
        negative: Value | None,
        plan: Schedule,
        turn: Turn,
        acting: Acting,
    ) -> Work[Value]:
        """The way from the noise to the finished latent, before anything acts on that."""
        self._reusing.deep.expect((plan, negative is None))
        text = self._text(acting, text, negative)
        x = self._enter(noise, plan)
        for k in range(plan.calls):
            x = acting.latent(x, plan, k)
            guidance = sampling.guidance if negative else None
            output = yield from self._call(acting, x, plan, k, text, guidance, turn)
            x = self._step(x, output, plan, k, noise)
        return self._reusing.held(x, turn)

    def _plan(self, sampling: Sampling, bends: Sequence[Bend]) -> Schedule:
        depths = depths_of(bends) if sampling.depth == "insert" else ()
        return schedule(sampling.sampler, self.calls(sampling), self.model.noising, depths)

    def _text(self, acting: Acting, text: Value, negative: Value | None) -> Value:
        if negative is not None:
            pair = (negative.tensor, text.tensor)
            key = (negative.version, text.version)
            (text,) = self.memory.recall("guidance", key, lambda: (torch.cat(pair),), step=-1)
        return acting.bent("unet.text", text, None)

    def _enter(self, noise: Value, plan: Schedule) -> Value:
        if plan.sampler != "euler":
            return noise
        sigma = plan.sigma[0]
        return self.memory.derive("sampler", (noise,), (sigma,), lambda n: n * sigma, -1)

    def _call(
        self,
        acting: Acting,
        x: Value,
        plan: Schedule,
        k: int,
        text: Value,
        guidance: float | None,
        turn: Turn,
    ) -> Work[Value]:
        """One call of the network: what it says of x at boundary k, float32, guided."""
        scale = _spread(plan.sigma[k]) if plan.sampler == "euler" else None
        twice, dtype = guidance is not None, self.model.dtype

        def prepared(h: Tensor) -> Tensor:
            h = torch.cat([h, h]) if twice else h
            return (h if scale is None else h / scale).to(dtype)

        sample = self.memory.derive("sampler.input", (x,), (plan.sigma[k], twice), prepared, k)

        def timed() -> tuple[Tensor, ...]:
            times = torch.full((sample.tensor.shape[0],), plan.t[k])
            return self._time(send(times, self.model.device), text.tensor)

        (time,) = self.memory.recall("unet.time", (plan.t[k], text.version), timed, step=k)
        known = {
            "sample": sample,
            "unet.text": text,
            "unet.time": acting.bent("unet.time", time, k),
        }
        if turn.reuse.deep > 1:
            yield from self._reusing.deeply(turn, acting, self._unet, known, k, self._run)
        elif turn.reuse.tween > 1:  # stage by stage, to be shared out evenly
            yield from self._run(acting, self._unet, known, k)
        else:
            yield from self._run(acting, self._joined(acting, self._unet_groups, k), known, k)
        output = known[self._unet[-1].writes[0]]
        return self.memory.derive(
            "guidance", (output,), (guidance,), lambda h: _guided(h, guidance), k
        )

    def _run(
        self, acting: Acting, stages: Iterable[Stage], known: dict[str, Value], k: int
    ) -> Work[None]:
        """Run stages in order over the tensors known by name, and add what they write to them."""
        for stage in stages:
            for name in stage.texts:
                known[name] = acting.bent(name, known["unet.text"], k)
            if stage.attention is not None:
                even = self._even(stage.name, stage.attention.ones(known[stage.reads[0]].tensor))
                known.update({name: acting.bent(name, even, k) for name in stage.attentions})
            read = [known[name] for name in stage.reads]
            size = tuple(known[stage.sized_by].tensor.shape[2:]) if stage.sized_by else None
            tensors = tuple(v.tensor for v in read)
            runner = self.engine.runner(stage, Inputs(tensors, size))
            # The runner is part of the key: what another engine made is not what this one makes.
            key = (*(v.version for v in read), runner)
            written = self.memory.recall(stage.name, key, partial(runner, *tensors), step=k)
            for name, value in zip(stage.writes, written, strict=True):
                known[name] = acting.bent(name, value, k)
            yield stage.work

    def _joined(self, acting: Acting, parts: Sequence[Group], k: int) -> Iterator[Stage]:
        """Yield the stages of groups; a group as one where an engine joins it and nothing is bent
        inside."""
        for part in parts:
            joins = part.whole and self._joins and self.engine.joins(part.whole.name)
            if part.whole and joins and not acting.acts_in(part.hidden, k):
                yield part.whole
            else:
                yield from part.stages

    def _even(self, stage: str, ones: Tensor) -> Value:
        """What leaves the attention of a stage as it is, with one version as long as it is kept."""
        key = (ones.shape, ones.dtype)
        return self.memory.recall("unet.attention", key, lambda: (ones,), step=stage)[0]

    def _step(self, x: Value, output: Value, plan: Schedule, k: int, noise: Value) -> Value:
        prediction = self.model.noising.prediction
        constants = (plan.sampler, plan.t[k], plan.sigma[k], plan.sigma[k + 1], noise.version)

        def step(x: Tensor, out: Tensor) -> Tensor:
            if plan.sampler == "euler":
                sigma, after = plan.sigma[k : k + 2]
                return euler_step(x, out, _scalar(sigma), _scalar(after), prediction)
            abar, abar_next = (_scalar(value) for value in plan.abar[k : k + 2])
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

        return self.memory.derive("sampler", (x, output), constants, step, k)

    def _fresh(self, noise: Value, k: int) -> Tensor:
        """The noise that LCM adds after call k: held still, whatever the seed's walk does."""
        generator = torch.Generator().manual_seed(7919 * (k + 1))
        return send(self._normal(generator), noise.tensor.device)

    def _decode(self, acting: Acting, x: Value) -> Value:
        scaling, dtype = self.model.scaling, self.model.dtype
        latent = self.memory.derive("sampler.out", (x,), (), lambda h: (h / scaling).to(dtype), 0)
        known = {"latent": latent}
        done(self._run(acting, self._joined(acting, self._vae_groups, 0), known, 0))
        return known[self._vae[-1].writes[0]]


def _guided(output: Tensor, guidance: float | None) -> Tensor:
    """ε = ε_u + g·(ε_c − ε_u). Source: Ho and Salimans 2022, equation 6."""
    h = output.float()
    if guidance is None:
        return h
    uncond, cond = h.chunk(2)
    return uncond + guidance * (cond - uncond)


@lru_cache(maxsize=1024)
def _scalar(value: float) -> Tensor:
    """A constant of a schedule in float32, in which diffusers computes with it."""
    return torch.tensor(value)


@lru_cache(maxsize=1024)
def _spread(sigma: float) -> Tensor:
    """What Euler's x is divided by for the network: sqrt(σ² + 1)."""
    return (_scalar(sigma) ** 2 + 1) ** 0.5
