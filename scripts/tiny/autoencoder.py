"""Train the autoencoder, with latents whose axes speak Stable Diffusion's language.

The linear map that approximates Stable Diffusion 1.x latents (scaled, unit variance) as colours
(−1..1) is imposed on the encoder as it stands, with only a free offset: channel 0 is white–black,
1 green–magenta, 2 cyan–red, 3 blue–yellow, so bends tuned on one model turn the same colours on
the other.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .progress import Figures, Moment, Stage

LATENT_TO_RGB = torch.tensor(
    [
        [0.3512, 0.2297, 0.3227],
        [0.3250, 0.4974, 0.2350],
        [-0.2829, 0.1762, 0.2721],
        [-0.2120, -0.2616, -0.7177],
    ]
)
"""Rows: latent channel 0..3; columns: R, G, B of the picture in −1..1."""

WIDTH = 24
DECODER_WIDTH, DECODER_BLOCKS = 32, (3, 2, 2, 0)
"""Channels of the decoder, and its blocks at 32, 64, 128 and 256 pixels a side. At the last one
there is none: what is painted there is worked out at half the size, like a pixel shuffle's, for a
fourth of the work."""
Shards = list[NDArray[np.uint8]]


def build_autoencoder() -> AutoencoderTiny:
    """Build the untrained autoencoder: a decoder of 1.8 GMAC at 256×256."""
    vae = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(DECODER_WIDTH,) * 4,
        num_encoder_blocks=(0, 1, 2, 2),
        num_decoder_blocks=DECODER_BLOCKS,
        latent_magnitude=3,
        latent_shift=0.5,
        scaling_factor=1.0,
        force_upcast=False,
    )
    for module in vae.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if hasattr(module, "fuse"):
            module.conv[-1].weight.data.mul_(0.2)
    return vae.to(memory_format=torch.channels_last)


def stages(decoder: nn.Module) -> list[list[nn.Module]]:
    """Split a decoder's weighted layers where it doubles the picture's side."""
    found: list[list[nn.Module]] = [[]]
    for layer in decoder.layers:
        if isinstance(layer, nn.Upsample):
            found.append([])
        elif next(layer.parameters(), None) is not None:
            found[-1].append(layer)
    return found


@torch.no_grad()
def _widen(old: nn.Conv2d, new: nn.Conv2d) -> None:
    """Have a wider convolution do what the old one does: what it adds is not looked at by the
    channels that were there."""
    out, into = old.weight.shape[:2]
    new.weight[:out] = 0
    new.weight[:out, :into] = old.weight
    if old.bias is not None and new.bias is not None:
        new.bias[:out] = old.bias


@torch.no_grad()
def grown(vae: AutoencoderTiny) -> AutoencoderTiny:
    """Return an autoencoder of today's shape that does what a narrower or shorter one does, so that
    training goes on from there.

    New channels begin at random and are not heard, new blocks begin as nothing; both are learnt.

    Raises:
        ValueError: It is not smaller than today's, or has no block where today's has one.
    """
    made = build_autoencoder()
    made.encoder.load_state_dict(vae.encoder.state_dict())
    for old, new in zip(stages(vae.decoder), stages(made.decoder), strict=True):
        kinds = [[hasattr(layer, "fuse") for layer in stage] for stage in (old, new)]
        wide = vae.config.decoder_block_out_channels[0]
        if any(kinds[1]) > any(kinds[0]) or len(old) > len(new) or wide > DECODER_WIDTH:
            raise ValueError(
                f"a stage of {sum(kinds[0])} blocks {wide} wide does not grow to"
                f" {sum(kinds[1])} blocks {DECODER_WIDTH} wide"
            )
        blocks = [layer for layer in old if hasattr(layer, "fuse")]
        fresh = [layer for layer in new if hasattr(layer, "fuse")]
        for block, into in zip(blocks, fresh, strict=False):
            for before, after in zip(block.conv[::2], into.conv[::2], strict=True):
                _widen(before, after)
        for into in fresh[len(blocks) :]:
            nn.init.zeros_(into.conv[-1].weight)
        plain = ([layer for layer in stage if not hasattr(layer, "fuse")] for stage in (old, new))
        for before, after in zip(*plain, strict=True):
            _widen(before, after)
    return made.eval()


def random_crops(shards: Shards, count: int, size: int, rng: np.random.Generator) -> Tensor:
    """Cut crops (count, 3, size, size) in −1..1, a third of them from pictures at half size."""
    crops = np.empty((count, size, size, 3), np.float32)
    for i in range(count):
        shard = shards[int(rng.integers(len(shards)))]
        sides = np.array(shard.shape[1:3])
        wide = size * 2 if rng.random() < 0.3 and sides.min() >= size * 2 else size
        y, x = rng.integers(0, sides + 1 - wide)
        crop = shard[int(rng.integers(len(shard))), y : y + wide, x : x + wide]
        if wide > size:
            crop = crop.reshape(size, 2, size, 2, 3).mean((1, 3))
        crops[i] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return torch.from_numpy(crops).permute(0, 3, 1, 2) / 127.5 - 1


def picture_loss(decoded: Tensor, picture: Tensor) -> Tensor:
    """Compare pictures: absolute, squared, pooled colour, and gradients at three scales."""
    d = decoded - picture
    pooled = functional.avg_pool2d(d, 8)
    loss = d.abs().mean() + 3 * d.square().mean() + 2 * pooled.abs().mean()
    loss = loss + 2 * (pooled - pooled.mean(1, keepdim=True)).abs().mean()
    for scale in range(3):
        along = (d[..., 1:] - d[..., :-1]).abs().mean()
        down = (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
        loss = loss + 0.15 * (along + down)
        d = functional.avg_pool2d(d, 2) if scale < 2 else d
    return loss


def moment_loss(z: Tensor) -> Tensor:
    """Hold every channel at mean 0 and variance 1, and few values beyond ±3."""
    mean, variance = z.mean((0, 2, 3)), z.var((0, 2, 3))
    return (
        mean.square().mean()
        + (variance - 1).square().mean()
        + 0.1 * functional.relu(z.abs() - 3).square().mean()
    )


def to_rgb(z: Tensor, offset: Tensor) -> Tensor:
    """Map latents (B, 4, h, w) linearly to colours (B, 3, h, w) in −1..1."""
    return torch.einsum("bchw,cr->brhw", z, LATENT_TO_RGB.to(z.device)) + offset[:, None, None]


def batch_shape(done: float) -> tuple[int, int]:
    """Choose count and size of the crops: many small ones first, then few large ones."""
    return (16, 64) if done < 0.65 else (4, 128)


def blurred_noise(z: Tensor) -> Tensor:
    """Disturb latents a little, so that the decoder bears what a denoiser leaves."""
    return z + torch.randn_like(z) * torch.rand(len(z), 1, 1, 1, device=z.device) * 0.1


class AutoencoderStage(Stage):
    """Train encoder and decoder together, under the fixed map from latents to colours."""

    def __init__(self, shards: Shards, device: str = "cpu") -> None:
        self.vae = build_autoencoder().to(device)
        self.offset = nn.Parameter(torch.full((3,), -0.4, device=device))
        self.shards, self.device = shards, device
        self.rng = np.random.default_rng()

    def modules(self) -> dict[str, nn.Module]:
        return {"vae": self.vae, "offset": nn.ParameterList([self.offset])}

    def step(self, now: Moment) -> tuple[Tensor, Figures]:
        count, size = batch_shape(now.done)
        picture = random_crops(self.shards, count, size, self.rng).to(self.device)
        picture = picture.contiguous(memory_format=torch.channels_last)
        z = self.vae.encoder(picture)
        decoded = self.vae.decoder(blurred_noise(z))
        colours = functional.mse_loss(to_rgb(z, self.offset), functional.avg_pool2d(picture, 8))
        loss = picture_loss(decoded, picture) + 0.5 * colours + 0.06 * moment_loss(z)
        error = functional.mse_loss(decoded.detach(), picture)
        figures = {"loss": loss.item(), "mse": error.item(), "map_rms": colours.item() ** 0.5}
        return loss, figures | {"batch": float(count)}


@torch.no_grad()
def whiten(vae: AutoencoderTiny, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Fold the channels' means and their common deviation into the last and first convolutions.

    One gain for all four channels keeps their proportions, and so the map to colours, exact up to
    that gain; each channel's own deviation stays within a tenth or so of 1. Returns the means and
    the deviation before folding. The decoder sees tanh(z/3)·3 of what it is given, so the fold is
    exact but for that soft clamp; the finish mends the rest.
    """
    pictures = pictures.to(next(vae.parameters()).device)
    z = torch.cat([vae.encoder(chunk) for chunk in pictures.split(8)])
    mean = z.mean((0, 2, 3))
    std = z.var((0, 2, 3)).mean().sqrt()
    last, first = vae.encoder.layers[-1], vae.decoder.layers[0]
    last.weight.div_(std)
    last.bias.sub_(mean).div_(std)
    first.bias.add_((first.weight.sum((2, 3)) * mean).sum(1))
    first.weight.mul_(std)
    return mean, std


