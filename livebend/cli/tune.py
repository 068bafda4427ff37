"""`livebend tune`: measure on this machine and store the fastest device, precision, backend and
number of threads.

Everything that can run here is tried as a whole: frames have fresh noise and are painted with one
setting after the other, round after round, so that a drifting machine affects all alike. The
fastest is taken whose pictures are those of float32 to the eye.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import product

import numpy as np
import torch
from torch import Tensor

from livebend.cli.options import wanted_of
from livebend.cli.printing import print_notice, print_rows
from livebend.core.clock import now
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.core.sizes import painted_size
from livebend.device.devices import AUTO, device_of, here, on_torch
from livebend.device.memory import Versioned
from livebend.device.torch_threads import DEFAULT, counts
from livebend.models.backends.engine import Engine, backends_on
from livebend.models.backends.protocol import Target
from livebend.models.backends.tuned_choice import Choice, choice_file, write_choice
from livebend.models.checkpoint import Wanted, load_model
from livebend.models.precision import best_dtype, dtype_of, name_of
from livebend.rendering.network import Network, Setup
from livebend.rendering.open_network import store_of, take_up
from livebend.rendering.small_network import open_small_network
from livebend.scene.values import Sampling

NAMED_ONLY = ("compiled", "onnx")  # minutes of compiling; never the fastest on a processor
ONE = Sampling("euler", 1)
ROUNDS, FRAMES, SEEDS = 5, 6, 4
ALIKE = 0.02  # mean difference 0..1 of two pictures that nobody sees without comparing them


def run(options: argparse.Namespace) -> int:
    """Measure, store the fastest, and print what was measured."""
    named = tuple(options.backends.split(",")) if options.backends else None
    choice = tune(
        wanted_of(options), options.size, print_notice,
        device=options.device, dtype=options.dtype, backends=named,
    )  # fmt: skip
    if options.json:
        print(json.dumps({**asdict(choice), "target": choice.target._asdict()}, indent=2))
        return 0
    print_rows(
        [{"ms": ms, "with": name, "": "chosen" if name == str(choice) else ""}
         for name, ms in sorted(choice.frame_ms.items(), key=lambda item: item[1])]
    )  # fmt: skip
    return 0


@dataclass(slots=True)
class _Candidate:
    """A setting, the network that plays it, and its milliseconds."""

    choice: Choice
    network: Network
    ms: list[float] = field(default_factory=list)


def tune(
    model: str | Wanted,
    size: tuple[int, int] | None,
    notify: Notify,
    *,
    device: str = AUTO,
    dtype: str = AUTO,
    backends: tuple[str, ...] | None = None,
) -> Choice:
    """Measure, store and return the best choice for a model at a size.

    size: (W, H) in pixels; None = the model's own.
    device, dtype: those that are tried; auto = all that are here.
    backends: what is tried besides torch; None = all that can run and are prepared in seconds.

    Raises: LivebendError.
    """
    dtype_of(dtype)
    model = Wanted(model) if isinstance(model, str) else model
    names = _devices() if device == AUTO else (device_of(device, model.name),)
    made = [c for name in names for c in _candidates(model, size, name, dtype, backends, notify)]
    if not made:
        raise Refused(f"tune: nothing of {', '.join(backends or ())} can run on {', '.join(names)}")
    notify(f"tune: measuring {len(made)} settings")
    _measure(made)
    exact = _pictures(Network(load_model(model, torch.device("cpu"), torch.float32), *_size(made)))
    frame_ms = {str(c.choice): round(float(np.median(c.ms)), 2) for c in made}
    choices = [
        replace(c.choice, off=round(_off(c.network, exact), 5), frame_ms=frame_ms) for c in made
    ]
    alike = [choice for choice in choices if choice.off <= ALIKE]
    best = min(alike or choices, key=lambda choice: choice.ms)
    network = next(c.network for c in made if str(c.choice) == str(best))
    write_choice(choice_file(store_of(network.model), _size(made), device, dtype), best)
    take_up(network)
    if (small := open_small_network(network)) is not None:
        notify(f"tune: {small.width}x{small.height} is there for --target-ms")
    return best


def _devices() -> tuple[str, ...]:
    """The devices worth trying: beside an NVIDIA GPU, no other."""
    found = here()
    return ("cuda",) if "cuda" in found else found


def _candidates(
    model: str | Wanted,
    size: tuple[int, int] | None,
    device: str,
    dtype: str,
    backends: tuple[str, ...] | None,
    notify: Notify,
) -> Iterator[_Candidate]:
    """Load and prepare every setting on a device that does not fall back to torch."""
    given = dtype_of(dtype)
    dtypes = (given,) if given else dict.fromkeys((torch.float32, best_dtype(device)))
    able = [name for name in backends_on(device) if _is_tried(name, device, backends)]
    for each in dtypes:
        loaded = load_model(model, on_torch(device), each)
        shape = painted_size(size or (loaded.native, loaded.native), loaded.factor)
        for name, threads in product(able, thread_counts(device)):
            choice = Choice(name, Target(device, threads), name_of(each))
            notify(f"tune: preparing {choice}")
            engine = Engine(name, store_of(loaded), choice.target, notify=notify)
            network = Network(loaded, *shape, Setup(engine))
            take_up(network)
            if engine.prepares:
                network.prepare()
            if not engine.fallbacks:
                yield _Candidate(choice, network)


def _is_tried(name: str, device: str, backends: tuple[str, ...] | None) -> bool:
    if name == "torch":
        return device in ("cpu", "cuda", "mps")
    return name in backends if backends is not None else name not in NAMED_ONLY


def thread_counts(device: str) -> tuple[int, ...]:
    """Return the numbers of threads worth trying on a device."""
    return counts() if device == "cpu" else (DEFAULT,)


def _size(made: list[_Candidate]) -> tuple[int, int]:
    return made[0].network.width, made[0].network.height


def _measure(made: list[_Candidate]) -> None:
    """Paint ROUNDS times FRAMES frames with each setting in turn, after two to warm up."""
    for k in range(ROUNDS):
        for candidate in made:
            network = candidate.network
            take_up(network)
            text = Versioned(-1, network.model.encode([""]))
            for n in range(FRAMES + 2):
                seconds = _frame(network, text, k * 100 + n)
                if n >= 2:
                    candidate.ms.append(seconds * 1e3)
            network.memory.forget()


def _frame(network: Network, text: Versioned, seed: int) -> float:
    """Paint a frame of fresh noise, to its end; return its seconds."""
    begin = now()
    network.frame()
    with network.to_their_ends():
        network.paint(network.noise(seed, 0)[0], text, (), ONE)
    return now() - begin


def _pictures(network: Network) -> Tensor:
    """Return pictures of SEEDS seeds, 0..1."""
    text = Versioned(-1, network.model.encode([""]))
    noises = (network.noise(seed)[0] for seed in range(SEEDS))
    painted = [network.paint(noise, text, (), ONE).pixels.tensor for noise in noises]
    return torch.stack([pixels.cpu().float() for pixels in painted]) / 255


def _off(network: Network, exact: Tensor) -> float:
    """Return the mean difference 0..1 of a network's pictures from the exact ones."""
    return float((_pictures(network) - exact).abs().mean())
