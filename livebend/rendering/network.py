"""The network at work: stages, bends between them, and a sampler round them, all remembered.

A frame walks from noise to pixels through `Memory.recall`, so that only computations whose inputs
changed run: prompt, noise, step, what lies upstream, and the values of bends.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from livebend.bending.apply import check_given
from livebend.bending.clusters import Clusters
from livebend.bending.feedback_state import FeedbackState, Made
from livebend.bending.frame_bends import FrameBends, by_site, depths_of
from livebend.bending.mask_cache import MaskCache, Trace, silence
from livebend.core.channels import check_channels
from livebend.core.errors import ModelError, OutOfRange, Refused
from livebend.core.sites import LATENT, LORA, TEXT, TIME, check_place, place
from livebend.device.gpu import wait_for
from livebend.device.memory import Memory, Versioned
from livebend.device.torch_threads import compute_with
from livebend.device.transfer import send
from livebend.models.adapted_layers import zero
from livebend.models.attention import Attention
from livebend.models.backends.engine import Engine
from livebend.models.checkpoint import Model
from livebend.models.img2img import begun
from livebend.models.sampler import Schedule
from livebend.models.stage_groups import Group, groups
from livebend.models.stages import Stage, sites_of, time_stage, unet_stages, vae_stages
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.ahead import Work, done
from livebend.rendering.picture_input import PictureEncoder, Start
from livebend.rendering.reuse import EXACT, NetworkReuse, ReuseContext
from livebend.rendering.sampler_steps import Calls, SamplerSteps
from livebend.scene.values import Bend, Lora, Sampling, Scene


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    `pixels` uint8 [H, W, 3].
    `total` float32 [], the sum of the image's magnitudes: finite where all of them are.
    `image` [1, 3, H, W] in −1..1 before it is clamped; None where an engine joined it with others.
    `strength` d of every bend that acted, by name, float32 [].
    """

    pixels: Versioned
    total: Versioned
    image: Versioned | None
    strength: Mapping[str, Tensor]


@dataclass(frozen=True)
class Setup:
    """What a model runs with, at any size.

    `engine` runs its stages, `memory` keeps what they made.
    `off` (0..1) is how far its pictures were measured to be from float32's.
    `drawn` are the drawn masks, `clusters` those of its channels, that bends may name.
    """

    engine: Engine = field(default_factory=Engine)
    memory: Memory = field(default_factory=Memory)
    off: float = 0.0
    drawn: DrawnMasks = field(default_factory=DrawnMasks)
    clusters: Clusters = field(default_factory=Clusters)


