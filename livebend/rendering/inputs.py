"""What a frame is painted from: the noise of its walk and the embedding of its prompt.

Both go on by themselves in the time of a show: the walk round its circle, prompts that take turns,
the fade to a new prompt, and the way to a preset that was loaded. Owned by the render thread.
"""

import math
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from livebend.core.ranges import eased
from livebend.core.sites import LORA
from livebend.device.memory import Memory, Versioned
from livebend.flow import Tick
from livebend.modulation.phase import Phase, rate_of
from livebend.operators.library import find_operator
from livebend.rendering.prompts import Prompts
from livebend.rendering.reuse import HeldNoise, ReuseContext
from livebend.scene.morph import SceneMorph
from livebend.scene.values import Scene, Walk

Draw = Callable[[int], tuple[Versioned, ...]]
Interpolation = Callable[[Tensor, Tensor, float], Tensor]


class Inputs(NamedTuple):
    """What `Network.paint` reads, besides bends and sampling; its arguments of these names."""

    noise: Versioned
    text: Versioned
    negative: Versioned | None
    toward: Versioned | None
    context: ReuseContext


@dataclass(eq=False)
class KeptInputs:
    """What an `InputSource` keeps from one frame for the next.

    t: how far the scene is on its way, 0..1.
    shown: the prompt and the noise of the last frame.
    origins: those of the frame before a preset was loaded.
    mixed: the fades of the prompts of the mixer, by name.
    """

    morph: SceneMorph
    t: float
    shown: dict[str, Versioned]
    origins: dict[str, Versioned]
    fade: "PromptFade"
    mixed: dict[str, "PromptFade"]
    held: HeldNoise
    phases: "ShowPhases"

    def forget(self) -> None:
        """Keep no tensor: what is on its way is there at once."""
        self.shown, self.origins, self.held = {}, {}, HeldNoise()
        self.fade, self.mixed = PromptFade(), {}


