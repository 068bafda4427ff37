"""`livebend tune`: measure on this machine, and keep the fastest: precision, threads, layout in
memory, and a backend for every stage.

The number of threads and the layout come first, by whole frames on the backends that are quick to
prepare; then, with those, every backend stage by stage. Frames have fresh noise and are painted on
one backend after the other, round after round, so that a drifting machine moves them all alike; a
stage's time is the median over all rounds. The mixture of the winners is then prepared and measured
like the others, and kept only if nothing beats it.
"""

import argparse
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from livebend.cli.printing import print_notice, print_rows
from livebend.core.clock import now
from livebend.core.notify import Notify
from livebend.device.memory import Versioned
from livebend.device.torch_threads import counts
from livebend.models.backends.engine import Engine, backends_on
from livebend.models.backends.onnx import TYPES
from livebend.models.backends.tuned_choice import (
    LAYOUTS,
    USUAL,
    Choice,
    Conditions,
    choice_file,
    write_choice,
)
from livebend.models.checkpoint import Model, lay_out, load_model
from livebend.models.default_model import model_or_default
from livebend.models.precision import AUTO, best_device, dtype_of, name_of
from livebend.rendering.network import Network, Setup
from livebend.rendering.open_network import store_of, take_up
from livebend.rendering.small_network import open_small_network
from livebend.scene.values import Sampling

MIXED = "mixed"
HEAVY = ("compiled",)  # takes minutes, and once more for each number of threads
NONE: Mapping[str, float] = MappingProxyType({})
NO_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({})
ONE = Sampling("euler", 1)
ALIKE = 0.02  # mean difference of two pictures, 0..1: about what no eye sees without the other


@dataclass(slots=True)
class Measured:
    """Milliseconds of frames and stages."""

    frames: list[float]
    stages: dict[str, list[float]]

    def add(self, seconds: float, stages: Mapping[str, float]) -> None:
        """Add one frame."""
        self.frames.append(seconds * 1e3)
        for stage, taken in stages.items():
            self.stages.setdefault(stage, []).append(taken * 1e3)


def run(options: argparse.Namespace) -> int:
    """Measure the backends here, keep the fastest, and print what was measured."""
    named = tuple(options.backends.split(",")) if options.backends else None
    model = model_or_default(options.model)
    choice = tune(model, options.size, print_notice, dtype=options.dtype, backends=named)
    if options.json:
        print(json.dumps(asdict(choice), indent=2))
        return 0
    rows = [
        {"stage": s, **{n: choice.stage_ms[s].get(n, "-") for n in choice.frame_ms}, "chosen": c}
        for s, c in choice.stages.items()
    ]
    heads = {name: name for name in rows[0]}
    print_rows([heads, *rows, {**heads, "stage": "frame", **choice.frame_ms, "chosen": ""}])
    print(f"\nchosen: {choice.dtype}, {choice.conditions}, of these, in ms a frame:")
    print_rows([{"with": name, "ms": ms} for name, ms in choice.conditions_ms.items()])
    return 0


def tune(
    model: str,
    size: tuple[int, int] | None,
    tell: Notify,
    *,
    dtype: str = AUTO,
    backends: tuple[str, ...] | None = None,
    rounds: int = 5,
    frames: int = 6,
) -> Choice:
    """Measure, keep and return the choice for a model and a size, in one precision or, of auto, in
    the fastest of those that paint the same picture; of the named backends, or of all that can run
    on this device. Slow: the first time every stage is exported and compiled. Torch is always
    measured. Raises: LivebendError."""
    names = worth_measuring() if dtype_of(dtype) is None else (dtype,)
    made = [tune_precision(model, size, name, tell, backends, (rounds, frames)) for name in names]
    alike = [choice for choice in made if choice.off <= ALIKE]
    best = min(alike or made, key=lambda choice: choice.ms)
    for choice in made:
        tell(f"tune: {choice.dtype}: {choice.ms:g} ms a frame, {choice.off:.2%} off float32")
    loaded = load_model(model, dtype=dtype_of(best.dtype))
    if dtype_of(dtype) is None:
        write_choice(choice_file(store_of(loaded), _size(loaded, size), AUTO), best)
    _make_smaller(loaded, _size(loaded, size), best, tell)
    return best