@torch.no_grad()
def measure(vae: AutoencoderTiny, pictures: Tensor) -> dict[str, object]:
    """Measure PSNR, and how the fixed map (with its best offset and gain) fits pictures −1..1."""
    pictures = pictures.to(next(vae.parameters()).device)
    z = torch.cat([vae.encoder(chunk) for chunk in pictures.split(8)])
    decoded = torch.cat([vae.decoder(chunk) for chunk in z.split(8)]).clamp(-1, 1)
    small = functional.avg_pool2d(pictures, 8)
    guess = to_rgb(z, torch.zeros(3, device=z.device))
    small = small - small.mean((0, 2, 3), keepdim=True)
    guess = guess - guess.mean((0, 2, 3), keepdim=True)
    gain = float((guess * small).sum() / guess.square().sum())
    gap = small - gain * guess
    each = (decoded - pictures).square().mean((1, 2, 3))
    return {
        "psnr_of_all": round(float(10 * torch.log10(4 / each.mean())), 2),
        "psnr_mean_of_pictures": round(float((10 * torch.log10(4 / each)).mean()), 2),
        "map_gain": round(gain, 3),
        "map_mean_abs_error_0_1": round(float(gap.abs().mean() / 2), 4),
        "map_mean_abs_error_0_1_at_gain_1": round(float((small - guess).abs().mean() / 2), 4),
        "map_explained": round(float(1 - gap.square().mean() / small.square().mean()), 4),
        "channel_std": [round(s, 3) for s in z.std((0, 2, 3)).tolist()],
    }


def held_out_tensor(shards: Shards, count: int = 64) -> Tensor:
    """Take pictures of the first shard (count, 3, h, w) in −1..1."""
    pictures = torch.from_numpy(np.array(shards[0][:count])).permute(0, 3, 1, 2).float()
    return (pictures / 127.5 - 1).contiguous(memory_format=torch.channels_last)
