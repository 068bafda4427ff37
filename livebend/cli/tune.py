"""`livebend tune`: measure on this machine and store the fastest precision, number of threads,
memory layout, and backend for every stage.

The number of threads and the layout come first, by whole frames on the backends that are quick to
prepare; with the best of them, every backend is measured stage by stage. Frames have fresh noise
and are painted on one backend after the other, round after round, so that a drifting machine
affects all alike; a stage's time is the median over all rounds. The mixture of the winners is then
prepared and measured like the others, and stored only if nothing beats it.
"""

import argparse
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
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
ONE = Sampling("euler", 1)
ROUNDS, FRAMES, SEEDS = 5, 6, 4
ALIKE = 0.02  # mean difference 0..1 of two pictures that nobody sees without comparing them


@dataclass(slots=True)
class Measured:
    """Milliseconds of frames and stages."""

    frames: list[float]
    stages: dict[str, list[float]]

    def add(self, seconds: float, stages: Mapping[str, float]) -> None:
        """Add a frame: its seconds, and those of its stages."""
        self.frames.append(seconds * 1e3)
        for stage, of_stage in stages.items():
            self.stages.setdefault(stage, []).append(of_stage * 1e3)


def run(options: argparse.Namespace) -> int:
    """Measure, store the fastest, and print what was measured."""
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
    notify: Notify,
    *,
    dtype: str = AUTO,
    backends: tuple[str, ...] | None = None,
) -> Choice:
    """Measure, store and return the best choice for a model at a size.

    size: (W, H) in pixels; None = the model's own.
    dtype: a precision; auto = the fastest of those that paint the same picture.
    backends: what is measured besides torch; None = all that can run on this device.

    Slow: at first every stage is exported and compiled. Raises: LivebendError.
    """
    names = worth_measuring() if dtype_of(dtype) is None else (dtype,)
    made = [tune_precision(model, size, name, notify, backends) for name in names]
    alike = [choice for choice in made if choice.off <= ALIKE]
    best = min(alike or made, key=lambda choice: choice.ms)
    for choice in made:
        notify(f"tune: {choice.dtype}: {choice.ms:g} ms a frame, {choice.off:.2%} off float32")
    loaded = load_model(model, dtype=dtype_of(best.dtype))
    if dtype_of(dtype) is None:
        write_choice(choice_file(store_of(loaded), _size(loaded, size), AUTO), best)
    _prepare_smaller(loaded, _size(loaded, size), best, notify)
    return best


def _prepare_smaller(model: Model, size: tuple[int, int], choice: Choice, notify: Notify) -> None:
    """Build the engines of the governor's smaller size, too."""
    engine = Engine(choice.stages, store_of(model), notify=notify)
    network = Network(model, *size, Setup(engine, conditions=choice.conditions))
    _settle(network)
    if (small := open_small_network(network)) is not None:
        notify(f"tune: {small.width}x{small.height} is there for --target-ms")


def tune_precision(
    model: str,
    size: tuple[int, int] | None,
    dtype: str,
    notify: Notify,
    backends: tuple[str, ...] | None,
) -> Choice:
    """Measure, store and return the best choice in one precision; arguments as for `tune`."""
    loaded = load_model(model, dtype=dtype_of(dtype))
    shape, store = _size(loaded, size), store_of(loaded)
    off = _off(loaded, shape)
    others = backends_on(loaded.device.type) if backends is None else backends
    names = runnable(("torch", *others), loaded, notify)
    light = [name for name in names if name not in HEAVY]
    bench = _Bench(loaded, shape)
    notify(f"tune: {dtype}: measuring {', '.join(light)} with other threads and layouts")
    tried = [Conditions(n, layout) for n in thread_counts(loaded.device) for layout in LAYOUTS]
    for conditions, name in product(tried, light):
        bench.prepare((name, conditions), Engine(name, store, notify=notify), conditions)
    tried_ms = {key: _median(m.frames) for key, m in bench.measure().items()}
    _, best = min(tried_ms, key=lambda key: tried_ms[key])
    bench = _Bench(loaded, shape)
    for name in (*light, *(n for n in names if n not in light)):
        notify(f"tune: {dtype}: preparing {name}, {best}")
        bench.prepare(name, Engine(name, store, notify=notify), best)
    notify(f"tune: {dtype}: measuring {', '.join(map(str, bench.networks))}")
    mixture = winners(bench.measure(), bench.groups)
    bench.prepare(MIXED, Engine(mixture, store, notify=notify), best)
    conditions_ms = {f"{name}, {on}": round(ms, 2) for (name, on), ms in tried_ms.items()}
    made = decided(mixture, bench.measure(), best, conditions_ms, bench.groups)
    made = replace(made, dtype=dtype, off=round(off, 5))
    write_choice(choice_file(store, shape, dtype), made)
    return made


def worth_measuring() -> tuple[str, ...]:
    """Return the precisions that may be the fastest here."""
    return tuple(dict.fromkeys(("float32", name_of(best_device()[1]))))


def picture_off(model: Model, exact: Model, size: tuple[int, int]) -> float:
    """Return the mean difference 0..1 of pictures painted by two loads of one model."""
    text = exact.encode([""])

    def painted(loaded: Model) -> list[torch.Tensor]:
        network, own = Network(loaded, *size), Versioned(-1, text.to(loaded.dtype))
        seeds = (network.noise(seed)[0] for seed in range(SEEDS))
        return [network.paint(noise, own, (), ONE).pixels.tensor.float() for noise in seeds]

    pairs = zip(painted(model), painted(exact), strict=True)
    return float(torch.stack([(a - b).abs().mean() for a, b in pairs]).mean()) / 255


