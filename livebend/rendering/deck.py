"""The two sides of the crossfader as they are played, each with what it keeps between frames.

A side is played as if it was alone: its loops, its way from the preset before, its routes. Then
what both give is crossed: numbers and bends as between two presets, the prompts' embeddings on a
straight line, the noises along the arc between them. A side that is not heard costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from livebend.device.memory import Memory, Versioned
from livebend.flow import Tick
from livebend.modulation.beats import Beats
from livebend.modulation.looped import looped
from livebend.modulation.modulator import Modulation, Modulator
from livebend.rendering.inputs import Draw, Inputs, InputSource, KeptInputs, ridden, slerp
from livebend.scene import edit, sides
from livebend.scene.copy import altered
from livebend.scene.morph import crossed
from livebend.scene.values import Sampling, Scene

MakeInputs = Callable[[int], InputSource]
Sampled = Callable[[Sampling], Sampling]  # with the model's own where it is left open


@dataclass(eq=False)
class KeptDeck:
    """What a deck keeps from one frame for the next."""

    inputs: KeptInputs
    modulator: Modulator


@dataclass(eq=False)
class KeptDecks:
    """What both decks keep, and which of them were heard in the last frame."""

    decks: tuple[KeptDeck, KeptDeck]
    heard: frozenset[int]


class Deck:
    """What plays one side."""

    def __init__(self, inputs: InputSource, sampled: Sampled) -> None:
        self.inputs, self.modulator, self._sampled = inputs, Modulator(), sampled

    def play(self, scene: Scene, beats: Beats, tick: Tick) -> tuple[Scene, Modulation]:
        """Return the scene as its loops and routes make it, and how those came to that."""
        scene = looped(scene, beats.played)
        scene = self.inputs.morphed(scene, tick.time, beats.bpm)
        progress = self.inputs.progress(tick) or 0.0
        made = self.modulator.modulate(scene, beats.features, tick.time, tick.dt, progress)
        playing = edit.with_values(scene, made.values)
        playing = replace(playing, sampling=self._sampled(playing.sampling))
        self.inputs.advance(scene, playing, tick)
        return playing, made


class Decks:
    """Both sides. In this order: `play`, then any of the rest. Owned by the render thread."""

    def __init__(self, inputs: MakeInputs, memory: Memory, sampled: Sampled) -> None:
        """`inputs` makes what a deck is painted from, by its number, 0 or 1."""
        self._decks = tuple(Deck(inputs(number), sampled) for number in (0, 1))
        self._memory = memory
        self._heard = frozenset[int]()
        self._near, self._far = self._decks
        self._sides: tuple[Scene, Scene] | None = None  # the near one and the far one, if crossed
        self._t = 0.0  # how much of the far one is heard

    @property
    def kept(self) -> KeptDecks:
        """What is kept for the next frame; setting it goes on from there."""
        first, second = (KeptDeck(deck.inputs.kept, deck.modulator) for deck in self._decks)
        return KeptDecks((first, second), self._heard)

    @kept.setter
    def kept(self, kept: KeptDecks) -> None:
        for deck, one in zip(self._decks, kept.decks, strict=True):
            deck.inputs.kept, deck.modulator = one.inputs, one.modulator
        self._heard = kept.heard

    @property
    def near(self) -> Deck:
        """The deck of the side that is edited."""
        return self._near

    def play(self, scene: Scene, beats: Beats, tick: Tick) -> tuple[Scene, Modulation]:
        """Return what is played of the scene and its other side, and how the routes of the side
        that is edited came to that."""
        self._near, self._far = self._decks[scene.deck], self._decks[1 - scene.deck]
        self._begin_those_unheard({scene.deck})
        near, modulation = self._near.play(scene, beats, tick)
        position = near.crossfade.position
        self._t, self._sides = sides.share(scene, position), None
        if scene.other is None or self._t == 0.0:
            self._heard = frozenset((scene.deck,))
            return near, modulation
        self._begin_those_unheard({scene.other.deck})
        self._heard = frozenset((0, 1))
        far, _ = self._far.play(altered(scene.other, {"tempo": scene.tempo}), beats, tick)
        self._sides = near, far
        is_far_last = sides.end(scene.crossfade.position) == 0.0
        playing = crossed(*((near, far) if is_far_last else (far, near)), position)
        return altered(playing, {"deck": scene.deck, "loads": scene.loads}), modulation

    def frame(self, draw: Draw, scene: Scene, tick: Tick) -> Inputs:
        """Return what the frame of a scene that `play` gave, or a lighter one, is painted from."""
        if self._sides is None:
            return self._near.inputs.frame(draw, scene, tick)
        near, far = (
            deck.inputs.frame(draw, _as_painted(side, scene), tick)
            for deck, side in zip((self._near, self._far), self._sides, strict=True)
        )
        epoch = (near.context.epoch, far.context.epoch)
        return Inputs(
            self._crossed("noise.cross", near.noise, far.noise),
            self._crossed("text.cross", near.text, far.text),
            self._either(near.negative, far.negative),
            near.toward or far.toward,
            replace(near.context, epoch=epoch, ridden=ridden(scene)),
        )

    def text(self, scene: Scene, tick: Tick) -> Versioned:
        """Return the embedding of the scene's prompt."""
        if self._sides is None:
            return self._near.inputs.text(scene, tick)
        near, far = self._sides
        texts = self._near.inputs.text(near, tick), self._far.inputs.text(far, tick)
        return self._crossed("text.cross", *texts)

    def described(self, scene: Scene, tick: Tick) -> str:
        """Return what is painted in words."""
        if self._sides is None:
            return self._near.inputs.described(scene, tick)
        near, far = self._sides
        first, last = self._near.inputs.described(near, tick), self._far.inputs.described(far, tick)
        return f"{1.0 - self._t:.0%} ({first}) + {self._t:.0%} ({last})"

    def forget_noise(self) -> None:
        """Begin the noise anew, because the next frame is painted at another size."""
        for deck in self._decks:
            deck.inputs.forget_noise()

    def _begin_those_unheard(self, numbers: set[int]) -> None:
        """Have decks that were not heard in the last frame come without what they showed once."""
        for number in numbers - self._heard:
            self._decks[number].inputs.begin()

    def _crossed(self, name: str, near: Versioned, far: Versioned) -> Versioned:
        if near.version == far.version or self._t >= 1.0:
            return far
        mix = slerp if name == "noise.cross" else torch.lerp
        return self._memory.derive(name, (near, far), (self._t,), lambda a, b: mix(a, b, self._t))

    def _either(self, near: Versioned | None, far: Versioned | None) -> Versioned | None:
        if near is None or far is None:
            return near or far
        return self._crossed("negative.cross", near, far)


def _as_painted(side: Scene, scene: Scene) -> Scene:
    """A side with what the network does with both; a noise that is held would jump."""
    walk = replace(side.walk, hold=1)
    return altered(side, {"sampling": scene.sampling, "reuse": scene.reuse, "walk": walk})
