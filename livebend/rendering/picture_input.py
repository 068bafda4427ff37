"""The picture that a frame begins at. Owned by the render thread."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from livebend.device.memory import Memory, Versioned
from livebend.flow import PictureSource, Tick
from livebend.models.backends.engine import Engine
from livebend.models.checkpoint import Model
from livebend.models.stages import encoder_stage
from livebend.rendering.framing import framed, levels
from livebend.scene.values import Scene


@dataclass(frozen=True, slots=True)
class Start:
    """What painting begins at: `image` [1, 3, H, W] in −1..1, float32, and how much of it is
    repainted, `strength` 0..1."""

    image: Versioned
    strength: float


class PictureInput:
    """Brings the pictures of a source to frames."""

    def __init__(self, source: PictureSource | None, device: torch.device) -> None:
        self._source, self._device = source, device

    def start(
        self, scene: Scene, tick: Tick, memory: Memory, size: tuple[int, int]
    ) -> Start | None:
        """Return what the frame of a tick begins at, `size` = (H, W); None where that is noise."""
        how = scene.picture
        shot = self._source.at(tick.time) if self._source and how.on else None
        if shot is None:
            return None
        made = memory.recall(
            "picture.in", shot.number, lambda: (levels(shot.pixels, self._device),)
        )
        placing = (size, how.fit, how.zoom, how.angle, how.x, how.y, how.mirror)
        image = memory.derive("picture", made, placing, lambda x: framed(x, size, how))
        return Start(image, how.strength)


class PictureEncoder:
    """From a picture to the latent that painting begins at."""

    def __init__(self, memory: Memory, engine: Engine, model: Model) -> None:
        assert model.encoder is not None
        self._memory, self._engine, self._dtype = memory, engine, model.dtype
        self._stage = encoder_stage(model.encoder)
        config: Any = model.encoder.config
        self._scaling = float(config.scaling_factor)
        self.samples = type(model.encoder).__name__ == "AutoencoderKL"

    def latent(self, image: Versioned, draw: Versioned | None) -> Versioned:
        """Return the latent of a picture [1, 3, H, W], float32.

        draw: standard normal, where the encoder gives a distribution: z = μ + σ·draw. Source:
            Kingma and Welling 2014, equation 10.
        """
        memory, dtype = self._memory, self._dtype
        picture = memory.derive("picture.out", (image,), (), lambda x: x.to(dtype))
        runner = self._engine.runner(self._stage, [picture])
        key = (picture.version, runner)
        encoded = memory.recall(self._stage.name, key, runner, read=[picture])
        read = encoded if draw is None else (*encoded, draw)
        return memory.derive("picture.latent", read, (), self._scaled)

    def _scaled(self, encoded: Tensor, draw: Tensor | None = None) -> Tensor:
        z = encoded.float()
        if draw is not None:
            mean, log_variance = z.chunk(2, dim=1)
            z = mean + torch.exp(0.5 * log_variance.clamp(-30.0, 20.0)) * draw
        return self._scaling * z
