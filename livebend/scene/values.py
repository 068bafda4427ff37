"""The parts of a scene: prompt, walk, sampling, bends, routes and so on, each a frozen value."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from livebend.core import limits
from livebend.core.errors import UnknownName
from livebend.core.ranges import Degrees, Fraction, Gain, Range, Seconds, Seed, Unit
from livebend.core.specs import ParameterValue, Several
from livebend.scene.show_values import Arrival, Crossfade, Recall, Tempo

Source = Literal[
    "rms", "flux", "flux_raw", "centroid", "brightness", "low", "mid", "high", "pitch", "bpm",
    "beat.phase", "beat.pulse", "bar.phase", "bar.pulse", "phrase.phase", "phrase.pulse",
    "onset.pulse", "kick.pulse", "snare.pulse", "hat.pulse",
    "lfo.sine", "lfo.triangle", "lfo.saw", "lfo.square", "lfo.random",
    "constant", "show.progress",
    "paper.rms", "paper.flux", "paper.centroid",
]  # fmt: skip
Shape = Literal["linear", "square", "cube", "root", "smooth", "step", "inverse"]
Edge = Literal["fit", "clip", "wrap", "fold"]
Sampler = Literal["auto", "euler", "ddim", "lcm", "pndm", "dpm++"]
DepthRule = Literal["nearest", "insert", "split"]
Normalise = Literal["auto", "none", "match", "match.channel"]
Units = Literal["sigma", "raw"]
Mixing = Literal["linear", "slerp"]
Fit = Literal["fill", "fit", "stretch"]
Blend = Literal["mix", "add", "screen", "multiply", "difference"]
Drift = Annotated[float, Range(-1, 1, "of the picture a second", soft=(-0.5, 0.5))]
Follow = Annotated[float, Range(0, 600, "s", soft=(0, 2))]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is painted: `text`, or the prompts of `turns` one after another; on the way to `to`; and
    mixed with the prompts of the mixer, see `MixedPrompt`."""

    text: Annotated[str, "what is painted"] = ""
    turns: Annotated[
        str,
        Several("|", limits.PROMPTS, "prompts"),
        "prompts one after another, separated by |; empty = text alone",
    ] = ""
    turn: Annotated[
        float, Range(0, limits.PROMPTS, "prompts", soft=(0, 8)), "index of the one that comes first"
    ] = 0.0
    every: Annotated[
        Seconds, "time for each; 0 = stay. In a show of known length they are spread over it"
    ] = 20.0
    to: Annotated[str, "second prompt, reached at blend 1; empty = none"] = ""
    blend: Annotated[Unit, "position between the two prompts"] = 0.0
    fade: Annotated[Seconds, "time to cross from an old prompt to a new one"] = 1.0
    weight: Annotated[
        float, Range(0, 10, soft=(0, 1)), "how much it counts beside those of the mixer"
    ] = 1.0
    mixing: Annotated[Mixing, "linear, or slerp, which turns each token and so keeps its size"] = (
        "linear"
    )
    negative: Annotated[str, "negative prompt, where guidance is above 1"] = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The prompts in `turns`, or else `text` alone; never empty."""
        return turns_of(self.turns) or (self.text,)

    def now(self, gone: float, progress: float | None) -> str:
        """Return the text to paint.

        gone: prompts whose time is over since the show began, whole and part.
        progress: position 0..1 in a show of known length, which replaces `gone`; None in others.
        """
        texts = self.texts
        index = gone if progress is None else min(progress * len(texts), len(texts) - 1)
        return texts[math.floor(self.turn + index) % len(texts)]


def turns_of(text: str) -> tuple[str, ...]:
    """Return the prompts in a text, separated by |; empty ones are left out."""
    return tuple(part.strip() for part in text.split("|") if part.strip())


@dataclass(frozen=True, slots=True)
class Walk:
    """The circular noise walk: x_T = n0 + radius (cos φ n1 + sin φ n2), φ = 2π time/period."""

    radius: Annotated[
        float, Range(0, 4, soft=(0, 1)), "of the circle, in standard deviations of the noise"
    ] = 0.3
    period: Annotated[
        float, Range(0, 3600, "s", soft=(0, 60)), "time of one round; 0 = stand still"
    ] = 20.0
    phase: Annotated[Degrees, "position on the circle at time 0"] = 0.0
    normalise: Annotated[bool, "divide by sqrt(1 + radius²) to keep the noise's variance"] = True
    hold: Annotated[
        int,
        Range(1, 32, "frames", whole=True),
        "frames that a noise is held while the picture crosses to it; 1 = off; lossy",
    ] = 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the network is run."""

    sampler: Annotated[
        Sampler,
        "auto = the model's; euler for few steps, ddim for the paper's mode, lcm, pndm, dpm++",
    ] = "auto"
    steps: Annotated[
        int, Range(0, 50, whole=True, soft=(0, 4)), "network calls per frame; 0 = the model's"
    ] = 0
    guidance: Annotated[
        float, Range(0, 30, soft=(0, 10)), "classifier-free guidance; 0 = the model's, 1 = off"
    ] = 0.0
    depth: Annotated[DepthRule, "which step a bend at latent@p acts on; split is approximate"] = (
        "nearest"
    )


