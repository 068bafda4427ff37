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
from livebend.rendering.blending import blended
from livebend.rendering.framing import framed, levels
from livebend.rendering.last_frame import moved
from livebend.scene.values import Scene


@dataclass(frozen=True, slots=True)
class Start:
    """What painting begins at: `image` [1, 3, H, W] in −1..1, float32, and how much of it is
    repainted, `strength` 0..1."""

    image: Versioned
    strength: float


class PictureInput:
    """Brings the pictures of a source, and the last frame, to frames."""

    def __init__(self, source: PictureSource | None, memory: Memory, device: torch.device) -> None:
        self._source, self._memory, self._device = source, memory, device
        self._last: Versioned | None = None  # the pixels that were shown last
        self._was_shown = False  # whether there would be some, had the last frame been painted

    def image(self, scene: Scene, tick: Tick, size: tuple[int, int]) -> Versioned | None:
        """Return the picture [1, 3, H, W], −1..1, that comes in at a tick, `size` = (H, W); None
        without."""
        how, memory = scene.picture, self._memory
        shot = self._source.at(tick.time) if self._source else None
        if shot is None:
            return None
        made = memory.recall(
            "picture.in", shot.number, lambda: (levels(shot.pixels, self._device),)
        )
        placing = (size, how.fit, how.zoom, how.angle, how.x, how.y, how.mirror)
        return memory.derive("picture", made, placing, lambda x: framed(x, size, how))

    def start(
        self, scene: Scene, tick: Tick, image: Versioned | None, size: tuple[int, int]
    ) -> Start | None:
        """Return what painting begins at: the picture that came in, the last frame over it; None
        where that is noise."""
        how = scene.echo
        if not scene.picture.on:
            return None
        if self._last is not None and how.decay > 0.0:
            read = (self._last,) if image is None else (self._last, image)
            rates = (how.decay, how.zoom, how.angle, how.right, how.down, how.hue)

            def over(pixels: Tensor, picture: Tensor | None = None) -> Tensor:
                return moved(pixels, picture, size, how, tick.dt)

            key = (size, tick.dt, *rates)
            image = self._memory.derive("picture.echo", read, key, over)
        return None if image is None else Start(image, scene.picture.strength)

    def follow(self, scene: Scene, tick: Tick) -> bool:
        """Go through a tick without painting; return whether painting would begin at a picture."""
        shot = self._source.at(tick.time) if self._source else None
        was_shown, self._was_shown = self._was_shown and scene.echo.decay > 0.0, True
        return scene.picture.on and (shot is not None or was_shown)

    def laid_over(self, scene: Scene, pixels: Versioned, image: Versioned | None) -> Versioned:
        """Return painted pixels with the picture that came in over them."""
        mix, blend = scene.picture.mix, scene.picture.blend
        if image is None or mix == 0.0:
            return pixels
        return self._memory.derive(
            "picture.mix", (pixels, image), (mix, blend), lambda x, b: blended(x, b, mix, blend)
        )

    @property
    def last(self) -> Versioned | None:
        """What was shown last."""
        return self._last

    def keep(self, pixels: Versioned | None) -> None:
        """Remember what is shown, for the next frame; None begins anew."""
        self._last, self._was_shown = pixels, pixels is not None


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
