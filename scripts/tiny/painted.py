"""What an exported model paints, as diffusers' own pipeline runs it, and sheets of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from torch import Tensor, nn

from .canvas import SQUARE, Size
from .noise import draw_noise


class Model:
    """The folder as diffusers' own pipeline runs it: prompts and noise to pictures −1..1."""

    def __init__(self, folder: Path) -> None:
        self.pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
        self.pipe.set_progress_bar_config(disable=True)

    def __call__(self, prompts: list[str] | Tensor, noise: Tensor, steps: int) -> Tensor:
        key = "prompt_embeds" if isinstance(prompts, Tensor) else "prompt"
        made = [
            self.pipe(**{key: prompts[i : i + 25]}, num_inference_steps=steps, guidance_scale=0.0,
                      latents=noise[i : i + 25], output_type="pt").images
            for i in range(0, len(prompts), 25)
        ]  # fmt: skip
        return torch.cat(made) * 2 - 1

    def embed(self, prompt: str) -> Tensor:
        """Embed a prompt (1, T, C)."""
        return self.pipe.encode_prompt(prompt, "cpu", 1, False)[0]


def seeds(first: int, count: int, size: Size = SQUARE) -> Tensor:
    """Draw the noise of some seeds (count, 4, h / 8, w / 8), for pictures of a size."""
    return torch.from_numpy(np.stack([draw_noise(first + i, size) for i in range(count)]))


def write_sheet(pictures: Tensor, columns: int, path: Path) -> None:
    """Lay pictures (n, 3, h, w) out in rows, at half size."""
    small = nn.functional.avg_pool2d(pictures, 2)
    n, _, h, w = small.shape
    grid = small.view(n // columns, columns, 3, h, w).permute(0, 3, 1, 4, 2)
    pixels = (grid.reshape(n // columns * h, columns * w, 3) + 1) * 127.5
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clamp(0, 255).byte().numpy()).save(path)