class InputSource:
    """Gives each frame its inputs. In this order: `morphed`, `advance`, then any of the rest."""

    def __init__(
        self,
        prompts: Prompts,
        memory: Memory,
        duration: float | None,
        loras: Collection[str] = (),
        number: int = 0,
    ) -> None:
        """`duration` in seconds ends the progress of the show; None where it has no end.
        `loras` are those on the text encoder.
        `number` tells it apart from others with the same memory.
        """
        self._loras, self._number = loras, number
        self._prompts, self._memory, self._duration = prompts, memory, duration
        self._phases = ShowPhases()
        self.begin()

    def begin(self) -> None:
        """Begin without what was shown before, but where the time of the show has it."""
        self._morph, self._t = SceneMorph(), 1.0
        self._shown: dict[str, Versioned] = {}  # the prompt and the noise of the last frame
        self._origins: dict[str, Versioned] = {}  # those of the frame before a preset was loaded
        self._fade = PromptFade()
        self._mixed: dict[str, PromptFade] = {}  # of the prompts of the mixer, by name
        self._held = HeldNoise()

    @property
    def kept(self) -> KeptInputs:
        """What it keeps for the next frame; setting it goes on from there."""
        return KeptInputs(
            self._morph, self._t, self._shown, self._origins, self._fade, self._mixed, self._held,
            self._phases,
        )  # fmt: skip

    @kept.setter
    def kept(self, kept: KeptInputs) -> None:
        self._morph, self._t, self._phases = kept.morph, kept.t, kept.phases
        self._shown, self._origins = kept.shown, kept.origins
        self._fade, self._mixed, self._held = kept.fade, kept.mixed, kept.held

    def morphed(self, scene: Scene, time: float, bpm: float = 0.0) -> Scene:
        """Return the scene on its way from the one that was played to the one that was loaded, at
        a tempo of `bpm`, 0 = not known."""
        scene, self._t = self._morph.advance(scene, time, bpm)
        if self._t >= 1.0:
            self._origins = {}
        elif self._morph.begun:
            self._fade, self._mixed = PromptFade(), {}  # a preset brings its prompts with it
            self._origins = dict(self._shown)
            if self._morph.keeps_noise:
                self._origins.pop("noise.morph", None)
        return scene

    def advance(self, scene: Scene, playing: Scene, tick: Tick) -> None:
        """Go on to the tick: `scene` as it was given, `playing` as its routes make it."""
        self._phases.advance(scene, playing, tick)

    def forget_noise(self) -> None:
        """Begin the noise anew, because the next frame is painted at another size."""
        self._held = HeldNoise()
        for kept in (self._shown, self._origins):
            kept.pop("noise.morph", None)

    def progress(self, tick: Tick) -> float | None:
        """Return the position in the show, 0..1; None where it has no end."""
        return min(tick.time / self._duration, 1.0) if self._duration else None

    def prompt(self, scene: Scene, tick: Tick) -> str:
        """Return the prompt whose turn it is."""
        prompt = scene.prompt
        if not prompt.turns:
            return prompt.text
        return prompt.now(self._phases.prompts, self.progress(tick))

    def described(self, scene: Scene, tick: Tick) -> str:
        """Return what is painted in words: the prompt, or the shares of those that are mixed."""
        shown = self.prompt(scene, tick)
        mixed = [(m.weight, m.text) for m in scene.mix if m.weight]
        if not mixed:
            return shown
        total = sum(weight for weight, _ in mixed) + scene.prompt.weight
        every = [(scene.prompt.weight, shown), *mixed]
        return " + ".join(f"{weight / total:.0%} {text}" for weight, text in every if weight)

    def text(self, scene: Scene, tick: Tick) -> Versioned:
        """Return the embedding [1, T, C] of the prompt: on its way from the last prompt, then
        between the scene's two, then mixed with those of the mixer.

        The mean of n prompts is n − 1 crossings of two, each at the weight of the next one in the
        sum so far: Σ w·e / Σ w where they are linear. By slerp the order counts a little.
        """
        prompt = scene.prompt
        text = self._faded(self._fade, scene, self.prompt(scene, tick), tick)
        if prompt.to:
            second = self._embedded(scene, prompt.to)
            text = self._crossed("to", text, second, prompt.blend, prompt.mixing)
        total = prompt.weight
        for mixed in scene.mix:
            if mixed.weight == 0.0:
                self._mixed.pop(mixed.name, None)
                continue
            total += mixed.weight
            fade = self._mixed.setdefault(mixed.name, PromptFade())
            other = self._faded(fade, scene, mixed.text, tick, mixed.name)
            text = self._crossed(mixed.name, text, other, mixed.weight / total, prompt.mixing)
        return text

    def _faded(
        self, fade: "PromptFade", scene: Scene, text: str, tick: Tick, step: Hashable = 0
    ) -> Versioned:
        """The embedding of a text, on its way from the last one that had its place."""
        target = self._embedded(scene, text)
        origin, t = fade.advance(text, target, tick.time, scene.prompt.fade)
        fade.shown = self._interpolated("text.fade", origin, target, t, step=step)
        return fade.shown

    def _crossed(self, step: str, a: Versioned, b: Versioned, t: float, mixing: str) -> Versioned:
        """The embedding at t (0..1) from a to b, remembered apart for each `step`."""
        interpolate = slerp_tokens if mixing == "slerp" else torch.lerp
        return self._interpolated("text.mix", a, b, t, interpolate, step=(step, mixing))

    def _embedded(self, scene: Scene, text: str) -> Versioned:
        """The embedding of a text at the strengths of the moment: a LoRA of the text encoder that
        moves has it run in the frame."""
        given = ((a.name, a.strength * a.text) for a in scene.loras if a.name in self._loras)
        strengths = {name: strength for name, strength in given if strength != 0.0}
        if not strengths:
            return self._prompts.value(text)
        key = tuple(sorted(strengths.items()))
        adapted = partial(self._prompts.adapted, text, strengths)
        return self._memory.recall("text.lora", key, lambda: (adapted(),), step=text)[0]

    def frame(self, draw: Draw, scene: Scene, tick: Tick) -> Inputs:
        """Return what this frame is painted from; `draw` is `Network.noise` at its size."""
        guided = scene.sampling.guidance > 1.0
        negative = self._embedded(scene, scene.prompt.negative) if guided else None
        text = self._on_the_way("text.morph", self.text(scene, tick))
        context = self._context(scene, tick)
        held = self._held.of(context, lambda: self._walked(draw, scene.seed, scene.walk))
        noise = self._on_the_way("noise.morph", held, slerp)
        if context.hold > 1:
            context = replace(context, noise=held.version)
        return Inputs(noise, text, negative, self._toward(scene, tick), context)

    def _context(self, scene: Scene, tick: Tick) -> ReuseContext:
        """Reuse ends where a controller asks for another picture at once: not while a prompt fades
        in."""
        prompt = scene.prompt
        shown = () if prompt.fade else (self.prompt(scene, tick), *(m.text for m in scene.mix))
        epoch = (scene.loads, scene.seed, shown, prompt.to, prompt.negative)
        walk = scene.walk.hold
        return ReuseContext(tick.index, tick.time, epoch, scene.reuse, walk, ridden=ridden(scene))

    def _on_the_way(
        self, name: str, new: Versioned, interpolate: Interpolation = torch.lerp
    ) -> Versioned:
        """Return the prompt or the noise on its way from what was shown before a preset."""
        origin = self._origins.get(name, new)
        value = self._shown[name] = self._interpolated(name, origin, new, self._t, interpolate)
        return value

    def _interpolated(
        self,
        name: str,
        a: Versioned,
        b: Versioned,
        t: float,
        interpolate: Interpolation = torch.lerp,
        step: Hashable = 0,
    ) -> Versioned:
        """Return the value at t (0..1) from a to b; at either end it is that one itself. `step`
        tells apart uses of one name."""
        if a.version == b.version or t >= 1.0:
            return b
        if t <= 0.0:
            return a
        step = (self._number, step)
        return self._memory.derive(name, (a, b), (t,), lambda a, b: interpolate(a, b, t), step)

    def _toward(self, scene: Scene, tick: Tick) -> Versioned | None:
        """Return the step from the first prompt to the second, for bends that go along it."""
        if not scene.prompt.to:
            return None
        if not any("toward" in find_operator(bend.operator).given for bend in scene.bends):
            return None
        first = self._embedded(scene, self.prompt(scene, tick))
        second = self._embedded(scene, scene.prompt.to)
        return self._memory.derive(
            "text.step", (first, second), (), lambda a, b: b.float() - a.float(), self._number
        )

    def _walked(self, draw: Draw, seed: int, walk: Walk) -> Versioned:
        """x_T = n0 + r·(cos φ·n1 + sin φ·n2). Source: Dzwonczyk et al. 2024, section 3."""
        still, east, north = draw(seed)
        if walk.radius == 0.0:
            return still
        phi = 2.0 * math.pi * math.fmod(self._phases.walk + walk.phase / 360.0, 1.0)
        size = math.sqrt(1.0 + walk.radius**2) if walk.normalise else 1.0

        def walked() -> tuple[Tensor]:
            x = torch.add(still.tensor, east.tensor, alpha=walk.radius * math.cos(phi))
            x.add_(north.tensor, alpha=walk.radius * math.sin(phi))
            return (x if size == 1.0 else x.div_(size),)

        key = (still.version, walk.radius, phi, size)
        return self._memory.recall("walk", key, walked, step=self._number)[0]


