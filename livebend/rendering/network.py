"""The network at work: stages, bends between them, and a sampler round them, all remembered.

A frame walks from noise to pixels through `Memory.recall`, so that only computations whose inputs
changed run: prompt, noise, step, what lies upstream, and the values of bends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from livebend.bending.apply import check_given
from livebend.bending.channels import check_channels
from livebend.bending.clusters import Clusters
from livebend.bending.feedback_state import FeedbackState
from livebend.bending.frame_bends import FrameBends, by_site, depths_of
from livebend.bending.mask_cache import MaskCache, Trace, silence
from livebend.core.errors import OutOfRange
from livebend.core.sites import LATENT, TEXT, TIME, check_place, place
from livebend.device.gpu import wait_for
from livebend.device.memory import Memory, Versioned
from livebend.device.torch_threads import compute_with
from livebend.device.transfer import send
from livebend.models.attention import Attention
from livebend.models.backends.engine import Engine
from livebend.models.backends.tuned_choice import USUAL, Conditions
from livebend.models.checkpoint import Model
from livebend.models.sampler import Schedule, schedule
from livebend.models.stage_groups import Group, groups
from livebend.models.stages import Stage, sites_of, time_stage, unet_stages, vae_stages
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.ahead import Work, done
from livebend.rendering.reuse import EXACT, NetworkReuse, ReuseContext
from livebend.rendering.sampler_steps import SamplerSteps
from livebend.scene.values import Bend, Sampling, Scene


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: pixels uint8 [H, W, 3], the sum of magnitudes that made them (float32 [], finite
    where all of them are), and the strength d of every bend that acted, by name. `image` is the
    decoder's in −1..1 [1, 3, H, W] before it is clamped; None where an engine went past it."""

    pixels: Versioned
    total: Versioned
    image: Versioned | None
    strength: Mapping[str, Tensor]


