"""How long a frame takes, by what changed in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np

from livebend.cli.bench.peers import Paint
from livebend.core.clock import now
from livebend.core.errors import LivebendError
from livebend.core.sites import LORA, UNET, place
from livebend.device.gpu import wait_for
from livebend.device.memory import Versioned
from livebend.models.stages import behind
from livebend.rendering.governor import SCALE
from livebend.rendering.network import Network
from livebend.rendering.reuse import EXACT, ReuseContext, labels
from livebend.rendering.small_network import open_small_network
from livebend.scene.values import Bend, Lora, Reuse, Sampling, Scene

ROUNDS = 4
EVERYTHING, NOTHING = "everything", "nothing"
SITES = ("unet.mid", "unet.up.1", "unet.up.2", "unet.up.3", "latent@1", "image")


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of frame."""

    kind: str
    median_ms: float
    iqr_ms: float
    stages_ms: float  # median of what its stages took
    share: float  # 0..1 of a frame in which everything changed
    ran: tuple[str, ...]  # stages, in order


@dataclass(slots=True)
class _Samples:
    """Milliseconds of frames of one kind and of their stages, and the stages of the last."""

    frames: list[float] = field(default_factory=list)
    stages: list[float] = field(default_factory=list)
    ran: tuple[str, ...] = ()


def time_frames(
    network: Network, steps: int, frames: int, others: Mapping[str, Paint]
) -> list[Timing]:
    """Time every kind of frame, `frames` each, alternately with `others`.

    Raises: LivebendError where other stages ran than those that depend on what changed.
    """
    sampling = Sampling("euler", steps)
    kinds = _kinds(network, sampling)
    samples = {kind: _Samples() for kind in (*kinds, *others)}
    for _ in range(ROUNDS):
        for kind, paint in {**kinds, **others}.items():
            _time(network, paint, max(frames // ROUNDS, 2), samples[kind])
            if kind in kinds:
                check_ran(network, kind, samples[kind].ran, network.calls(sampling))
    whole = float(np.median(samples[EVERYTHING].frames))
    return [_timing(kind, of_kind, whole) for kind, of_kind in samples.items()]


def check_ran(network: Network, kind: str, ran: Sequence[str], calls: int) -> None:
    """Check the stages that ran in a kind of frame, with `calls` calls of the network.

    Raises: LivebendError where they are not those that depend on what changed.
    """
    loras = [LORA + n for n in network.model.loras if n not in network.model.text_loras]
    if kind not in (EVERYTHING, NOTHING, *SITES, *loras):
        return  # kinds of reuse spread the work over frames; a text that changes runs groups whole
    if kind == EVERYTHING or (calls > 1 and kind.startswith((UNET, LORA))):
        expected = {stage.name for stage in network.stages}  # each call depends on the one before
    elif kind == NOTHING:
        expected = set()
    else:
        changed = kind if kind in loras else place(kind).site
        expected = set(behind(changed, network.stages))
    if set(ran) != expected:  # not their order: with two calls it begins in mid-network
        order = [stage.name for stage in network.stages if stage.name in expected]
        got, wanted = " ".join(ran) or "nothing", " ".join(order) or "nothing"
        raise LivebendError(f"bench: {kind}: {got} ran: expected {wanted}")


def _kinds(network: Network, sampling: Sampling) -> dict[str, Paint]:
    text = Versioned(-1, network.model.encode(["a floating orb"]))
    still = network.noise(1)[0]

    def bent(site: str | None) -> Paint:
        def paint(k: int) -> None:
            values = {"angle": 1.0 + k % 300}
            bends = () if site is None else (Bend("b", "rotate_pairs", site, values),)
            network.paint(still, text, bends, sampling)

        return paint

    def everything(k: int, reuse: Reuse = EXACT.reuse) -> None:
        context = ReuseContext(k, reuse=reuse)
        network.paint(network.noise(k + 2, 0)[0], text, (), sampling, context=context)

    def moving(lora: str, k: int) -> None:
        strength, own = 0.2 + k % 300 / 500, text
        if lora in network.model.text_loras:
            own = Versioned(-2 - k, network.model.encode(["a floating orb"], {lora: strength}))
        context = ReuseContext(k, ridden=frozenset({LORA + lora}))
        loras = [Lora(lora, strength)]
        network.paint(still, own, (), sampling, context=context, loras=loras)

    sites = [site for site in SITES if place(site).site in network.sites]
    lossy: dict[str, Paint] = {
        f"everything, {', '.join(labels(Scene(reuse=reuse)))}": partial(everything, reuse=reuse)
        for reuse in (Reuse(tween=2), Reuse(deep=2), Reuse(deep=2, tween=2))
    }
    if (small := open_small_network(network)) is not None:

        def shrunk(k: int) -> None:
            small.paint(small.noise(k + 2, 0)[0], text, (), sampling)

        lossy[f"everything, {SCALE:g} of the size"] = shrunk
    bends = {site: bent(site) for site in sites}
    loras = {LORA + name: partial(moving, name) for name in network.model.loras}
    return {EVERYTHING: everything, **bends, **loras, NOTHING: bent(None), **lossy}


def _time(network: Network, paint: Paint, frames: int, samples: _Samples) -> None:
    """Paint three frames of the kind to prime it, then time `frames` more."""
    for k in range(3):
        paint(k)
    names, device = {stage.name for stage in network.stages}, network.model.device
    names |= network.groups.keys()
    for k in range(3, 3 + frames):
        network.frame()
        wait_for(device)
        begin = now()
        paint(k)
        wait_for(device)
        samples.frames.append((now() - begin) * 1e3)
        seconds = {n: s for n, s in network.memory.ran.seconds.items() if n in names}
        samples.stages.append(sum(seconds.values()) * 1e3)
        ran = (network.groups.get(name, (name,)) for name in seconds)
        samples.ran = tuple(chain.from_iterable(ran))


def _timing(kind: str, samples: _Samples, whole: float) -> Timing:
    low, median, high = map(float, np.percentile(samples.frames, (25, 50, 75)))
    stages = float(np.median(samples.stages))
    return Timing(kind, median, high - low, stages, median / whole, samples.ran)
