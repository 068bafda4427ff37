"""Measure the backends on this machine and keep the fastest for every stage.

Whole frames with fresh noise are painted on one backend after the other, round after round, so that
a drifting machine moves them all alike; a stage's time is the median over all rounds. The mixture
of the winners is then prepared and measured like the others, and kept only if nothing beats it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from livebend.backends import BACKENDS, Engine
from livebend.backends.choices import Choice, choice_file, write_choice
from livebend.clock import now
from livebend.memory import Value
from livebend.models import Model, load_model
from livebend.network import Network
from livebend.opening import store_of
from livebend.scene import Sampling

MIXED = "mixed"
# A backend must beat the best other one by this factor: compiled stages hold Python's lock.
HANDICAP = {"compiled": 1.15}
ONE = Sampling("euler", 1)

Tell = Callable[[str], None]


@dataclass(slots=True)
class _Measured:
    """Milliseconds of frames and stages."""

    frames: list[float]
    stages: dict[str, list[float]]


def tune(
    model: str,
    size: tuple[int, int] | None,
    tell: Tell,
    *,
    backends: tuple[str, ...] = BACKENDS,
    rounds: int = 5,
    frames: int = 6,
) -> Choice:
    """Measure, keep and return the choice for a model and a size. Slow: the first time every stage
    is exported and compiled. Torch is always measured. Raises: LivebendError."""
    loaded = load_model(model)
    width, height = size or (loaded.native, loaded.native)
    store = store_of(loaded)
    networks = {}
    for name in dict.fromkeys(("torch", *backends)):
        tell(f"tune: preparing {name}")
        networks[name] = _prepared(loaded, (width, height), Engine(name, store, tell=tell))
    whole = {name: network for name, network in networks.items() if not network.engine.fallbacks}
    tell(f"tune: measuring {', '.join(whole)}")
    measured = _measure(whole, rounds, frames)
    choice = _best(measured)
    engine = Engine(choice, store, tell=tell)
    whole[MIXED] = _prepared(loaded, (width, height), engine)
    measured = _measure(whole, rounds, frames)
    made = _decided(choice, measured)
    write_choice(choice_file(store, (width, height), loaded.dtype), made)
    return made


def _prepared(model: Model, size: tuple[int, int], engine: Engine) -> Network:
    network = Network(model, *size, engine)
    network.prepare()
    return network


def _measure(networks: Mapping[str, Network], rounds: int, frames: int) -> dict[str, _Measured]:
    made = {name: _Measured([], {}) for name in networks}
    text = Value(-1, next(iter(networks.values())).model.encode([""]))
    for turn in range(rounds):
        for name, network in networks.items():
            for k in range(frames + 2):
                begin = now()
                network.memory.begin_frame()
                network.paint(network.noise(turn * 100 + k, 0)[0], text, (), ONE)
                if k >= 2:  # two frames to settle
                    made[name].frames.append((now() - begin) * 1e3)
                    for stage, seconds in network.memory.ran.seconds.items():
                        made[name].stages.setdefault(stage, []).append(seconds * 1e3)
    return made


def _best(measured: Mapping[str, _Measured]) -> dict[str, str]:
    """The backend of every stage: the fastest, after its handicap."""
    stages = [s for s in measured["torch"].stages if s.startswith(("unet.", "vae.", "image"))]
    names = [s for s in stages if s not in ("unet.time", "unet.text")]
    return {
        stage: min(
            measured,
            key=lambda name: _median(measured[name].stages[stage]) * HANDICAP.get(name, 1.0),
        )
        for stage in names
    }


def _decided(mixture: Mapping[str, str], measured: Mapping[str, _Measured]) -> Choice:
    """The mixture, or the one backend that beats it."""
    frame_ms = {name: _median(m.frames) for name, m in measured.items()}
    first = min(frame_ms, key=lambda name: frame_ms[name] * HANDICAP.get(name, 1.0))
    stages = dict(mixture) if first == MIXED else dict.fromkeys(mixture, first)
    stage_ms = {
        stage: {name: round(_median(m.stages[stage]), 3) for name, m in measured.items()}
        for stage in mixture
    }
    return Choice(stages, stage_ms, {name: round(ms, 2) for name, ms in frame_ms.items()})


def _median(values: list[float]) -> float:
    return float(np.median(values))