def thread_counts(device: torch.device) -> tuple[int, ...]:
    """Return the numbers of torch's threads worth measuring; on a GPU the usual one alone."""
    return (USUAL.threads,) if device.type == "cuda" else counts()


def _size(model: Model, size: tuple[int, int] | None) -> tuple[int, int]:
    return size or (model.native, model.native)


def _off(model: Model, size: tuple[int, int]) -> float:
    """Return the mean difference 0..1 of the model's pictures to those in float32."""
    if model.dtype == torch.float32:
        return 0.0
    return picture_off(model, load_model(model.name, dtype=torch.float32), size)


def runnable(names: Iterable[str], model: Model, notify: Notify) -> list[str]:
    """Return the backends that can run the model's precision, each once; `notify` of others."""
    able = list(dict.fromkeys(names))
    if "onnx" in able and model.dtype not in TYPES:
        able.remove("onnx")
        notify(f"tune: onnx cannot run {model.precision}: it is measured in float32")
    return able


class _Bench:
    """Networks on one model, whose weights are laid out again for each of them in turn."""

    def __init__(self, model: Model, size: tuple[int, int]) -> None:
        self._model, self._size = model, size
        self.networks: dict[Any, Network] = {}

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The stages of every group that may run joined, as one."""
        return next(iter(self.networks.values())).groups

    def prepare(self, key: Hashable, engine: Engine, conditions: Conditions) -> None:
        """Add a network, unless its engine fell back to torch, which is measured anyway."""
        network = Network(self._model, *self._size, Setup(engine, conditions=conditions))
        _settle(network)
        network.prepare()
        if not engine.fallbacks:
            self.networks[key] = network

    def measure(self) -> dict[Any, Measured]:
        """Paint ROUNDS times FRAMES on each network; return the times by key: of stages unjoined
        and joined, and of frames as a show without bends runs them."""
        times = {key: Measured([], {}) for key in self.networks}
        text = Versioned(-1, self._model.encode([""]))
        for k in range(ROUNDS):
            for key, network in self.networks.items():
                _settle(network)
                for n in range(FRAMES + 2):
                    with network.unjoined():
                        _, unjoined = _frame(network, text, k * 100 + n)
                    with network.to_their_ends():
                        seconds, joined = _frame(network, text, k * 100 + 50 + n)
                    if n >= 2:  # after two to warm up
                        times[key].add(seconds, {**joined, **unjoined})
                network.memory.forget()
        return times


def _settle(network: Network) -> None:
    """Set the layout of the model's weights and this thread's conditions to those of a network."""
    lay_out(network.model, LAYOUTS[network.setup.conditions.layout])
    take_up(network)


def _frame(network: Network, text: Versioned, seed: int) -> tuple[float, Mapping[str, float]]:
    """Paint a frame of fresh noise; return its seconds, and those of every stage."""
    begin = now()
    network.frame()
    network.paint(network.noise(seed, 0)[0], text, (), ONE)
    return now() - begin, network.memory.ran.seconds


def winners(
    measured: Mapping[str, Measured], groups: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Return the fastest backend of every stage, and of every group that runs faster joined than
    its stages one by one. `measured`: the times by backend, torch among them."""
    heads, own = ("unet.", "vae.", "image", "pixels"), ("unet.time", "unet.text")
    names = [s for s in measured["torch"].stages if s.startswith(heads) and s not in own]

    def ms(name: str, stage: str) -> float:
        return _median(measured[name].stages[stage])

    best = {stage: min(measured, key=lambda name: ms(name, stage)) for stage in names}
    unjoined = {
        g: sum(ms(best[stage], stage) for stage in members) for g, members in groups.items()
    }
    for group, unjoined_ms in unjoined.items():
        joining = [name for name in measured if group in measured[name].stages]
        fastest = min(joining, key=lambda name: ms(name, group), default=None)
        if fastest and ms(fastest, group) < unjoined_ms:
            best[group] = fastest
    return best


def decided(
    mixture: Mapping[str, str],
    measured: Mapping[str, Measured],
    conditions: Conditions,
    conditions_ms: Mapping[str, float],
    groups: Iterable[str],
) -> Choice:
    """Return the mixture as a choice or, where a single backend beats it, that one with the groups
    that it joined."""
    frame_ms = {name: _median(m.frames) for name, m in measured.items()}
    first = min(frame_ms, key=frame_ms.__getitem__)
    joined = [group for group in groups if group in measured[first].stages]
    stages = dict(mixture) if first == MIXED else dict.fromkeys((*mixture, *joined), first)

    def ms_of(stage: str) -> dict[str, float]:
        having = {name: m for name, m in measured.items() if stage in m.stages}
        return {name: round(_median(m.stages[stage]), 3) for name, m in having.items()}

    whole_ms = {name: round(ms, 2) for name, ms in frame_ms.items()}
    return Choice(stages, conditions, {s: ms_of(s) for s in stages}, whole_ms, conditions_ms)


def _median(values: list[float]) -> float:
    return float(np.median(values))
