"""From a scene, the sound and the time to a frame. Owned by the render thread."""

import math
import traceback
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from livebend.core.clock import SystemTime, now
from livebend.core.errors import BendFault, LivebendError, lacks_memory
from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import MemoryUse, Status
from livebend.device.memory import FrameRuns
from livebend.device.transfer import transfer_for
from livebend.flow import Features, Frame, PictureSource, Pixels, Tick
from livebend.modulation.band_time import BandTime
from livebend.modulation.beats import Beats
from livebend.modulation.modulator import Modulation
from livebend.rendering.deck import Decks
from livebend.rendering.faults import FaultyBends
from livebend.rendering.frame_status import FrameStatus
from livebend.rendering.governor import SceneGovernor
from livebend.rendering.inputs import InputSource
from livebend.rendering.kept import Kept
from livebend.rendering.memory_shortage import MemoryShortage
from livebend.rendering.network import Network, Picture
from livebend.rendering.picture_input import PictureInput
from livebend.rendering.prompts import Prompts
from livebend.scene.values import Sampling, Scene

HALF = "try --dtype float32, or another model"
GREY = 32  # of 255: the picture where the first one failed, even without bends


class Renderer:
    """Paints frames, and keeps the last good one for those that fail."""

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
        pictures: PictureSource | None = None,
    ) -> None:
        """`status` is offered the state of the show after every frame.

        `duration` in s gives `show.progress` its end; without it progress is 0.
        `strict` raises where a live show carries on: offline.
        `target_ms` is the frame time that a governor holds; without it there is none.
        `small` is the same network at a smaller size, for the lightest frames of a governor.
        `pictures` are what painting begins at; without them that is noise.
        """
        self.network = network
        self._whole = network
        self._shortage = MemoryShortage(network, small)
        self._statistics = statistics
        statistics.watch(lambda: network.described, lambda: _memory_use(network))
        self._status = status
        self._strict = strict
        self._transfer = transfer_for(network.model.device)
        self._strength: Mapping[str, float] = {}
        native, has_small = network.model.steps, small is not None
        self._governed = SceneGovernor(target_ms, native, small=has_small) if target_ms else None
        self._band = BandTime()
        self.beats = Beats()  # of the last frame
        loras = network.model.text_loras
        inputs = partial(InputSource, prompts, network.memory, duration, loras)
        self._decks = Decks(inputs, network.memory, self._sampled)
        self._pictures = PictureInput(pictures, network.memory, network.model.device)
        self._faulty = FaultyBends(statistics)
        self._good: Pixels | None = None
        self._refused: Mapping[str, str] = {}
        self._loads = 0, 0  # scenes loaded on a deck, and which
        self._other = ""  # what stands on the other side

    def __call__(self, scene: Scene, features: Features, tick: Tick) -> Frame:
        """Paint the frame of this tick."""
        begin = now()
        playing, modulation = self._modulated(scene, features, tick)
        playing, painted = self._painted(self._lightened(self._faulty.without(playing, tick)), tick)
        pixels = self._checked(painted, playing, tick)
        self._report(playing, modulation, tick, (now() - begin) * 1e3)
        return Frame(pixels, tick.index, tick.time, features.time, tick.presentation)

    @torch.inference_mode()
    def follow(self, scene: Scene, features: Features, tick: Tick) -> None:
        """Follow sound, prompts and noise through this tick without painting."""
        playing, _ = self._modulated(scene, features, tick)
        if self._is_loaded(scene):
            self.cut()
        begins = self._pictures.follow(playing, tick)
        self._decks.frame(self.network.draw_for(begins), playing, tick)

    def cut(self) -> None:
        """Begin the next frame without what painted ones left, as if none had been painted."""
        self.network.begin_anew()
        self._pictures.keep(None)

    @property
    def kept(self) -> Kept:
        """What is kept from the last frame for the next; setting it goes on from there, with the
        frames of another renderer."""
        return Kept(
            self._band, self._decks.kept, self._loads, self.network.made, self._pictures.last
        )

    @kept.setter
    def kept(self, kept: Kept) -> None:
        self._band, self._decks.kept, self._loads = kept.band, kept.decks, kept.loads
        self.network.made = kept.made
        self._pictures.keep(kept.shown)

    def _sampled(self, sampling: Sampling) -> Sampling:
        """With the model's own where it is left open, of the network of the moment."""
        return self.network.sampled(sampling)

    # ---- what is played ----------------------------------------------------------------------

    def _modulated(self, scene: Scene, features: Features, tick: Tick) -> tuple[Scene, Modulation]:
        """Return the scene as its routes make it, and how they came to that."""
        features = self._band.apply(scene.tempo, features, tick.time, tick.dt)
        self.beats = Beats(tick.time, scene.tempo, features)
        self._other = "" if scene.other is None else scene.other.title
        playing, modulation = self._decks.play(scene, self.beats, tick)
        for route, why in modulation.refused.items():
            if self._refused.get(route) != why:
                self._statistics.notice(f"route.{route} is left out: {why}", "warning")
        self._refused = modulation.refused
        return playing, modulation

    def _lightened(self, scene: Scene) -> Scene:
        """Return the scene as the governor has it painted."""
        return scene if self._governed is None else self._governed.before(scene)

    def _begun(self, scene: Scene, tick: Tick) -> Scene:
        """Begin a frame; after a preset or a panic without what the frames before left behind.
        Return the scene as there is memory for it."""
        scene = self._shortage.lightened(scene)
        small = self._shortage.is_small or (self._governed is not None and self._governed.small)
        network = (self._shortage.small if small else None) or self._whole
        if network is not self.network:
            self.network = network
            self._decks.forget_noise()
            network.begin_anew()
        network.frame(tick.dt)
        if self._is_loaded(scene):
            self.cut()
        return scene

    def _is_loaded(self, scene: Scene) -> bool:
        """Whether the scene has been loaded on its deck since the last frame."""
        (loads, deck), self._loads = self._loads, (scene.loads, scene.deck)
        return scene.loads != loads and scene.deck == deck

    # ---- the picture -------------------------------------------------------------------------

    def _painted(self, scene: Scene, tick: Tick) -> tuple[Scene, Picture]:
        """Paint the scene, without the bends whose operators fail, and lighter where memory lacks;
        return what was painted."""
        playing = self._begun(scene, tick)
        while True:
            try:
                return playing, self._paint(playing, tick)
            except BendFault as fault:
                if self._strict:
                    raise
                self._faulty.leave_out([fault.bend], str(fault), tick)
                playing = self._faulty.without(playing, tick)
            except (MemoryError, RuntimeError) as fault:
                if self._strict or not lacks_memory(fault):
                    raise
                traceback.clear_frames(fault.__traceback__)  # they hold what was computed so far
                if not (said := self._shortage.step(scene)):
                    raise
                self._statistics.notice(said, "warning")
                playing = self._begun(self._faulty.without(scene, tick), tick)

    @torch.inference_mode()
    def _paint(self, scene: Scene, tick: Tick) -> Picture:
        network = self.network
        size = (network.height, network.width)
        image = self._pictures.image(scene, tick, size)
        starts = network.sees or image is not None
        start = self._pictures.start(scene, tick, image, size) if starts else None
        inputs = self._decks.frame(network.draw_for(start is not None), scene, tick)
        trace = self._decks.near.modulator.history.trace
        painted = network.paint(
            bends=scene.bends,
            sampling=scene.sampling,
            trace=trace,
            loras=scene.loras,
            start=start,
            seed=scene.seed,
            image=image,
            **inputs._asdict(),
        )
        return replace(painted, pixels=self._pictures.laid_over(scene, painted.pixels, image))

    def _checked(self, painted: Picture, scene: Scene, tick: Tick) -> Pixels:
        """Return the picture's pixels, or the last good ones where it is not finite."""
        if (pixels := self._fetched(painted)) is not None:
            self._good = pixels
            self._pictures.keep(painted.pixels)
            return pixels
        acted, good = self.network.acted, self._good
        self._pictures.keep(None)
        culprits = acted.culprits()
        self.network.begin_anew()
        is_own = False  # the model's own fault
        if good is None or not culprits:
            plain = self._plain(scene, tick)
            is_own, good = plain is None, plain if good is None else good
        if is_own:
            part = self.network.unsound_part()
            why = (
                f"the model makes no finite values even without bends, first in its {part}: {HALF}"
            )
        else:
            culprits = culprits or acted.strongest()
            why = f"{' and '.join(culprits) or 'the network'} made values that are not finite"
        if self._strict:
            raise LivebendError(f"frame {tick.index}: {why}")
        self._statistics.count("nonfinite_frames")
        if is_own:
            self._statistics.notice(why, "error")
        else:
            self._faulty.leave_out(culprits, why, tick)
        return np.full((*self.network.shown[::-1], 3), GREY, np.uint8) if good is None else good

    def _fetched(self, painted: Picture) -> Pixels | None:
        """Bring a picture and its bends' strengths to the host, in one wait; return its pixels,
        read-only, or None where the image is not finite."""
        numbers = (painted.total.tensor, *painted.strength.values())
        pixels, (total, *strength) = self._transfer.fetch(painted.pixels.tensor, numbers)
        self._strength = dict(zip(painted.strength, strength, strict=True))
        pixels.setflags(write=False)
        return pixels if math.isfinite(total) else None

    def _plain(self, scene: Scene, tick: Tick) -> Pixels | None:
        """The picture without bends, for a fault in the first frame; None where it has one."""
        return self._fetched(self._paint(replace(scene, bends=()), tick))

    # ---- afterwards --------------------------------------------------------------------------

    def _report(
        self,
        scene: Scene,
        modulation: Modulation,
        tick: Tick,
        frame_ms: float,
    ) -> None:
        """Account for a frame that was painted in so many milliseconds, and offer its status."""
        ran, strength = self.network.memory.ran, self._strength
        self._statistics.frame(frame_ms, ran.seconds.copy(), _fraction_run(ran), strength)
        if self._governed and (notice := self._governed.after(frame_ms)):
            self._statistics.notice(notice)
        frame = FrameStatus(
            scene,
            tick,
            self.beats.features,
            modulation,
            self._decks.described(scene, tick),
            strength,
            dict(self._faulty.returning),
            self.network.enlarged,
            self._other,
        )
        self._status.offer(partial(frame.status, self._statistics))


def offline_renderer(
    network: Network,
    prompts: Prompts,
    *,
    duration: float | None = None,
    strict: bool = False,
    pictures: PictureSource | None = None,
    status: OnDemand[Status] | None = None,
) -> Renderer:
    """Return a renderer whose statistics are not read, nor its status unless it is given."""
    return Renderer(
        network, prompts, Statistics(SystemTime()), status or OnDemand(Status()),
        duration=duration, strict=strict, pictures=pictures,
    )  # fmt: skip


def _memory_use(network: Network) -> MemoryUse:
    used, most, evicted = network.memory.state
    return MemoryUse(used / 1e6, most / 1e6, evicted)


def _fraction_run(ran: FrameRuns) -> float:
    """The fraction of this frame's computations that ran; the rest was remembered."""
    total = len(ran.seconds) + ran.remembered
    return len(ran.seconds) / total if total else 0.0
