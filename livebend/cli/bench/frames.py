"""How long a frame takes, by what changed in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from types import MappingProxyType

import numpy as np

from livebend.cli.bench.peers import Paint
from livebend.core.clock import now
from livebend.core.errors import LivebendError
from livebend.core.sites import UNET, place
from livebend.device.gpu import wait_for
from livebend.device.memory import Versioned
from livebend.models.stages import behind
from livebend.rendering.governor import SCALE
from livebend.rendering.network import Network
from livebend.rendering.reuse import EXACT, ReuseContext, labels
from livebend.rendering.small_network import open_small_network
from livebend.scene.values import Bend, Reuse, Sampling, Scene

EVERYTHING, NOTHING = "everything", "nothing"
SITES = ("unet.mid", "unet.up.1", "unet.up.2", "unet.up.3", "latent@1", "image")
NONE: Mapping[str, Paint] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of frame: milliseconds, those spent in stages, and the stages that ran."""

    kind: str
    median_ms: float
    iqr_ms: float
    stages_ms: float
    share: float  # of a frame in which everything changed
    ran: tuple[str, ...]


@dataclass(slots=True)
class _Taken:
    """Milliseconds of frames of one kind, and of the stages in them."""

    frames: list[float] = field(default_factory=list)
    stages: list[float] = field(default_factory=list)
    ran: tuple[str, ...] = ()


def time_frames(
    network: Network, steps: int, frames: int, rounds: int, others: Mapping[str, Paint] = NONE
) -> list[Timing]:
    """Time every kind of frame, and `others` side by side with them. Each kind is primed, and the
    stages that ran must be those behind what changed. Raises: LivebendError where they are not."""
    sampling = Sampling("euler", steps)
    kinds = _kinds(network, sampling)
    taken = {kind: _Taken() for kind in (*kinds, *others)}
    for _ in range(rounds):
        for kind, paint in {**kinds, **others}.items():
            _time(network, paint, max(frames // rounds, 2), taken[kind])
            if kind in kinds:
                check_ran(network, kind, taken[kind].ran, network.calls(sampling))
    whole = float(np.median(taken[EVERYTHING].frames))
    return [_timing(kind, one, whole) for kind, one in taken.items()]


def check_ran(network: Network, kind: str, ran: Sequence[str], calls: int) -> None:
    """Raises: LivebendError where other stages ran than those behind what changed."""
    if kind not in (EVERYTHING, NOTHING, *SITES):
        return  # what is reused divides the work in its own way
    stages = [stage.name for stage in network.stages]
    if kind == EVERYTHING or (calls > 1 and kind.startswith(UNET)):
        expected = stages  # in the calls after the first everything lies behind it
    else:
        expected = [] if kind == NOTHING else list(behind(place(kind).site, network.stages))
    if set(ran) != set(expected):  # in two calls the later stages of the first ran before others
        got, wanted = " ".join(ran) or "nothing", " ".join(expected) or "nothing"
        raise LivebendError(f"bench: {kind}: {got} ran: expected {wanted}")


def _kinds(network: Network, sampling: Sampling) -> dict[str, Paint]:
    text = Versioned(-1, network.model.encode(["a floating orb"]))
    still = network.noise(1)[0]

    def bent(site: str | None) -> Paint:
        def paint(k: int) -> None:
            turn = {"angle": 1.0 + k % 300}
            bends = () if site is None else (Bend("b", "rotate_pairs", site, turn),)
            network.paint(still, text, bends, sampling)

        return paint

    def everything(k: int, reuse: Reuse = EXACT.reuse) -> None:
        context = ReuseContext(k, reuse=reuse)
        network.paint(network.noise(k + 2, 0)[0], text, (), sampling, context=context)

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
    return {EVERYTHING: everything, **bends, NOTHING: bent(None), **lossy}


def _time(network: Network, paint: Paint, frames: int, into: _Taken) -> None:
    """Prime with three frames of the kind, then time `frames` more."""
    for k in range(3):
        paint(k)
    names = {stage.name for stage in network.stages} | network.groups.keys()
    for k in range(3, 3 + frames):
        network.frame()
        _wait(network)
        begin = now()
        paint(k)
        _wait(network)
        into.frames.append((now() - begin) * 1e3)
        seconds = {n: s for n, s in network.memory.ran.seconds.items() if n in names}
        into.stages.append(sum(seconds.values()) * 1e3)
        ran = (network.groups.get(name, (name,)) for name in seconds)
        into.ran = tuple(chain.from_iterable(ran))


def _wait(network: Network) -> None:
    wait_for(network.model.device)


def _timing(kind: str, taken: _Taken, whole: float) -> Timing:
    low, median, high = np.percentile(taken.frames, (25, 50, 75))
    stages = float(np.median(taken.stages))
    return Timing(kind, float(median), float(high - low), stages, float(median) / whole, taken.ran)