def _make_smaller(model: Model, size: tuple[int, int], choice: Choice, tell: Notify) -> None:
    """Have what the governor's smaller size runs on made as well."""
    engine = Engine(choice.stages, store_of(model), notify=tell)
    network = Network(model, *size, Setup(engine, conditions=choice.conditions))
    _settle(network)
    if (small := open_small_network(network)) is not None:
        tell(f"tune: {small.width}x{small.height} is there for --target-ms")


def tune_precision(
    model: str,
    size: tuple[int, int] | None,
    dtype: str,
    tell: Notify,
    backends: tuple[str, ...] | None,
    often: tuple[int, int],
) -> Choice:
    """Measure and keep the choice in one precision."""
    loaded = load_model(model, dtype=dtype_of(dtype))
    shape, store = _size(loaded, size), store_of(loaded)
    off = _off(loaded, shape)
    asked = backends_on(loaded.device.type) if backends is None else backends
    names = runnable(("torch", *asked), loaded, tell)
    light = [name for name in names if name not in HEAVY]
    bench = _Bench(loaded, shape, *often)
    tell(f"tune: {dtype}: measuring {', '.join(light)} with other threads and layouts")
    tried = [Conditions(n, layout) for n in thread_counts(loaded.device) for layout in LAYOUTS]
    for conditions, name in product(tried, light):
        bench.prepare((name, conditions), Engine(name, store, notify=tell), conditions)
    conditions_ms = {key: _median(m.frames) for key, m in bench.measure().items()}
    _, best = min(conditions_ms, key=lambda key: conditions_ms[key])
    bench = _Bench(loaded, shape, *often)
    for name in (*light, *(n for n in names if n not in light)):
        tell(f"tune: {dtype}: preparing {name}, {best}")
        bench.prepare(name, Engine(name, store, notify=tell), best)
    tell(f"tune: {dtype}: measuring {', '.join(map(str, bench.networks))}")
    mixture = winners(bench.measure(), bench.groups)
    bench.prepare(MIXED, Engine(mixture, store, notify=tell), best)
    told = {f"{name}, {on}": round(ms, 2) for (name, on), ms in conditions_ms.items()}
    made = decided(mixture, bench.measure(), best, told, bench.groups)
    made = replace(made, dtype=dtype, off=round(off, 5))
    write_choice(choice_file(store, shape, dtype), made)
    return made


def worth_measuring() -> tuple[str, ...]:
    """Return the precisions that may be the fastest here."""
    return tuple(dict.fromkeys(("float32", name_of(best_device()[1]))))


def picture_off(model: Model, exact: Model, size: tuple[int, int], seeds: int = 4) -> float:
    """Return the mean difference 0..1 of pictures painted by two loads of one model."""
    text = Versioned(-1, exact.encode([""]))
    painted = []
    for one in (model, exact):
        network = Network(one, *size)
        own = Versioned(text.version, text.tensor.to(one.dtype))
        painted.append(
            [
                network.paint(network.noise(seed)[0], own, (), ONE).pixels.tensor
                for seed in range(seeds)
            ]
        )
    pairs = zip(*painted, strict=True)
    return float(torch.stack([(a.float() - b.float()).abs().mean() for a, b in pairs]).mean()) / 255


def thread_counts(device: torch.device) -> tuple[int, ...]:
    """Return the numbers of torch's threads worth measuring: the usual one where a GPU works."""
    return (USUAL.threads,) if device.type == "cuda" else counts()


def _size(model: Model, size: tuple[int, int] | None) -> tuple[int, int]:
    return size or (model.native, model.native)


def _off(model: Model, size: tuple[int, int]) -> float:
    """How far the model's pictures are from those of float32."""
    if model.dtype == torch.float32:
        return 0.0
    return picture_off(model, load_model(model.name, dtype=torch.float32), size)


def runnable(names: Iterable[str], model: Model, tell: Notify) -> list[str]:
    """Return the backends that can run the model's precision, each once; `tell` hears of others."""
    able = list(dict.fromkeys(names))
    if "onnx" in able and model.dtype not in TYPES:
        able.remove("onnx")
        tell(f"tune: onnx cannot run {model.precision}: it is measured in float32")
    return able


