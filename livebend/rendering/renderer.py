"""From a scene, the sound and the time to a frame. Owned by the render thread."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from livebend.core.clock import now
from livebend.core.errors import BendFault, LivebendError
from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import MemoryUse, Status
from livebend.device.memory import FrameRuns, Versioned
from livebend.device.transfer import transfer_for
from livebend.flow import Features, Frame, Pixels, Tick
from livebend.modulation.modulator import Modulation, Modulator
from livebend.operators.library import find_operator
from livebend.rendering.courses import PromptFade, ShowPhases
from livebend.rendering.frame_status import FrameStatus
from livebend.rendering.governor import SceneGovernor
from livebend.rendering.network import Network, Picture
from livebend.rendering.prompts import Prompts
from livebend.rendering.reuse import HeldNoise, ReuseContext
from livebend.scene import edit
from livebend.scene.morph import SceneMorph
from livebend.scene.values import Bend, Scene, Walk

Way = Callable[[Tensor, Tensor, float], Tensor]

HELD_OFF = 2.0  # s that a bend stays out after it made values that are not finite
EASING = 1.0  # s in which its mix then rises again


class Renderer:
    """Paints frames; keeps the last good one, the fade of prompts and what the network remembers.

    `status` is offered the state of the show after every frame. `duration` in seconds gives
    `show.progress` its end; without it progress is 0. `strict` (offline) raises where a live show
    carries on. `target_ms` is the frame time that a governor holds; offline there is none. `small`
    is the same network at a smaller size, for the lightest frames.
    """

    def __init__(
        self,
        network: Network,
        prompts: Prompts,
        statistics: Statistics,
        status: OnDemand[Status],
        *,
        duration: float | None = None,
        strict: bool = False,
        target_ms: float | None = None,
        small: Network | None = None,
    ) -> None:
        self.network = network
        self._sizes = (network, small or network)
        self._prompts = prompts
        self._statistics = statistics
        statistics.ask(lambda: network.described, lambda: _memory_use(network))
        self._status = status
        self._duration = duration
        self._strict = strict
        self._transfer = transfer_for(network.model.device)
        self._strength: Mapping[str, float] = {}
        native, has_small = network.model.steps, small is not None
        self._governed = SceneGovernor(target_ms, native, small=has_small) if target_ms else None
        self._modulator = Modulator()
        self._morph = SceneMorph()
        self._shown: dict[str, Versioned] = {}  # the prompt and the noise of the last frame
        self._origins: dict[str, Versioned] = {}  # those of the frame before a preset was loaded
        self._fade = PromptFade()
        self._courses = ShowPhases()
        self._held = HeldNoise()
        self._held_off: dict[str, float] = {}
        self._good: Pixels | None = None
        self._refused: Mapping[str, str] = {}
        self._loads = 0

    def __call__(self, scene: Scene, features: Features, tick: Tick) -> Frame:
        """Paint the frame of this tick."""
        begin = now()
        scene, share = self._morphed(scene, tick)
        playing, modulation = self._played(scene, features, tick)
        playing = self._without_faulty(playing, tick)
        playing = self._lightened(playing)
        self._begin(scene, tick)
        playing, painted = self._painted(playing, tick, share)
        pixels = self._checked(painted, playing, tick)
        ran = self.network.memory.ran
        taken = (now() - begin) * 1e3
        self._statistics.frame(taken, _stage_ms(ran), _share(ran), self._strength)
        if self._governed and (told := self._governed.after(taken)):
            self._statistics.notice(told)
        said, off = self._said(playing, tick), dict(self._held_off)
        glance = FrameStatus(
            playing, tick, features, modulation, said, self._strength, off, self.network.enlarged
        )
        self._status.offer(partial(glance.status, self._statistics))
        return Frame(pixels, tick.index, tick.time, features.time, tick.presentation)

    @torch.inference_mode()
    def follow(self, scene: Scene, features: Features, tick: Tick) -> None:
        """Follow sound and prompts through this tick without painting."""
        playing, _ = self._played(self._morphed(scene, tick)[0], features, tick)
        self._text(playing, tick)

    def _morphed(self, scene: Scene, tick: Tick) -> tuple[Scene, float]:
        """Return the scene on its way from the one that was played, and its share of the way."""
        scene, share = self._morph.advance(scene, tick.time)
        if share >= 1.0:
            self._origins = {}
        elif self._morph.begun:
            self._fade = PromptFade()  # a preset brings its prompt with it
            self._origins = dict(self._shown)
            if self._morph.keeps_noise:
                self._origins.pop("noise.morph", None)
        return scene, share

    def _lightened(self, scene: Scene) -> Scene:
        """Return the scene as the governor has it painted, on the network that it is painted by."""
        if self._governed is None:
            return scene
        scene = self._governed.before(scene)
        network = self._sizes[self._governed.small]
        if network is not self.network:
            self.network, self._held = network, HeldNoise()
            for kept in (self._shown, self._origins):
                kept.pop("noise.morph", None)  # of the other size
            network.begin_anew()
        return scene

    def _begin(self, scene: Scene, tick: Tick) -> None:
        """Begin a frame; after a preset or a panic without what the frames before left behind."""
        self.network.frame(tick.dt)
        if scene.loads != self._loads:
            self.network.begin_anew()
            self._loads = scene.loads

    def _played(self, scene: Scene, features: Features, tick: Tick) -> tuple[Scene, Modulation]:
        """Follow the sound, and what goes round in time; return the scene as its routes make it."""
        modulation = self._modulate(scene, features, tick)
        playing = edit.with_values(scene, modulation.values)
        self._courses.step(scene, playing, tick)
        return playing, modulation

    def _modulate(self, scene: Scene, features: Features, tick: Tick) -> Modulation:
        progress = self._progress(tick)
        modulation = self._modulator.modulate(scene, features, tick.time, tick.dt, progress or 0.0)
        for route, why in modulation.refused.items():
            if self._refused.get(route) != why:
                self._statistics.notice(f"route.{route} is left out: {why}", "warning")
        self._refused = modulation.refused
        return modulation

    def _progress(self, tick: Tick) -> float | None:
        """The place in the show, 0..1; None where it has no end."""
        return min(tick.time / self._duration, 1.0) if self._duration else None

    @torch.inference_mode()
    def _paint(self, scene: Scene, tick: Tick, share: float = 1.0) -> Picture:
        guided = scene.sampling.guidance > 1.0
        negative = self._prompts.value(scene.prompt.negative) if guided else None
        text = self._crossed("text.morph", self._text(scene, tick), share)
        turn = self._turn(scene, tick)
        held = self._held.step(turn, lambda: self._walk(scene.seed, scene.walk))
        noise = self._crossed("noise.morph", held, share, slerp)
        trace, toward = self._modulator.history.trace, self._toward(scene, tick)
        return self.network.paint(
            noise,
            text,
            scene.bends,
            scene.sampling,
            negative,
            trace,
            toward,
            replace(turn, noise=held.version),
        )

    def _turn(self, scene: Scene, tick: Tick) -> ReuseContext:
        """Which frame this is. What hands ask for at once ends what was reused; a prompt that
        fades in does not."""
        prompt = scene.prompt
        said = "" if prompt.fade else self._said(scene, tick)
        epoch = (scene.loads, scene.seed, said, prompt.to, prompt.negative)
        return ReuseContext(tick.index, tick.time, epoch, scene.reuse, scene.walk.hold)

    def _crossed(self, name: str, new: Versioned, share: float, way: Way = torch.lerp) -> Versioned:
        """The prompt or the noise on the way from what was shown when a preset was loaded."""
        value = self._between(name, self._origins.get(name, new), new, share, way)
        self._shown[name] = value
        return value

    def _between(
        self, name: str, a: Versioned, b: Versioned, share: float, way: Way = torch.lerp
    ) -> Versioned:
        """The value `share` (0..1) of the way from a to b; at either end it is that one itself."""
        if a.version == b.version or share >= 1.0:
            return b
        if share <= 0.0:
            return a
        key = (a.version, b.version, share)
        return self.network.memory.recall(name, key, lambda: (way(a.tensor, b.tensor, share),))[0]

    def _toward(self, scene: Scene, tick: Tick) -> Versioned | None:
        """The step from the first prompt to the second, for bends that go along it."""
        asked = any("toward" in find_operator(bend.operator).given for bend in scene.bends)
        if not asked or not scene.prompt.to:
            return None
        first = self._prompts.value(self._said(scene, tick))
        second = self._prompts.value(scene.prompt.to)
        return self.network.memory.recall(
            "text.step",
            (first.version, second.version),
            lambda: (second.tensor.float() - first.tensor.float(),),
        )[0]

    def _text(self, scene: Scene, tick: Tick) -> Versioned:
        """The embedding that this frame is painted from: crossing from an old prompt, and between
        the scene's two."""
        prompt = scene.prompt
        target = self._prompts.value(self._said(scene, tick))
        origin, share = self._fade.step(target, tick.time, prompt.fade)
        text = self._between("text.fade", origin, target, share)
        self._fade.shown = text
        if not prompt.to:
            return text
        return self._between("text.blend", text, self._prompts.value(prompt.to), prompt.blend)

    def _said(self, scene: Scene, tick: Tick) -> str:
        return scene.prompt.now(self._courses.prompts, self._progress(tick))

    def _walk(self, seed: int, walk: Walk) -> Versioned:
        """x_T = n0 + r·(cos φ·n1 + sin φ·n2). Source: Dzwonczyk et al. 2024, section 3."""
        still, east, north = self.network.noise(seed)
        if walk.radius == 0.0:
            return still
        phi = 2.0 * math.pi * math.fmod(self._courses.walk + walk.phase / 360.0, 1.0)
        size = math.sqrt(1.0 + walk.radius**2) if walk.normalise else 1.0

        def walked() -> tuple[Tensor]:
            x = torch.add(still.tensor, east.tensor, alpha=walk.radius * math.cos(phi))
            x.add_(north.tensor, alpha=walk.radius * math.sin(phi))
            return (x if size == 1.0 else x.div_(size),)

        key = (still.version, walk.radius, phi, size)
        return self.network.memory.recall("walk", key, walked)[0]

    # ---- faults ------------------------------------------------------------------------------

    def _without_faulty(self, scene: Scene, tick: Tick) -> Scene:
        """Leave bends out that were held off a short while ago, and ease them in again."""
        back = {n: (tick.time - end) / EASING for n, end in self._held_off.items()}
        self._held_off = {n: end for n, end in self._held_off.items() if back[n] < 1.0}
        if not self._held_off:
            return scene
        return replace(scene, bends=tuple(_eased(b, back.get(b.name, 1.0)) for b in scene.bends))

    def _painted(self, scene: Scene, tick: Tick, share: float) -> tuple[Scene, Picture]:
        """Paint the scene, without the bends whose operators fail; return what was painted."""
        try:
            return scene, self._paint(scene, tick, share)
        except BendFault as fault:
            if self._strict:
                raise
            self._hold_off([fault.bend], str(fault), tick)
        return self._painted(self._without_faulty(scene, tick), tick, share)

    def _checked(self, painted: Picture, scene: Scene, tick: Tick) -> Pixels:
        """Return the picture's pixels, or the last good ones where it is not finite."""
        if (pixels := self._fetched(painted)) is not None:
            self._good = pixels
            return pixels
        guilty = self.network.culprits()
        text = f"{' and '.join(guilty) or 'the network'} made values that are not finite"
        if self._strict:
            raise LivebendError(f"frame {tick.index}: {text}")
        self.network.begin_anew()
        self._statistics.count("nonfinite_frames")
        self._hold_off(guilty, text, tick)
        return self._plain(scene, tick) if self._good is None else self._good

    def _fetched(self, painted: Picture) -> Pixels | None:
        """Bring a picture and its bends' strengths to the host, in one wait; return its pixels,
        read-only, or None where the image is not finite."""
        numbers = (painted.total.tensor, *painted.strength.values())
        pixels, (total, *strength) = self._transfer.fetch(painted.pixels.tensor, numbers)
        self._strength = dict(zip(painted.strength, strength, strict=True))
        pixels.setflags(write=False)
        return pixels if math.isfinite(total) else None

    def _hold_off(self, bends: Sequence[str], why: str, tick: Tick) -> None:
        self._statistics.notice(f"{why}; left out for {HELD_OFF:g} s", "warning")
        self._held_off.update(dict.fromkeys(bends, tick.time + HELD_OFF))

    def _plain(self, scene: Scene, tick: Tick) -> Pixels:
        """The picture without bends, for a fault in the first frame."""
        pixels = self._fetched(self._paint(replace(scene, bends=()), tick))
        width, height = self.network.shown
        return np.full((height, width, 3), 32, np.uint8) if pixels is None else pixels


