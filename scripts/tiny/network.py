"""The network that is trained: the UNet and its schedule, and how training runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from livebend.models.precision import multiplies_bfloat16

from .noise import SLOTS
from .text import WIDTH as TEXT_WIDTH

LEVELS = 4


@dataclass(frozen=True)
class Shape:
    """A UNet's channels at each level, the finest first, and how many of the deepest levels attend
    to the words, each way, besides the middle."""

    widths: tuple[int, ...] = (64, 96, 128, 192)
    attending: int = 1

    def __post_init__(self) -> None:
        if len(self.widths) != LEVELS or any(width % 32 for width in self.widths):
            raise ValueError(f"widths {self.widths}: expected {LEVELS} multiples of 32")
        if not 1 <= self.attending <= LEVELS:
            raise ValueError(f"attending {self.attending}: expected 1 to {LEVELS} levels")

    @staticmethod
    def of(folder: Path) -> Shape:
        """Read the shape of an exported model's UNet."""
        config = json.loads((folder / "unet" / "config.json").read_text())
        attending = sum("CrossAttn" in name for name in config["down_block_types"])
        return Shape(tuple(config["block_out_channels"]), attending)

    def about(self) -> dict[str, object]:
        """Say it in plain values."""
        return asdict(self)


def build_scheduler() -> EulerDiscreteScheduler:
    """Build Stable Diffusion's schedule with v-prediction and trailing steps, as SD-Turbo has."""
    return EulerDiscreteScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )


def build_unet(shape: Shape | None = None) -> UNet2DConditionModel:
    """Build the untrained UNet: four levels each way, text at the deepest and in the middle.

    The words, pooled, also join the time embedding, so that every block hears what to paint: from
    cross-attention alone the prompt is learnt far more slowly.
    """
    shape = shape or Shape()
    plain = LEVELS - shape.attending
    unet = UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=shape.widths,
        down_block_types=("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * shape.attending,
        up_block_types=("CrossAttnUpBlock2D",) * shape.attending + ("UpBlock2D",) * plain,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        use_linear_projection=True,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    return unet.to(memory_format=torch.channels_last)


def predict(
    unet: UNet2DConditionModel, x: Tensor, t: Tensor, text: Tensor, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Run the UNet as its own forward does, with each level's skips scaled by `keep` (4, B).

    Return what it says of x and what its middle is. `keep` is ordered from the deepest level up; 1
    everywhere, or None, changes nothing.
    """
    embedding = unet.time_embedding(unet.time_proj(t.expand(len(x))).to(x.dtype))
    embedding = embedding + unet.add_embedding(text)
    h = unet.conv_in(x)
    skips = [h]
    for block in unet.down_blocks:
        words = {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", 0) else {}
        h, outputs = block(hidden_states=h, temb=embedding, **words)
        skips.extend(outputs)
    h = middle = unet.mid_block(h, embedding, encoder_hidden_states=text)
    for level, block in enumerate(unet.up_blocks):
        count = len(block.resnets)
        skips, mine = skips[:-count], skips[-count:]
        if keep is not None:
            mine = [skip * keep[level, :, None, None, None] for skip in mine]
        words = {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", 0) else {}
        size = skips[-1].shape[2:] if skips else None  # halved, 7 rows were 4; doubled, they are 8
        h = block(hidden_states=h, temb=embedding, res_hidden_states_tuple=tuple(mine),
                  upsample_size=size, **words)  # fmt: skip
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(h))), middle


@contextmanager
def reduced(device: torch.device) -> Iterator[None]:
    """Multiply in bfloat16 on a GPU, and where the processor does, which a quarter more samples
    pass through; weights, sums and losses stay in float32.

    On a processor attention over these few tokens goes by plain products: the fused kernel's way
    back took a sixth of a step.
    """
    if device.type != "cpu":
        with torch.autocast(device.type, torch.bfloat16):
            yield
        return
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16()),
        sdpa_kernel(SDPBackend.MATH),
    ):
        yield


class Reader(nn.Module):
    """Read a drawing's choices (B, slots) linearly out of the network's middle (B, C, h, w).

    A choice is one faint cosine among a thousand noises. From pictures alone the network found
    those of one channel in 60,000 samples and none of the others, and painted the mean of all hues
    and turns; told to have them in its middle it finds all of them. Thrown away after training.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = nn.Linear(4 * width, len(SLOTS))

    def forward(self, middle: Tensor) -> Tensor:
        choices: Tensor = self.read(functional.adaptive_avg_pool2d(middle, 2).flatten(1))
        return choices
