"""A small network, the bend that most tests turn, and what is painted with them."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from livebend.bending.mask_cache import Trace, silence
from livebend.core.notify import Notify, ignore
from livebend.device.memory import Versioned
from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs, Runner
from livebend.models.stages import Stage
from livebend.rendering.network import Network, Picture
from livebend.scene.values import Bend, Lora, Sampling

CPU, F32 = torch.device("cpu"), torch.float32
ONE_STEP = Sampling("euler", 1)
GROUPS = ("unet.head", "unet.tail", "vae")  # of stages that an engine may run as one


def swirl(site: str, angle: float = 30.0, **more: object) -> Bend:
    """A rotation of all pairs of channels, by `angle` degrees."""
    return Bend("swirl", "rotate_pairs", site, {"angle": angle}, **more)


def text_of(network: Network, words: str = "a red orb", version: int = -1) -> Versioned:
    """The embedding of a prompt, as `version`."""
    return Versioned(version, network.model.encode([words]))


def picture(
    network: Network,
    bends: Sequence[Bend] = (),
    sampling: Sampling = ONE_STEP,
    seed: int = 46,
    *,
    words: str = "a red orb",
    version: int = -1,
    negative: Versioned | None = None,
    trace: Trace = silence,
    text: Tensor | None = None,
    loras: Sequence[Lora] = (),
) -> Picture:
    """Paint a seed under a prompt, or its embedding, known to the memory as `version`."""
    embedded = text_of(network, words, version) if text is None else Versioned(version, text)
    noise = network.noise(seed)[0]
    return network.paint(noise, embedded, bends, sampling, negative, trace, loras=loras)


def numbers(painted: Picture) -> Tensor:
    """The pixels, and the sum that every bit of the image goes into, in one row."""
    return torch.cat([painted.pixels.tensor.flatten().float(), painted.total.tensor[None]])


def same(painted: Picture, wanted: Picture) -> bool:
    """Whether two pictures are the same bits."""
    return torch.equal(numbers(painted), numbers(wanted))


def off_by(painted: Picture, wanted: Picture) -> float:
    """How far a picture is from the one that was wanted, ‖y − x‖/‖x‖."""
    y, x = numbers(painted), numbers(wanted)
    return float((y - x).norm() / x.norm())


class CountingEngine(Engine):
    """An engine that writes down the stages it runs (`ran`) and the runners it makes (`made`)."""

    def __init__(
        self,
        backend: str = "torch",
        store: EngineCache | None = None,
        *,
        notify: Notify = ignore,
    ) -> None:
        super().__init__(backend, store, notify=notify)
        self.ran: list[str] = []
        self.made: list[tuple[object, ...]] = []
        self._counted: dict[Runner, Runner] = {}

    def runner(
        self, stage: Stage, read: Sequence[Versioned], size: tuple[int, ...] | None = None
    ) -> Runner:
        """Return the engine's own runner, counted; the same object for the same computation."""
        own = super().runner(stage, read, size)
        if own not in self._counted:
            self._counted[own] = partial(self._run, stage.name, own)
        return self._counted[own]

    def _new(self, stage: Stage, inputs: Inputs, key: tuple[object, ...]) -> Runner:
        if (stage.name, *inputs.shapes) not in self._packed:  # those are loaded
            self.made.append(key)
        return super()._new(stage, inputs, key)

    def _run(self, stage: str, own: Runner, *tensors: Tensor) -> tuple[Tensor, ...]:
        self.ran.append(stage)
        return own(*tensors)