def _eased(bend: Bend, back: float) -> Bend:
    """Return a bend muted before its time (back < 0) and then with a share of its mix, eased."""
    u = min(max(back, 0.0), 1.0)
    return replace(bend, mute=bend.mute or u == 0.0, mix=bend.mix * u * u * (3.0 - 2.0 * u))


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return the noise `share` of the way along the arc from a to b, so that it keeps its size.

    y = (sin((1−t)Ω)·a + sin(tΩ)·b)/sin Ω, cos Ω = a·b/(|a||b|). Source: Shoemake 1985, section 3.3.
    """
    cosine = (a * b).sum() / (torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b))
    omega = torch.acos(cosine.clamp(-0.9999, 0.9999))
    first, second = torch.sin((1.0 - share) * omega), torch.sin(share * omega)
    return (first * a + second * b) / torch.sin(omega)


def _memory_use(network: Network) -> MemoryUse:
    used, most, evicted = network.memory.state
    return MemoryUse(used / 1e6, most / 1e6, evicted)


def _stage_ms(ran: FrameRuns) -> dict[str, float]:
    return {name: seconds * 1e3 for name, seconds in ran.seconds.items()}


def _share(ran: FrameRuns) -> float:
    """The share of this frame's computations that ran; the rest was remembered."""
    total = len(ran.seconds) + ran.remembered
    return len(ran.seconds) / total if total else 0.0
