"""Train the denoiser: the text model and the UNet, on pictures paired with their noise.

v-prediction on Stable Diffusion's own noise schedule. Most of the samples stand where
inference begins: pure noise at t = 999, whose picture is a function of that noise, so that one
step is plain regression. The rest cover the steps of 2- and 4-step schedules and all times between.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, EulerDiscreteScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .drawings import Label, draw_label
from .noise import draw_noise
from .pictures import HELD_OUT, open_shards, shard_seeds
from .progress import Figures, Stage
from .text import WIDTH as TEXT_WIDTH
from .text import build_text_encoder, build_tokenizer, tokenize
from .words import caption, plain_caption

WIDTHS = (32, 64, 128, 192)
FINAL = 999
STOPS = (749, 499, 249)
"""The times, besides 999, that 2 and 4 trailing steps visit."""


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


def build_unet() -> UNet2DConditionModel:
    """Build the untrained UNet: four levels each way, text at the two deepest and in the middle."""
    unet = UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D",) * 2 + ("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",) * 2,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=[1, 2, 4, 6],
        norm_num_groups=8,
        use_linear_projection=True,
    )
    _start_gently(unet)
    return unet.to(memory_format=torch.channels_last)


@torch.no_grad()
def _start_gently(unet: UNet2DConditionModel) -> None:
    """Begin near a plain pyramid: small residual branches, and downsampling that averages.

    The choices of a drawing are the lowest frequencies of its noise, so the averages of the noise
    should reach the deepest level from the first step on. The words speak loudly from the start.
    """
    for name, module in unet.named_modules():
        if name.endswith("conv2"):
            module.weight.mul_(0.4)
        if name.endswith("attn2.to_v"):
            module.weight.mul_(3.0)
        if "downsamplers" in name and isinstance(module, nn.Conv2d):
            line = torch.tensor([1.0, 2.0, 1.0])
            kernel = torch.outer(line, line) / 8
            module.weight.mul_(0.3)
            channels = torch.arange(module.in_channels)
            module.weight[channels, channels] += kernel
    unet.conv_out.weight.mul_(0.2)


def predict(
    unet: UNet2DConditionModel, x: Tensor, t: Tensor, text: Tensor, keep: Tensor | None = None
) -> Tensor:
    """Run the UNet as its own forward does, with each level's skips scaled by `keep` (4, B).

    `keep` is ordered from the deepest level up; 1 everywhere, or None, changes nothing.
    """
    embedding = unet.time_embedding(unet.time_proj(t.expand(len(x))).to(x.dtype))
    h = unet.conv_in(x)
    skips = [h]
    for block in unet.down_blocks:
        words = {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", 0) else {}
        h, outputs = block(hidden_states=h, temb=embedding, **words)
        skips.extend(outputs)
    h = unet.mid_block(h, embedding, encoder_hidden_states=text)
    for level, block in enumerate(unet.up_blocks):
        count = len(block.resnets)
        skips, mine = skips[:-count], skips[-count:]
        if keep is not None:
            mine = [skip * keep[level, :, None, None, None] for skip in mine]
        words = {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", 0) else {}
        h = block(hidden_states=h, temb=embedding, res_hidden_states_tuple=tuple(mine), **words)
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(h)))


class Pairs:
    """The training set: latents (n, 4, h, w), their noise and their labels."""

    def __init__(self, latents: Tensor, noise: Tensor, labels: list[Label]) -> None:
        self.latents, self.noise, self.labels = latents, noise, labels

    def __len__(self) -> int:
        return len(self.latents)

    def halved(self) -> Pairs:
        """Halve the resolution: unit-variance latents, and noise that is N(0, I) and still paired.

        The sum of 2×2 noises over 2 is normal again and keeps the lowest cosines, so a picture's
        choices read the same from it.
        """
        small = functional.avg_pool2d(self.latents.float(), 2)
        noise = functional.avg_pool2d(self.noise.float(), 2) * 2
        return Pairs((small / small.std()).half(), noise.half(), self.labels)


def pair_up(latents: Tensor, seeds: Sequence[int]) -> Pairs:
    """Pair latents with the noise and the labels of their seeds."""
    noise = torch.from_numpy(np.stack([draw_noise(seed) for seed in seeds])).half()
    return Pairs(latents, noise, [draw_label(seed) for seed in seeds])


@torch.no_grad()
def encode_shard(vae: AutoencoderTiny, shard: NDArray[np.uint8]) -> Tensor:
    """Encode a shard of pictures to latents in half precision."""
    chunks = []
    for start in range(0, len(shard), 20):
        chunk = torch.from_numpy(np.array(shard[start : start + 20])).permute(0, 3, 1, 2)
        chunk = (chunk.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        chunks.append(vae.encoder(chunk).half())
    return torch.cat(chunks)


def load_pairs(work: Path, vae: AutoencoderTiny, held_out: bool = False, fresh: int = 2) -> Pairs:
    """Pair up the shards drawn so far: those encoded before, and up to `fresh` more."""
    latents, seeds = [], []
    for index, shard in enumerate(open_shards(work, held_out)):
        path = work / "latents" / f"{'held' if held_out else 'train'}_{index:04d}.pt"
        if not path.exists():
            if fresh == 0:
                break
            path.parent.mkdir(exist_ok=True)
            torch.save(encode_shard(vae, shard), path)
            fresh -= 1
        latents.append(torch.load(path, weights_only=True))
        seeds.extend(shard_seeds(index, held_out))
    return pair_up(torch.cat(latents), seeds)


def draw_times(count: int) -> Tensor:
    """Draw times (count,): 60 % at the start of inference, 20 % at its stops, 20 % anywhere."""
    pick = torch.rand(count)
    t = torch.randint(1, FINAL, (count,))
    stops = torch.tensor(STOPS)[torch.randint(len(STOPS), (count,))]
    t = torch.where(pick < 0.80, stops, t)
    return torch.where(pick < 0.60, FINAL, t)


class DenoiserStage(Stage):
    """One training step of the UNet and the text model."""

    def __init__(self, pairs: Pairs, batch: int = 16) -> None:
        self.tokenizer = build_tokenizer()
        self.unet, self.text = build_unet(), build_text_encoder(self.tokenizer)
        self.pairs, self.batch = pairs, batch
        self.rng = np.random.default_rng()
        self.abar = build_scheduler().alphas_cumprod

    def modules(self) -> dict[str, nn.Module]:
        return {"unet": self.unet, "text": self.text}

    def embed(self, captions: list[str]) -> Tensor:
        """Embed captions (B, 20, 128)."""
        return self.text(tokenize(self.tokenizer, captions)).last_hidden_state

    def _captions(self, index: Tensor) -> list[str]:
        labels = [self.pairs.labels[i] for i in index.tolist()]
        return [
            "" if self.rng.random() < 0.06
            else plain_caption(label) if self.rng.random() < 0.35
            else caption(label, self.rng)
            for label in labels
        ]  # fmt: skip

    def step(self, _done: float) -> tuple[Tensor, Figures]:
        count = self.batch
        index = torch.randint(len(self.pairs), (count,))
        x0, eps = self.pairs.latents[index].float(), self.pairs.noise[index].float()
        t = draw_times(count)
        stranger = (torch.rand(count) < 0.3) & (t < 850)
        eps = torch.where(stranger[:, None, None, None], torch.randn_like(eps), eps)
        a = self.abar[t].sqrt()[:, None, None, None]
        s = (1 - a * a).sqrt()
        start = (t == FINAL)[:, None, None, None]
        x = torch.where(start, eps, a * x0 + s * eps).contiguous(memory_format=torch.channels_last)
        keep = 1 - (torch.rand(4, count) < 0.1).float() * torch.rand(4, count)
        v = predict(self.unet, x, t, self.embed(self._captions(index)), keep)
        error = (v - (a * eps - s * x0)).square().mean((1, 2, 3))
        first = t == FINAL
        figures = {"loss": error.mean().item(), "batch": float(count)}
        if first.any():
            figures["start"] = error[first].mean().item()
        return error.mean(), figures


@torch.no_grad()
def generate(unet: UNet2DConditionModel, text: Tensor, noise: Tensor, steps: int) -> Tensor:
    """Denoise noise (B, 4, h, w) in some steps, as StableDiffusionPipeline does unguided."""
    scheduler = build_scheduler()
    scheduler.set_timesteps(steps)
    x = noise * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        v = unet(scheduler.scale_model_input(x, t), t, text).sample
        x = scheduler.step(v, t, x).prev_sample
    return x


def held_out_labels(count: int) -> list[Label]:
    """List the labels of the first held-out seeds."""
    return [draw_label(HELD_OUT + i) for i in range(count)]