@dataclass(frozen=True, slots=True)
class InputPicture:
    """The picture that comes in by --picture, and that painting begins at instead of noise."""

    on: Annotated[bool, "off = painting begins at noise; mix and masks go on"] = True
    strength: Annotated[
        Unit, "how much is repainted: 0 = it is as it came, 1 = from noise with a trace of it"
    ] = 0.5
    fit: Annotated[
        Fit, "fill = cut to the frame, fit = all of it with black beside, stretch = to the frame"
    ] = "fill"
    zoom: Annotated[
        float, Range(0.1, 10, "times", curve="log", soft=(0.5, 2)), "above 1 comes closer"
    ] = 1.0
    angle: Annotated[Degrees, "turn, counter-clockwise"] = 0.0
    x: Annotated[Fraction, "shift to the right"] = 0.0
    y: Annotated[Fraction, "shift downwards"] = 0.0
    mirror: Annotated[bool, "left and right exchanged"] = False
    mix: Annotated[Unit, "how much of it lies over the painted frame"] = 0.0
    blend: Annotated[Blend, "how it lies there; mix = as it is"] = "mix"


@dataclass(frozen=True, slots=True)
class Echo:
    """The last frame as the picture to begin at, or over that of --picture."""

    decay: Annotated[
        float,
        Range(0, 600, "s", soft=(0, 10)),
        "time in which what was shown fades to a third, into the picture or black; 0 = off",
    ] = 0.0
    zoom: Annotated[
        float, Range(0.25, 4, "times a second", curve="log", soft=(0.5, 2)), "above 1 flies in"
    ] = 1.0
    angle: Annotated[
        float, Range(-360, 360, "deg/s", soft=(-90, 90)), "turn, counter-clockwise"
    ] = 0.0
    right: Annotated[Drift, "shift to the right"] = 0.0
    down: Annotated[Drift, "shift downwards"] = 0.0
    hue: Annotated[float, Range(-360, 360, "deg/s", soft=(-90, 90)), "turn of the colours"] = 0.0


@dataclass(frozen=True, slots=True)
class Reuse:
    """What a frame takes from earlier ones although its inputs changed: lossy, off by default."""

    deep: Annotated[
        int, Range(1, 8, "frames", whole=True), "the deep stages run every N frames; 1 = off"
    ] = 1
    level: Annotated[
        int,
        Range(1, 3, whole=True),
        "where deep begins: from unet.down.LEVEL through unet.mid to its mirror on the way up",
    ] = 2
    tween: Annotated[
        int,
        Range(1, 8, "frames", whole=True),
        "the network paints every N frames, others are blended, one picture late; 1 = off",
    ] = 1


@dataclass(frozen=True, slots=True)
class Agc:
    """The automatic gain before every route from a level."""

    window: Annotated[float, Range(1, 60, "s"), "time over which it measures"] = 15.0
    ceiling: Annotated[float, Range(1, 1000, soft=(1, 50)), "largest gain"] = 20.0
    gate: Annotated[float, Range(-90, 0, "dBFS"), "below this it is silence"] = -60.0
    on: Annotated[bool, "off = levels as they are"] = True