class _Bench:
    """Networks side by side on one model, whose weights are laid out anew for each in turn."""

    def __init__(self, model: Model, size: tuple[int, int], rounds: int, frames: int) -> None:
        self._model, self._size = model, size
        self._rounds, self._frames = rounds, frames
        self.networks: dict[Any, Network] = {}

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The stages of every group that may run as one."""
        return next(iter(self.networks.values())).groups

    def prepare(self, key: Hashable, engine: Engine, conditions: Conditions) -> None:
        """Add a network; one that fell back is left out, since it would be measured as torch."""
        network = Network(self._model, *self._size, Setup(engine, conditions=conditions))
        _settle(network)
        network.prepare()
        if not engine.fallbacks:
            self.networks[key] = network

    def measure(self) -> dict[Any, Measured]:
        """Paint round after round; return the times by key: stages one by one and joined, frames
        as a show without bends runs them."""
        made = {key: Measured([], {}) for key in self.networks}
        text = Versioned(-1, self._model.encode([""]))
        for turn in range(self._rounds):
            for key, network in self.networks.items():
                _settle(network)
                for k in range(self._frames + 2):
                    with network.unjoined():
                        _, apart = _frame(network, text, turn * 100 + k)
                    with network.to_their_ends():
                        taken, whole = _frame(network, text, turn * 100 + 50 + k)
                    if k >= 2:  # two frames to settle
                        made[key].add(taken, {**whole, **apart})
                network.memory.forget()
        return made


def _settle(network: Network) -> None:
    """Bring the model's weights and this thread to a network's conditions."""
    lay_out(network.model, LAYOUTS[network.setup.conditions.layout])
    take_up(network)


def _frame(network: Network, text: Versioned, seed: int) -> tuple[float, Mapping[str, float]]:
    """Paint a fresh frame; return seconds, and those of every stage."""
    begin = now()
    network.frame()
    network.paint(network.noise(seed, 0)[0], text, (), ONE)
    return now() - begin, network.memory.ran.seconds


def winners(
    measured: Mapping[str, Measured], groups: Mapping[str, tuple[str, ...]] = NO_GROUPS
) -> dict[str, str]:
    """Return the backend of every stage: the fastest; and that of every group that runs faster as
    one than its stages one by one. `measured` are the times by backend, torch among them."""
    heads, own = ("unet.", "vae.", "image", "pixels"), ("unet.time", "unet.text")
    names = [s for s in measured["torch"].stages if s.startswith(heads) and s not in own]

    def cost(name: str, stage: str) -> float:
        return _median(measured[name].stages[stage])

    best = {stage: min(measured, key=lambda name: cost(name, stage)) for stage in names}
    apart = {g: sum(cost(best[stage], stage) for stage in members) for g, members in groups.items()}
    for group, members_cost in apart.items():
        joining = [name for name in measured if group in measured[name].stages]
        fastest = min(joining, key=lambda name: cost(name, group), default=None)
        if fastest and cost(fastest, group) < members_cost:
            best[group] = fastest
    return best


def decided(
    mixture: Mapping[str, str],
    measured: Mapping[str, Measured],
    conditions: Conditions = USUAL,
    conditions_ms: Mapping[str, float] = NONE,
    groups: Iterable[str] = (),
) -> Choice:
    """Return the mixture, or the one backend that beats it, with the groups that it joined."""
    frame_ms = {name: _median(m.frames) for name, m in measured.items()}
    first = min(frame_ms, key=frame_ms.__getitem__)
    joined = [group for group in groups if group in measured[first].stages]
    stages = dict(mixture) if first == MIXED else dict.fromkeys((*mixture, *joined), first)
    stage_ms = {
        stage: {
            name: round(_median(m.stages[stage]), 3)
            for name, m in measured.items()
            if stage in m.stages
        }
        for stage in stages
    }
    whole_ms = {name: round(ms, 2) for name, ms in frame_ms.items()}
    return Choice(stages, conditions, stage_ms, whole_ms, conditions_ms)


def _median(values: list[float]) -> float:
    return float(np.median(values))