def _phases() -> dict[str, Phase]:
    return {"walk": Phase(), "prompt": Phase()}


@dataclass(eq=False)
class ShowPhases:
    """Where the walk is on its circle and which prompt has its turn: periods since the show began.

    A controller or a route that changes a period changes the pace, never the position. A scene that
    is loaded with another walk or other prompts begins where the time of the show has them.
    """

    walk: float = 0.0
    prompts: float = 0.0
    _phases: dict[str, Phase] = field(default_factory=_phases)
    _before: Scene = field(default_factory=Scene)

    def advance(self, scene: Scene, playing: Scene, tick: Tick) -> None:
        """Go on to the tick: `scene` as it was given, `playing` as its routes make it."""
        if scene.loads != self._before.loads:
            for name in self._phases:
                if getattr(scene, name) != getattr(self._before, name):
                    self._phases[name] = Phase()
        self._before = scene
        walk, prompt = rate_of(playing.walk.period), rate_of(playing.prompt.every)
        self.walk = self._phases["walk"].advance(walk, tick.time, tick.dt)
        self.prompts = self._phases["prompt"].advance(prompt, tick.time, tick.dt)


@dataclass(eq=False)
class PromptFade:
    """The fade from the prompt that was shown to a new one, in the time of the show."""

    shown: Versioned | None = None
    _origin: Versioned | None = None
    _prompt: str | None = None
    _begin: float = 0.0

    def advance(
        self, prompt: str, target: Versioned, time: float, fade: float
    ) -> tuple[Versioned, float]:
        """Return the embedding to come from, and how far to go to that of the prompt: 0..1, eased.

        A fade begins with another prompt, not where the same one is read otherwise.
        """
        if self._prompt is None or self.shown is None:
            self._prompt = prompt
        elif prompt != self._prompt:
            self._origin, self._prompt, self._begin = self.shown, prompt, time
        u = min((time - self._begin) / fade, 1.0) if fade > 0 else 1.0
        if self._origin is None or u >= 1.0:
            return target, 1.0
        return self._origin, eased(u)


def slerp(a: Tensor, b: Tensor, t: float, dim: int | None = None) -> Tensor:
    """Return the noise at t (0..1) along the arc from a to b, so that it keeps its size; with `dim`
    each of its vectors along that dimension goes along an arc of its own.

    y = (sin((1−t)Ω)·a + sin(tΩ)·b)/sin Ω, cos Ω = a·b/(|a||b|). Source: Shoemake 1985, section 3.3.
    """
    norm = partial(torch.linalg.vector_norm, dim=dim, keepdim=dim is not None)
    dot = (a * b).sum() if dim is None else (a * b).sum(dim, keepdim=True)
    cosine = dot / (norm(a) * norm(b))
    omega = torch.acos(cosine.clamp(-0.9999, 0.9999))
    first, second = torch.sin((1.0 - t) * omega), torch.sin(t * omega)
    return (first * a + second * b) / torch.sin(omega)


def slerp_tokens(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the embedding [1, T, C] at t (0..1) from a to b, each token along its own arc."""
    return slerp(a.float(), b.float(), t, dim=-1).to(a.dtype)


def ridden(scene: Scene) -> frozenset[str]:
    """Return the strengths of LoRAs that a route moves, as stages read them: `lora.NAME`."""
    return frozenset(
        f"{LORA}{lora.name}"
        for lora in scene.loras
        if not all(route.mute for route in lora.routes(scene))
    )