@dataclass(frozen=True, slots=True)
class Bend:
    """One operator at one site. `values` are the operator's parameters by name, `mask` the mask's
    by their names after `mask.`; either may leave out what is at its default."""

    kind: ClassVar[str] = "bend"

    name: str
    operator: str
    site: Annotated[str, "where it acts, such as unet.mid, unet.mid#1 or latent@0.8"]
    values: Mapping[str, ParameterValue] = field(default_factory=dict)
    mask: Mapping[str, ParameterValue] = field(default_factory=dict, kw_only=True)
    channels: Annotated[
        str, "all, or 0-3, or 0,2, or random:0.25:7 (fraction, seed), or cluster:c0"
    ] = "all"
    mix: Annotated[Unit, "0 = untouched, 1 = fully bent"] = 1.0
    strength: Annotated[
        float, Range(0, 2), "d = ‖y − x‖/‖x‖ that mix 1 without a mask is scaled to; 0 = unscaled"
    ] = 0.0
    normalise: Annotated[
        Normalise, "auto = match mean and deviation where the operator declares it"
    ] = "auto"
    units: Annotated[Units, "sigma = amounts in deviations of the site; raw = as in the paper"] = (
        "sigma"
    )
    mute: Annotated[bool, "leave this bend out"] = False
    solo: Annotated[bool, "leave the bends that are not solo out"] = False