class Network:
    """A model at one size of picture. Owned by the render thread."""

    def __init__(
        self,
        model: Model,
        width: int,
        height: int,
        engine: Engine | None = None,
        drawn: DrawnMasks | None = None,
        conditions: Conditions = USUAL,
        clusters: Clusters | None = None,
        off: float = 0.0,
        memory: Memory | None = None,
        shown: tuple[int, int] | None = None,
    ) -> None:
        """`drawn` are the drawn masks in reach; `conditions` say how the model's weights lie, and
        with how many threads whoever paints is to compute; `clusters` are those of the model's
        channels; `off` is how far its pictures were found to be from float32's, 0..1; `memory` is
        another network's; `shown` (W, H) is what its frames are enlarged to.

        Raises: OutOfRange where a side is not a multiple of the decoder's factor.
        """
        factor = model.factor
        if width % factor or height % factor or min(width, height) < 8 * factor:
            raise OutOfRange(
                f"size = {width}x{height}: expected multiples of {factor}, at least {8 * factor}"
            )
        self.model = model
        self.width, self.height = width, height
        self.shown = shown or (width, height)
        self._frame = Versioned(
            0, torch.empty(()).expand(1, 1, *self.shown[::-1])
        )  # a size to reach
        self.shape = (1, 4, height // factor, width // factor)
        self.memory = memory or Memory()
        self.drawn = drawn or DrawnMasks()
        self._masking = MaskCache(self.memory, self.drawn)
        self.clusters = clusters or Clusters()
        self.engine = engine or Engine()
        self._unet = unet_stages(model.unet, *self.shape[2:])
        self._vae = vae_stages(model.vae)
        self._unet_groups, self._vae_groups = groups(self._unet), groups(self._vae)
        self._names = tuple(stage.name for stage in self.stages)
        self._joins = True
        self._evens: dict[tuple[str, int], Versioned] = {}
        self._time = time_stage(model.unet)
        self._stepping = SamplerSteps(self.memory, model, self._normal)
        self.pasts = FeedbackState()
        self._acting = FrameBends(self.memory, self._masking, self.pasts)
        self._reusing = NetworkReuse(self.memory)
        self.conditions, self._off = conditions, off

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage, in reading order."""
        return (*self._unet, *self._vae)

    @property
    def enlarged(self) -> tuple[int, int] | None:
        """The size (W, H) that frames are enlarged from, or None where they are not."""
        size = (self.width, self.height)
        return None if size == self.shown else size

    @property
    def described(self) -> str:
        """What the stages run on now, in one line: backends, precision, device, conditions."""
        backends = self.engine.described(self._names)
        off = f" ({self._off:.1%} off float32)" if self._off else ""
        model = self.model
        return f"{backends}; {model.precision}{off} on {model.device}, {self.conditions}"

    @property
    def torch_threads(self) -> int:
        """How many of torch's threads whoever paints is to have."""
        return 1 if self.engine.has_own_threads else self.conditions.threads

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The stages of every group that an engine may run as one, by its name."""
        parts = (*self._unet_groups, *self._vae_groups)
        return {p.whole.name: tuple(s.name for s in p.stages) for p in parts if p.whole}

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Every site a bend may name, in reading order; `latent` takes a depth."""
        return (TEXT, LATENT, TIME, *sites_of(self._unet), *sites_of(self._vae))

    def check(self, scene: Scene) -> Scene:
        """Return the scene if this network can play it. Raises: Refused, UnknownName."""
        for bend in scene.bends:
            check_place(bend.site, self.sites)
            check_channels(self._listed(bend).channels)
            self._masking.check(bend)
            check_given(bend)
        return scene

    def calls(self, sampling: Sampling) -> int:
        """Network calls per frame, without inserted ones."""
        return sampling.steps or self.model.steps

    def noise(self, seed: int, extra: int = 2) -> tuple[Versioned, ...]:
        """Standard normal latents of a seed, float32: the one that diffusers draws for it, then
        `extra` more."""
        key = (seed, extra, self.shape)
        return self.memory.recall("noise", key, lambda: self._draw(seed, extra))

    @torch.inference_mode()
    def paint(
        self,
        noise: Versioned,
        text: Versioned,
        bends: Sequence[Bend],
        sampling: Sampling,
        negative: Versioned | None = None,
        trace: Trace = silence,
        toward: Versioned | None = None,
        turn: ReuseContext = EXACT,
    ) -> Picture:
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
        self._acting = acting = FrameBends(self.memory, self._masking, self.pasts, at, trace, split)
        plan = self._plan(sampling, bends)
        finished = partial(self._finished, noise, text, sampling, negative, plan, turn)
        if turn.reuse.tween > 1:
            whole = plan.calls * sum(stage.work for stage in self._unet)
            x = self._reusing.tweened(turn, acting, finished, whole)
        else:
            x = done(finished(acting))
        x = acting.latent(x, plan, plan.calls)
        made = self._decode(acting, x)
        return Picture(made["pixels"], made["total"], made.get("image"), acting.strength)

    def frame(self, dt: float = 0.0) -> None:
        """Begin a frame, `dt` s after the last: what it runs is counted anew, and what bends made
        last is now the past. It comes before `paint`."""
        self.memory.begin_frame()
        self.pasts.advance(dt)

    def begin_anew(self) -> None:
        """Leave behind what frames leave behind: after a preset, or values that were not finite."""
        self.pasts.forget()
        self._reusing.forget()

    def prepare(self, *, guided: bool = False) -> None:
        """Load what the engine needs for frames of this size, without and, where `guided`, with
        guidance. Slow, and before a show; a show never exports or compiles anything."""
        text = Versioned(-1, self.model.encode([""]))
        compute_with(self.conditions.threads)  # backends ask torch how many they may have
        with self.engine.preparing():
            for negative in (None, text) if guided else (None,):
                with self.apart():
                    self._rehearse(text, negative)
                self._rehearse(text, negative)
        compute_with(self.torch_threads)
        self.memory.forget()

    def _rehearse(self, text: Versioned, negative: Versioned | None) -> None:
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
        channels = self.clusters.listed(place(bend.site).site, bend.channels)
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
        noise: Versioned,
        text: Versioned,
        sampling: Sampling,
        negative: Versioned | None,
        plan: Schedule,
        turn: ReuseContext,
        acting: FrameBends,
    ) -> Work[Versioned]:
        """The way from the noise to the finished latent, before anything acts on that."""
        self._reusing.deep.expect((plan, negative is None))
        text = self._text(acting, text, negative)
        x = self._stepping.enter(noise, plan)
        guidance = sampling.guidance if negative else None
        for k in range(plan.calls):
            x = acting.latent(x, plan, k)
            sample = self._stepping.sample(x, plan, k, twice=guidance is not None)
            output = yield from self._call(acting, sample, plan.t[k], k, text, turn)
            x = self._stepping.step(x, output, plan, k, noise, guidance)
        return self._reusing.held(x, turn)

    def _plan(self, sampling: Sampling, bends: Sequence[Bend]) -> Schedule:
        depths = depths_of(bends) if sampling.depth == "insert" else ()
        return schedule(sampling.sampler, self.calls(sampling), self.model.noising, depths)

    def _text(self, acting: FrameBends, text: Versioned, negative: Versioned | None) -> Versioned:
        if negative is not None:
            pair = (negative.tensor, text.tensor)
            key = (negative.version, text.version)
            (text,) = self.memory.recall("guidance", key, lambda: (torch.cat(pair),), step=-1)
        return acting.bent("unet.text", text, None)

    def _call(
        self,
        acting: FrameBends,
        sample: Versioned,
        t: float,
        k: int,
        text: Versioned,
        turn: ReuseContext,
    ) -> Work[Versioned]:
        """Network call k: what it says of a sample at time t."""

        def timed() -> tuple[Tensor, ...]:
            times = torch.full((sample.tensor.shape[0],), t)
            return self._time(send(times, self.model.device), text.tensor)

        (time,) = self.memory.recall("unet.time", (t, text.version), timed, step=k)
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
        return known[self._unet[-1].writes[0]]

    def _run(
        self, acting: FrameBends, stages: Iterable[Stage], known: dict[str, Versioned], k: int
    ) -> Work[None]:
        """Run stages in order over the tensors known by name, and add what they write to them."""
        bent = acting.at
        for stage in stages:
            for name in stage.texts:
                text = known["unet.text"]
                known[name] = acting.bent(name, text, k) if name in bent else text
            if stage.attention is not None:
                even = self._even(stage.name, stage.attention, known[stage.reads[0]])
                for name in stage.attentions:
                    known[name] = acting.bent(name, even, k) if name in bent else even
            for name, value in zip(stage.writes, self._written(stage, known, k), strict=True):
                known[name] = acting.bent(name, value, k) if name in bent else value
            yield stage.work

    def _written(
        self, stage: Stage, known: Mapping[str, Versioned], k: int
    ) -> tuple[Versioned, ...]:
        """What a stage makes of the tensors known by name."""
        read = [known[name] for name in stage.reads]
        size = tuple(known[stage.sized_by].tensor.shape[2:]) if stage.sized_by else None
        runner = self.engine.runner(stage, read, size)
        # The runner is part of the key: what another engine made is not what this one makes.
        key = (*[value.version for value in read], runner)
        return self.memory.recall(
            stage.name, key, lambda: runner(*[value.tensor for value in read]), step=k
        )

    def _joined(self, acting: FrameBends, parts: Sequence[Group], k: int) -> Iterator[Stage]:
        """Yield the stages of groups; a group as one where an engine joins it and nothing is bent
        inside."""
        for part in parts:
            joins = part.whole and self._joins and self.engine.joins(part.whole.name)
            if part.whole and joins and not acting.acts_in(part.hidden, k):
                yield part.whole
            else:
                yield from part.stages

    def _even(self, stage: str, attention: Attention, h: Versioned) -> Versioned:
        """What leaves the attention of a stage that reads h as it is: always the same."""
        key = (stage, h.layout)
        if key not in self._evens:
            self._evens[key] = self.memory.fresh(attention.ones(h.tensor))
        return self._evens[key]

    def _decode(self, acting: FrameBends, x: Versioned) -> Mapping[str, Versioned]:
        known = {"latent": self._stepping.latent(x), "shown": self._frame}
        done(self._run(acting, self._joined(acting, self._vae_groups, 0), known, 0))
        return known
