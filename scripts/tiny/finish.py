"""Finish in pixel space: noise, UNet, decoder, pixels, with eyes that know photographs.

Regression on latents paints the mean of what could be there, which is soft, and a decoder that is
soft itself hides it. Here both learn together to make pictures that look like the drawings: alike
pixel by pixel, alike to the eyes, and not to be told from them by a critic. A finish does not mend
shapes; they are to be right before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from . import parallel
from .autoencoder import held_out_tensor, picture_loss
from .denoiser import FINAL, STOPS, Batch, DenoiserStage, draw_keep
from .eyes import Critic, Eyes, distance, preferred
from .network import predict, reduced
from .pairs import Grid, grid_of
from .progress import Figures, Moment, Stage, adamw

BATCH = 4
WINDOW, SCALE = 22, 8
"""Latents along a side of the window whose pixels are painted, and pixels of a latent: it costs
half of a whole square, and every place comes into one."""
TORN = 16
"""Pixels at a window's inner edges that are not looked at: nothing was decoded beyond them."""
ENCODED = 0.25
"""How many of the samples are encoded drawings, so that the decoder stays that of the encoder."""
LATE = 0.3
"""How many of the others are painted from a later stop, on the network's own way there, so that two
and four steps are as crisp as one."""
PIXELS, LIKENESS, CRITIC = 0.8, 1.0, 0.4
"""How hard each loss pulls at the decoder's weights. With a critic as strong as 2.4 pictures have
halos and mazes; without one they are soft."""
STAY = 0.6
"""Weight of regression on the latents, which keeps every site and noise's place in the picture."""
BALANCE_EVERY, ALONE, WARM = 50, 50, 100
"""Steps between two measurements of the pulls; steps in which the critic learns by itself, and in
which its pull then rises."""
UNET_SHARE = 1 / 3
"""The UNet's rate as a share of the decoder's."""
CRITIC_RATE = 1e-3


class Window(NamedTuple):
    """A square of latents: where it begins, in which grid."""

    y: int
    x: int
    grid: Grid

    def latents(self, z: Tensor) -> Tensor:
        """Cut latents (n, 4, h, w)."""
        cut = z[..., self.y : self.y + WINDOW, self.x : self.x + WINDOW]
        return cut.contiguous(memory_format=torch.channels_last)

    def pixels(self, pictures: Tensor) -> Tensor:
        """Cut what lies under it from pictures (n, 3, 8 h, 8 w)."""
        y, x, side = SCALE * self.y, SCALE * self.x, SCALE * WINDOW
        return pictures[..., y : y + side, x : x + side]

    def whole(self, painted: Tensor) -> Tensor:
        """Leave out edges of what is painted that are not the picture's own."""
        rows, columns = (
            slice(TORN * (at > 0), SCALE * WINDOW - TORN * (at + WINDOW < side))
            for at, side in zip((self.y, self.x), self.grid, strict=True)
        )
        return painted[..., rows, columns]


def draw_window(grid: Grid) -> Window:
    """Draw where a window lies in a grid; its edges come as often as its middle."""
    last = torch.tensor(grid) - WINDOW
    y, x = (torch.rand(2) * (last + 5) - 2).floor().long().clamp(min=0).minimum(last).tolist()
    return Window(y, x, grid)