@dataclass(frozen=True, slots=True)
class Route:
    """Drives a parameter from a source: target = base + Σ routes, each low..high."""

    kind: ClassVar[str] = "route"

    name: str
    source: Annotated[Source, "what drives it"]
    target: Annotated[str, "path of the parameter it drives"]
    low: Annotated[float, Range(-1e6, 1e6), "added to the target at source 0"] = 0.0
    high: Annotated[float, Range(-1e6, 1e6), "added to the target at source 1"] = 1.0
    curve: Annotated[Shape, "shape between low and high"] = "linear"
    attack: Annotated[Follow, "time constant upwards"] = 0.01
    release: Annotated[Follow, "time constant downwards"] = 0.25
    rate: Annotated[float, Range(0, 50, "Hz", soft=(0, 4)), "of an LFO"] = 0.1
    gain: Annotated[Gain, "factor on the source"] = 1.0
    edge: Annotated[Edge, "what happens outside the target's range"] = "fit"
    slew: Annotated[
        float,
        Range(0, 1e6, "a second", soft=(0, 720)),
        "fastest change, in the target's unit; 0 = no limit",
    ] = 0.0
    mute: Annotated[bool, "leave this route out"] = False


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA of the show, played at a strength.

    first: the strength that it has where a preset does not name it; None = that of the class.
    """

    kind: ClassVar[str] = "lora"

    name: str
    strength: Annotated[
        float, Range(-10, 10, soft=(0, 1)), "0 = off, 1 = as it was trained; below 0 its opposite"
    ] = 1.0
    text: Annotated[
        float,
        Range(0, 10, soft=(0, 1)),
        "factor on the strength in the text encoder; 0 = prompts are read without it",
    ] = 1.0
    first: float | None = field(default=None, compare=False, repr=False)

    def acts_in(self, scene: "Scene") -> bool:
        """Whether it changes what the scene looks like, now or by a route."""
        return self.strength != 0.0 or any(self.routes(scene))

    def routes(self, scene: "Scene") -> Iterator[Route]:
        """Yield the routes that move it, muted ones too."""
        path = f"{self.kind}.{self.name}."
        return (route for route in scene.routes if route.target.startswith(path))


@dataclass(frozen=True, slots=True)
class MixedPrompt:
    """A prompt of the mixer. What is painted is the mean of the first prompt and these, each as
    often as its weight; where all weights are 0, the first prompt."""

    kind: ClassVar[str] = "prompt.mix"

    name: str
    text: Annotated[str, "what is painted, as far as the weight goes"]
    weight: Annotated[
        float, Range(0, 10, soft=(0, 1)), "how much it counts beside the others; 0 = not at all"
    ] = 1.0


@dataclass(frozen=True, slots=True)
class Loop:
    """Automation: a parameter that is played as a hand played it, again and again with the beat.

    A loop of n beats goes by the show's own count of them: its beat 0 is at every n-th beat, from
    the one that a resync made the first.
    """

    kind: ClassVar[str] = "loop"

    name: str
    target: Annotated[str, "path of the parameter that it plays"]
    points: Annotated[
        str,
        Several(" ", limits.POINTS, "points", limits.POINTS * 24),
        "beat:value, rising; straight between two, a switch or choice holds: 0:0.5 1.5:0.8",
    ]
    beats: Annotated[float, Range(0.25, 1024, "beats", soft=(1, 32)), "its length"] = 4.0
    mute: Annotated[bool, "leave it out; a hand on its parameter does that"] = False


Part = Bend | Route | MixedPrompt | Loop  # what can be added and removed
LEAVING = "~"  # appended to the name of a part that fades out, where a new part has that name
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        Bend.kind: "bends",
        Route.kind: "routes",
        Lora.kind: "loras",
        MixedPrompt.kind: "mix",
        Loop.kind: "loops",
    }
)  # where a scene has its parts, by their kind


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a performer wants.

    home: the scene as its preset gave it, which panic returns to.
    past: the scenes before the last structural commands, the newest last, which undo returns to.
    future: those that undo left, the newest last, which redo returns to.
    arrival: the load that made it the scene, where that crosses over from the one before.
    loads: number of whole scenes loaded; each load resets feedback and reuse.
    other: what stands on the other side of the crossfader, the one that is further from it.
    deck: 0 or 1: what of the renderer plays this side; the other one plays the other.
    """

    title: str = ""
    seed: Annotated[Seed, "of the noise"] = 46
    prompt: Prompt = Prompt()
    walk: Walk = Walk()
    sampling: Sampling = Sampling()
    picture: InputPicture = InputPicture()
    echo: Echo = Echo()
    reuse: Reuse = Reuse()
    agc: Agc = Agc()
    tempo: Tempo = Tempo()
    preset: Recall = Recall()
    crossfade: Crossfade = Crossfade()
    bends: tuple[Bend, ...] = ()
    routes: tuple[Route, ...] = ()
    loras: tuple[Lora, ...] = ()
    mix: tuple[MixedPrompt, ...] = ()
    loops: tuple[Loop, ...] = ()
    home: "Scene | None" = field(default=None, compare=False, repr=False)
    past: tuple["Scene", ...] = field(default=(), compare=False, repr=False)
    future: tuple["Scene", ...] = field(default=(), compare=False, repr=False)
    arrival: Arrival | None = field(default=None, compare=False, repr=False)
    loads: int = field(default=0, compare=False, repr=False)
    other: "Scene | None" = field(default=None, compare=False, repr=False)
    deck: int = field(default=0, compare=False, repr=False)

    GROUPS: ClassVar[tuple[str, ...]] = (
        "prompt", "walk", "sampling", "picture", "echo", "reuse", "agc", "tempo", "preset",
        "crossfade",
    )  # fmt: skip

    def bend(self, name: str) -> Bend:
        """Return the bend of that name. Raises: UnknownName."""
        return _part(self.bends, "bend", name)  # type: ignore[no-any-return]

    def route(self, name: str) -> Route:
        """Return the route of that name. Raises: UnknownName."""
        return _part(self.routes, "route", name)  # type: ignore[no-any-return]

    def loop(self, name: str) -> Loop:
        """Return the loop of that name. Raises: UnknownName."""
        return _part(self.loops, "loop", name)  # type: ignore[no-any-return]

    def part(self, kind: str, name: str) -> Part | Lora:
        """Return the part of a kind with that name. Raises: UnknownName."""
        return _part(self.parts(kind), kind, name)  # type: ignore[no-any-return]

    def parts(self, kind: str) -> tuple[Part | Lora, ...]:
        """Return the parts of a kind, in order."""
        parts: tuple[Part | Lora, ...] = getattr(self, FIELDS[kind])
        return parts


Group = Prompt | Walk | Sampling | InputPicture | Echo | Reuse | Agc | Tempo | Recall | Crossfade
Owner = Scene | Part | Lora | Group  # what has parameters


def own_name(name: str) -> str:
    """Return the name that a part had before it began to fade out."""
    return name.rstrip(LEAVING)


def _part(parts: tuple[Any, ...], kind: str, name: str) -> Any:
    for part in parts:
        if part.name == name:
            return part
    raise UnknownName(kind, name, [part.name for part in parts])