class Network:
    """A model at one size of picture. Owned by the render thread."""

    def __init__(
        self,
        model: Model,
        width: int,
        height: int,
        setup: Setup | None = None,
        shown: tuple[int, int] | None = None,
    ) -> None:
        """`width` and `height` in pixels; `shown` (W, H) is what its frames are enlarged to.

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
        self.setup = setup = setup or Setup()
        self.engine, self.memory = setup.engine, setup.memory
        self._masks = MaskCache(self.memory, setup.drawn)
        self._unet = unet_stages(model.unet, *self.shape[2:])
        self._vae = vae_stages(model.vae)
        self._unet_groups, self._vae_groups = groups(self._unet), groups(self._vae)
        self._names = tuple(stage.name for stage in self.stages)
        self._encoder = PictureEncoder(self.memory, self.engine, model) if model.encoder else None
        self._joins = True
        self._plain_attention: dict[tuple[str, int], Versioned] = {}
        self._time = time_stage(model.unet)
        self._no_lora = self.memory.fresh(zero(model.device, model.dtype))
        self._sampler = SamplerSteps(self.memory, model, self._normal)
        self._feedback = FeedbackState()
        self._bends = FrameBends(self.memory, self._masks, self._feedback)
        self._reuse = NetworkReuse(self.memory)
        self._read: Sequence[Versioned] = ()  # of the last picture: its text, and what was
        self._latent: Sequence[Versioned] = ()  # handed to the decoder

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
        """What the stages run on now, in one line: backends, precision, device, threads."""
        backends = self.engine.described(self._names)
        off = f" ({self.setup.off:.1%} off float32)" if self.setup.off else ""
        model = self.model
        made_for = f"{backends}; {model.sampled}"
        return f"{made_for}; {model.precision}{off} {self.engine.target}"

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The stages of every group that an engine may run as one, by its name."""
        parts = (*self._unet_groups, *self._vae_groups)
        return {p.whole.name: tuple(s.name for s in p.stages) for p in parts if p.whole}

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Every site a bend may name, in reading order; `latent` takes a depth."""
        return (TEXT, LATENT, TIME, *sites_of(self._unet), *sites_of(self._vae))

    @property
    def sees(self) -> bool:
        """Whether it has an encoder, and can begin at a picture."""
        return self._encoder is not None

    def check(self, scene: Scene) -> Scene:
        """Return the scene if this network can play it. Raises: Refused, UnknownName."""
        if scene.echo.decay > 0.0 and not self.sees:
            decay = f"echo.decay = {scene.echo.decay:g}"
            raise Refused(f"{decay}: the show has no encoder: begin it with --picture echo")
        for bend in scene.bends:
            check_place(bend.site, self.sites)
            check_channels(self._listed(bend).channels)
            self._masks.check(bend)
            check_given(bend)
        if scene.other is not None:
            self.check(scene.other)
        return scene

    def sampled(self, sampling: Sampling) -> Sampling:
        """Return how a picture is sampled, with the model's own where `sampling` leaves it open."""
        noising, own = self.model.noising, self.model.guidance or 1.0
        return replace(
            sampling,
            sampler=noising.sampler if sampling.sampler == "auto" else sampling.sampler,
            steps=sampling.steps or self.model.steps,
            guidance=sampling.guidance or own,
        )

    def calls(self, sampling: Sampling) -> int:
        """Network calls per frame, without inserted ones."""
        return sampling.steps or self.model.steps

    def noise(self, seed: int, extra: int = 2, *, after: int = 0) -> tuple[Versioned, ...]:
        """Standard normal latents of a seed, float32: the one that diffusers draws for it, then
        `extra` more. `after` are drawn before it and left out."""
        key = (seed, extra, self.shape)
        drawn = partial(self._draw, seed, after + extra)
        return self.memory.recall("noise", key, lambda: drawn()[after:], step=after)

    def draw_for(self, begins_at_picture: bool) -> Callable[[int], tuple[Versioned, ...]]:
        """Return `noise` for a frame. Where it begins at a picture, a full encoder's latent is
        drawn from the same seed, before the noise."""
        drawn = begins_at_picture and self._encoder is not None and self._encoder.samples
        return partial(self.noise, after=1) if drawn else self.noise

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
        context: ReuseContext = EXACT,
        loras: Sequence[Lora] = (),
        start: Start | None = None,
        seed: int = 0,
        image: Versioned | None = None,
    ) -> Picture:
        """Paint one picture from a variance-preserving noise and a prompt's embedding [1, T, C].

        `negative` turns classifier-free guidance on, at the strength of `sampling.guidance`.
        `trace(feature, span)` gives a feature's recent history to the masks that show it.
        `toward` is the step from this prompt to the second, for operators that take it.
        `context` says which frame this is and what it may reuse of earlier ones.
        `loras` are at their strengths, others of the model are off.
        `start` is a picture to begin at; `seed` draws its latent, where the encoder has that drawn.
        `image` [1, 3, H, W] is the picture that came in, for masks that show it.
        """
        sampling, strengths = self.sampled(sampling), self._strengths(loras)
        self._reuse.follow(context)
        self._feedback.toward, self._masks.image = toward, image
        placed = by_site([self._listed(bend) for bend in bends])
        split = sampling.depth == "split"
        self._bends = active = FrameBends(
            self.memory, self._masks, self._feedback, placed, trace, split
        )
        plan = self._plan(sampling, bends, start)
        latent = None if start is None else self._encoded(start.image, seed)
        finished = partial(
            self._finished, noise, text, sampling, negative, plan, context, strengths, latent
        )
        if context.reuse.tween > 1:
            whole = plan.calls * sum(stage.work for stage in self._unet)
            x = self._reuse.tweened(context, active, finished, whole)
        else:
            x = done(finished(active))
        x = active.latent(x, plan, plan.calls)
        self._read, self._latent = [text, *([negative] if negative else [])], [x]
        made = self._decode(active, x)
        return Picture(made["pixels"], made["total"], made.get("image"), active.strength)

    def frame(self, dt: float = 0.0) -> None:
        """Begin a frame, `dt` s after the last, before `paint`: what it runs is counted anew, and
        what bends made in the last one is now the past."""
        self.memory.begin_frame()
        self._feedback.advance(dt)

    def twin(self) -> "Network":
        """Return a network of the same model, engine and size that remembers nothing."""
        setup = replace(self.setup, memory=Memory(self.memory.byte_cap))
        return Network(self.model, self.width, self.height, setup, self.shown)

    def begin_anew(self) -> None:
        """Forget what earlier frames left: after a preset, or values that were not finite."""
        self._feedback.forget()
        self._reuse.forget()

    @property
    def made(self) -> Made:
        """What bends that take their past made in the last frame; setting it begins anew with
        that."""
        return self._feedback.made

    @made.setter
    def made(self, made: Made) -> None:
        self.begin_anew()
        self._feedback.made = made

    def prepare(self, *, guided: bool = False) -> None:
        """Load what the engine needs for frames of this size, without and, where `guided`, with
        guidance. Slow, and before a show; a show never exports or compiles anything."""
        text = Versioned(-1, self.model.encode([""]))
        with self.engine.preparing():
            for negative in (None, text) if guided else (None,):
                with self.unjoined():
                    self._rehearse(text, negative)
                self._rehearse(text, negative)
        compute_with(self.engine.torch_threads)
        self.memory.forget()

    def _rehearse(self, text: Versioned, negative: Versioned | None) -> None:
        self.memory.forget()
        loras = [Lora(name) for name in self.model.loras]  # on, so that they are compared as well
        sampling = Sampling("euler", 1, 2.0)
        black = torch.full((1, 3, self.height, self.width), -1.0, device=self.model.device)
        start = Start(Versioned(-1, black), 1.0) if self._encoder else None
        self.paint(self.noise(0)[0], text, (), sampling, negative, loras=loras, start=start)

    @contextmanager
    def unjoined(self) -> Iterator[None]:
        """Run every stage on its own inside, and wait for its end: to look at one stage."""
        before, self._joins = self._joins, False
        try:
            with self.to_their_ends():
                yield
        finally:
            self._joins = before

    @contextmanager
    def to_their_ends(self) -> Iterator[None]:
        """Wait inside for the end of every computation on the device, so that it can be timed."""
        with self.memory.settling(partial(wait_for, self.model.device)):
            yield

    @property
    def acted(self) -> FrameBends:
        """The bends of the last picture, which know what each of them did."""
        return self._bends

    def unsound_part(self) -> str:
        """Which part of the model made the first values that are not finite of a last picture
        without bends. It waits for the device: for after a fault only."""
        made = {"text encoder": self._read, "unet": self._latent}
        return next((part for part, x in made.items() if not _is_finite(x)), "decoder")

    def _listed(self, bend: Bend) -> Bend:
        """The bend with its channels as numbers, where it names clusters."""
        channels = self.setup.clusters.listed(place(bend.site).site, bend.channels)
        return bend if channels is bend.channels else replace(bend, channels=channels)

    # ---- parts of a frame --------------------------------------------------------------------

    def _draw(self, seed: int, extra: int) -> tuple[Tensor, ...]:
        """Drawn on the host, so that a seed means the same picture on every device."""
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
        context: ReuseContext,
        strengths: Mapping[str, Versioned],
        picture: Versioned | None,
        active: FrameBends,
    ) -> Work[Versioned]:
        """From the noise, or the latent of a picture, to the finished latent, before that is bent.

        It is a generator, here and below, so that this work can be spread over frames: it yields
        after every stage, and the next frame may go on from there (`ahead`). A frame that is
        painted at once runs through it (`done`).
        """
        self._reuse.deep.sample_by((plan, negative is None, context.reuse.level))
        text = self._text(active, text, negative)
        x = self._sampler.enter(noise, plan, picture)
        guidance = sampling.guidance if negative else None
        calls: Calls = []
        for k in range(plan.calls):
            x = active.latent(x, plan, k)
            sample = self._sampler.sample(x, plan, k, twice=guidance is not None)
            output = yield from self._call(active, sample, plan.t[k], k, text, context, strengths)
            x = self._sampler.step(x, output, plan, k, noise, guidance, calls)
        return self._reuse.held(x, context)

    def _strengths(self, loras: Sequence[Lora]) -> Mapping[str, Versioned]:
        """The strength [1] of every LoRA of the model, by the name under which stages read it."""
        given = {lora.name: lora.strength for lora in loras}
        return {LORA + n: self._strength(n, given.get(n, 0.0)) for n in self.model.loras}

    def _strength(self, name: str, strength: float) -> Versioned:
        if strength == 0.0:
            return self._no_lora

        def made() -> tuple[Tensor]:
            one = torch.full((1,), strength, dtype=self.model.dtype)
            return (send(one, self.model.device),)

        return self.memory.recall("lora", strength, made, step=name)[0]

    def _plan(self, sampling: Sampling, bends: Sequence[Bend], start: Start | None) -> Schedule:
        depths = depths_of(bends) if sampling.depth == "insert" else ()
        strength = 1.0 if start is None else start.strength
        calls = self.calls(sampling)
        return begun(sampling.sampler, calls, self.model.noising, depths, strength)

    def _encoded(self, image: Versioned, seed: int) -> Versioned:
        if self._encoder is None:
            raise ModelError("a picture needs an encoder, which is loaded with --picture")
        draw = self.noise(seed, 0)[0] if self._encoder.samples else None
        return self._encoder.latent(image, draw)

    def _text(self, active: FrameBends, text: Versioned, negative: Versioned | None) -> Versioned:
        if negative is not None:
            pair = (negative.tensor, text.tensor)
            key = (negative.version, text.version)
            (text,) = self.memory.recall("guidance", key, lambda: (torch.cat(pair),), step=-1)
        return active.bent("unet.text", text, None)

    def _call(
        self,
        active: FrameBends,
        sample: Versioned,
        t: float,
        k: int,
        text: Versioned,
        context: ReuseContext,
        strengths: Mapping[str, Versioned],
    ) -> Work[Versioned]:
        """Network call k: the unet's output for a sample at time t."""

        def timed(*read: Tensor) -> tuple[Tensor, ...]:
            times = torch.full((sample.tensor.shape[0],), t)
            return self._time.run(send(times, self.model.device), *read)

        known = {"sample": sample, TEXT: text, **strengths}
        read = [known[name] for name in self._time.reads[1:]]
        key = (t, *[value.version for value in read])
        (time,) = self.memory.recall(TIME, key, timed, step=k, read=read)
        known[TIME] = active.bent(TIME, time, k)
        if context.reuse.deep > 1:
            yield from self._reuse.deeply(context, active, self._unet, known, k, self._run)
        elif context.reuse.tween > 1:  # stage by stage, to be spread evenly
            yield from self._run(active, self._unet, known, k)
        else:
            joined = self._joined(active, self._unet_groups, k, context.ridden)
            yield from self._run(active, joined, known, k)
        return known[self._unet[-1].writes[0]]

    def _run(
        self, active: FrameBends, stages: Iterable[Stage], known: dict[str, Versioned], k: int
    ) -> Work[None]:
        """Run stages in order over the tensors known by name, and add what they write to them."""
        bent = active.at
        for stage in stages:
            for name in stage.texts:
                text = known["unet.text"]
                known[name] = active.bent(name, text, k) if name in bent else text
            if stage.attention is not None:
                plain = self._plain(stage.name, stage.attention, known[stage.reads[0]])
                for name in stage.attentions:
                    known[name] = active.bent(name, plain, k) if name in bent else plain
            known.update(zip(stage.writes, self._written(stage, known, k), strict=True))
            for name in stage.writes:
                if name in bent:
                    known[name] = active.bent(name, known[name], k)
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
        return self.memory.recall(stage.name, key, runner, step=k, read=read)

    def _joined(
        self,
        active: FrameBends,
        parts: Sequence[Group],
        k: int,
        ridden: frozenset[str] = frozenset(),
    ) -> Iterator[Stage]:
        """Yield the stages of groups: a whole group at once where the engine has it joined, nothing
        is bent inside and no LoRA whose strength is ridden begins inside."""
        for part in parts:
            joins = part.whole and self._joins and self.engine.joins(part.whole)
            inside = active.acts_in(part.hidden, k) or ridden & part.late_loras
            if part.whole and joins and not inside:
                yield part.whole
            else:
                yield from part.stages

    def _plain(self, stage: str, attention: Attention, h: Versioned) -> Versioned:
        """The factor that leaves the attention of a stage as it is: the same for every h of a
        shape."""
        key = (stage, h.layout)
        if key not in self._plain_attention:
            self._plain_attention[key] = self.memory.fresh(attention.ones(h.tensor))
        return self._plain_attention[key]

    def _decode(self, active: FrameBends, x: Versioned) -> Mapping[str, Versioned]:
        known = {"latent": self._sampler.latent(x), "shown": self._frame}
        done(self._run(active, self._joined(active, self._vae_groups, 0), known, 0))
        return known


def _is_finite(made: Iterable[Versioned]) -> bool:
    return all(bool(value.tensor.isfinite().all()) for value in made)