def pulls(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Measure how hard each loss pulls at weights: the norms of its gradients (losses,)."""
    found = []
    for loss in losses:
        gradients = torch.autograd.grad(loss, weights, retain_graph=True)
        found.append(torch.stack([g.float().norm() for g in gradients]).norm())
    return torch.stack(found) + 1e-9


def rising(step: int) -> float:
    """Return the share 0..1 of the critic's pull: it learns before it is listened to."""
    return min(1.0, max(0.0, (step - ALONE) / WARM))


class Balance(nn.Module):
    """Weights of the losses, so that they pull as hard as they should beside the first."""

    def __init__(self, shares: Sequence[float]) -> None:
        super().__init__()
        self.shares = tuple(shares)
        self.register_buffer("weights", torch.zeros(len(shares)))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def count(self) -> int:
        """Count a step: 1 for the first one."""
        return int(self.get_buffer("steps").add_(1))

    @torch.no_grad()
    def measure(self, found: Tensor, follow: float) -> None:
        """Follow measured pulls (losses,) a share of the way."""
        weights = self.get_buffer("weights")
        fresh = torch.tensor(self.shares, device=found.device) / found
        fresh = fresh / fresh[0] * self.shares[0]
        parallel.average([fresh])
        weights.lerp_(fresh, follow)


class FinishStage(Stage):
    """One step of UNet and decoder, end to end."""

    def __init__(
        self,
        denoiser: DenoiserStage,
        vae: AutoencoderTiny,
        pictures: Sequence[NDArray[np.uint8]],
        batch: int = BATCH,
    ) -> None:
        """Take the denoiser with its pairs, whose text model stays as it is, and the pictures that
        were kept, shard by shard."""
        self.denoiser, self.decoder, self.batch = denoiser, vae.decoder, batch
        self.pictures, self.device = pictures, denoiser.device
        self.decoder.requires_grad_(True)
        denoiser.text.requires_grad_(False)
        self.eyes = Eyes().to(self.device)
        seen = self.eyes(held_out_tensor(list(pictures), 40).to(self.device))
        self.critic = Critic([features.shape[1] for features in seen]).to(self.device)
        self.critic.scale(seen)
        self.balance = Balance((PIXELS, LIKENESS, CRITIC)).to(self.device)

    def modules(self) -> dict[str, nn.Module]:
        return {
            "unet": self.denoiser.unet,
            "decoder": self.decoder,
            "critic": self.critic,
            "balance": self.balance,
        }

    def about(self) -> dict[str, object]:
        return self.denoiser.about()

    def groups(self) -> list[list[nn.Parameter]]:
        painters = (self.decoder, self.denoiser.unet, self.critic)
        return [list(module.parameters()) for module in painters]

    def optimisers(self, peak: float) -> list[torch.optim.Optimizer]:
        """Build AdamW for the decoder, at `peak`, for the UNet and for the critic."""
        decoder, unet, critic = self.groups()
        judge = torch.optim.AdamW(critic, CRITIC_RATE, betas=(0.0, 0.98), weight_decay=1e-3)
        return [adamw(decoder, peak), adamw(unet, peak * UNET_SHARE), judge]

    def rows(self, samples: int) -> Tensor:
        """Draw rows of pairs of one grid whose pictures were kept (B,)."""
        kept = sum(len(shard) for shard in self.pictures)
        return self.denoiser.pairs.draw(self.batch, samples, below=kept)

    def drawings(self, rows: Tensor) -> Tensor:
        """Gather drawings (B, 3, h, w) in −1..1."""
        places = [divmod(row, len(self.pictures[0])) for row in rows.tolist()]
        found = torch.from_numpy(np.stack([self.pictures[shard][row] for shard, row in places]))
        pictures = found.to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return pictures.contiguous(memory_format=torch.channels_last)

    def step(self, now: Moment) -> tuple[Tensor, Figures]:
        with reduced(self.device):
            return self._step(self.balance.count(), self.rows(now.samples))

    def _step(self, step: int, rows: Tensor) -> tuple[Tensor, Figures]:
        z, stay = self.latents(rows)
        window = draw_window(grid_of(z))
        true = window.whole(window.pixels(self.drawings(rows)))
        made = window.whole(self.decoder(window.latents(z)).float())
        if torch.rand(()) < 0.5:
            true, made = true.flip(3), made.flip(3)
        with torch.no_grad():
            wanted = self.eyes(true)
        seen = self.eyes(made)
        told, pull = self.compare(true, wanted, made, seen)
        alike = distance(seen, wanted).mean()
        losses = [picture_loss(made, true), alike, pull]
        if step % BALANCE_EVERY == 1:
            follow = 1.0 if step <= ALONE + 1 else 0.5
            self.balance.measure(pulls(losses, list(self.decoder.parameters())), follow)
        pixels, likeness, critic = self.balance.get_buffer("weights").unbind()
        loss = pixels * losses[0] + likeness * losses[1] + rising(step) * critic * losses[2]
        loss = loss + STAY * stay + told
        figures = zip(("pixels", "alike", "pull"), losses, strict=True)
        return loss, {
            **{name: part.detach() for name, part in figures},
            "stay": stay.detach(),
            "told": told.detach(),
            "batch": float(len(rows)),
        }

    def compare(
        self, true: Tensor, wanted: list[Tensor], made: Tensor, seen: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the critic's own loss, and that of what was made in its eyes, which leaves the
        critic as it is."""
        self.critic.requires_grad_(True)
        drawn = self.critic(true, wanted)
        told = preferred(drawn, self.critic(made.detach(), [part.detach() for part in seen]))
        self.critic.requires_grad_(False)
        pull = preferred(self.critic(made, seen), [part.detach() for part in drawn])
        self.critic.requires_grad_(True)
        return told, pull

    def latents(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Paint latents (B, 4, h, w) in one step, some of them from a later stop on the network's
        own way there and some of them encoded; and how far they are from the drawings'."""
        batch = self.placed(rows)
        keep = draw_keep(len(rows)).to(self.device)
        v, _ = predict(self.denoiser.unet, batch.x, batch.t.to(self.device), batch.text, keep)
        painted = batch.a * batch.x - batch.s * v.float()
        stay = (v.float() - batch.target()).square().mean()
        encoded = torch.rand(len(rows), 1, 1, 1) < ENCODED
        return painted.where(~encoded.to(self.device), batch.x0), stay

    @torch.no_grad()
    def placed(self, rows: Tensor) -> Batch:
        """Draw where samples stand: at the start of inference, some where a first step lands."""
        stops = torch.tensor(STOPS)[torch.randint(len(STOPS), (len(rows),))]
        t = stops.where(torch.rand(len(rows)) < LATE, FINAL)
        return self.denoiser.walked(self.denoiser.standing(rows, t), share=1.0)
