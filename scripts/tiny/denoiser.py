"""Train the denoiser: the text model and the UNet, on pictures paired with their noise.

v-prediction on Stable Diffusion's own noise schedule. Nine samples in ten stand where inference
begins: pure noise at t = 999, whose picture is a function of that noise, so that one step is plain
regression. In the last fifth more of them stand at the steps of 2- and 4-step schedules, on the
network's own way there, and between two prompts.

The first phase runs at half resolution, 16×16, where a sample costs a third and what matters is
learnt: which words and which noise make which picture. The second adds detail at 32×32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from . import parallel
from .drawings import Label, draw_label
from .muon import Muon, matrices
from .network import Reader, Shape, build_scheduler, build_unet, predict, reduced
from .pairs import Pair, Pairs, PairsOnGpu, halved, halved_deviation, load_pairs, pair_shards
from .pictures import HELD_OUT, Split
from .progress import Figures, Moment, Stage, adamw
from .text import build_text_encoder, build_tokenizer, tokenize
from .words import caption, plain_caption

FINAL = 999
STOPS = (749, 499, 499, 249)
"""The times, besides 999, that 2 and 4 trailing steps visit: that of both twice as often."""
FINAL_SHARE, STOP_SHARE = 0.90, 0.06
LATE_FINAL_SHARE, LATE_STOP_SHARE = 0.60, 0.28
"""How many samples stand at t = 999 and at stops: until the last part of training, and there."""
LATE = 0.8
"""Where that last part begins."""
OWN_SHARE = 0.6
"""How many of the late samples at stops are on the network's own way there, as at inference."""
FADED_SHARE = 0.15
"""How many of the late samples at the start stand between two prompts."""
SILENT_SHARE, PLAIN_SHARE = 0.06, 0.40
"""How many captions are empty, and how many of the others say no more than the label."""
DEEP_SHARES = (0.6, 0.4, 0.15)
"""How often a sample has no skips at the deepest level, at the next as well, at the next as well.

A network that may always go round its middle does: with skips turned down in a tenth of the samples
a quarter turn of the middle changed the picture by 0.7 %, without them in half by 2.1 %.
"""
FAINT_SHARE = 0.1
"""How often a level of a sample has its skips turned down, so that no level leans on them alone."""
READING, READ, READ_ON = 0.2, 100_000, 0.02
"""Weight of reading the drawing's choices out of the middle, beside painting the picture; after how
many samples the middle has all of them; and the weight from there on."""
PLAIN_RATE = 1e-3
"""Peak rate of AdamW, for what Muon does not move."""
NO_MATRICES = ("conv_in", "conv_out", "read")
"""Layers that AdamW moves although their weights are matrices: the first, the last, the reader."""


def draw_times(count: int, late: bool = False) -> Tensor:
    """Draw times (count,): many at the start of inference, some at its stops, the rest anywhere."""
    final, stop = (LATE_FINAL_SHARE, LATE_STOP_SHARE) if late else (FINAL_SHARE, STOP_SHARE)
    pick = torch.rand(count)
    t = (torch.sigmoid(torch.randn(count) * 1.1 + 0.4) * (FINAL - 1)).long() + 1
    stops = torch.tensor(STOPS)[torch.randint(len(STOPS), (count,))]
    t = torch.where(pick < stop, stops, t)
    return torch.where(pick > 1 - final, FINAL, t)


def draw_keep(count: int) -> Tensor:
    """Draw how much of each level's skips a sample keeps (4, count), from the deepest up."""
    keep = 1 - (torch.rand(4, count) < FAINT_SHARE).float() * torch.rand(4, count)
    pick = torch.rand(count)
    for level, share in enumerate(DEEP_SHARES):
        keep[level] *= pick >= share
    return keep


def reading(samples: int) -> float:
    """Return the weight of the reader's loss after so many samples."""
    return READING if samples < READ else READ_ON


def draw_captions(labels: Sequence[Label]) -> list[str]:
    """Say what each label shows: often plainly, sometimes nothing at all."""
    rng = np.random.default_rng(int(torch.randint(2**31, ())))
    return [
        "" if rng.random() < SILENT_SHARE
        else plain_caption(label) if rng.random() < PLAIN_SHARE
        else caption(label, rng)
        for label in labels
    ]  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Samples: what stands at times t (B,), where x = a x0 + s eps, and their texts (B, T, C).

    `first` marks those at t = 999; like `t` it is kept on the processor, so that choosing by it
    never waits for a GPU.
    """

    x: Tensor
    x0: Tensor
    eps: Tensor
    choices: Tensor
    text: Tensor
    t: Tensor
    a: Tensor
    s: Tensor
    first: Tensor

    def target(self) -> Tensor:
        """Return the v that leads from where x stands to the drawing: (a x − x0) / s."""
        return (self.a * self.x - self.x0) / self.s


class DenoiserStage(Stage):
    """One training step of the UNet and the text model, on a device."""

    def __init__(
        self, batch: int = 48, shape: Shape | None = None, device: torch.device | None = None
    ) -> None:
        self.shape, self.device = shape or Shape(), device or torch.device("cpu")
        self.tokenizer = build_tokenizer()
        self.unet = build_unet(self.shape).to(self.device)
        self.text = build_text_encoder(self.tokenizer).to(self.device)
        self.reader = Reader(self.shape.widths[-1]).to(self.device)
        self.batch, self.coarse, self.deviation = batch, False, 1.0
        self.pairs = self.no_pairs()
        self.abar = build_scheduler().alphas_cumprod

    def modules(self) -> dict[str, nn.Module]:
        return {"unet": self.unet, "text": self.text, "reader": self.reader}

    def about(self) -> dict[str, Any]:
        return self.shape.about()

    def optimisers(self, peak: float) -> list[torch.optim.Optimizer]:
        """Build Muon for the matrices, at `peak`, and AdamW for all else."""
        square = matrices(self.modules().values(), but=NO_MATRICES)
        ours = {id(weight) for weight in square}
        rest = [p for p in self.parameters() if id(p) not in ours]
        return [Muon(square, peak), adamw(rest, PLAIN_RATE)]

    def start_from(self, folder: Path) -> None:
        """Take the weights of an exported folder."""
        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        self.unet.load_state_dict(unet.state_dict())
        text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", dtype=torch.float32)
        self.text.load_state_dict(text.state_dict())

    def no_pairs(self) -> Pairs:
        """Make room for pairs where the stage reads them."""
        return Pairs() if self.device.type == "cpu" else PairsOnGpu(self.device)

    def feed(self, work: Path, vae: AutoencoderTiny, keep: int) -> None:
        """Encode what has been drawn since, and train on all of it."""
        pair_shards(work, vae, keep)
        load_pairs(work, self.pairs)
        self.deviation = halved_deviation(self.pairs.shards[0])

    def sized(self, pair: Pair) -> Pair:
        """Halve pairs where training is at half resolution."""
        return halved(pair, self.deviation) if self.coarse else pair

    def embed(self, captions: list[str]) -> Tensor:
        """Embed captions (B, 20, 128)."""
        ids = tokenize(self.tokenizer, captions).to(self.device)
        embedded: Tensor = self.text(ids).last_hidden_state
        return embedded

    def step(self, now: Moment) -> tuple[Tensor, Figures]:
        with reduced(self.device):
            return self._step(now.done >= LATE and not self.coarse, now.samples)

    def _step(self, late: bool, samples: int) -> tuple[Tensor, Figures]:
        rows = self.pairs.draw(self.batch, samples)
        batch = self.standing(rows, draw_times(len(rows), late))
        if late:
            batch = self.walked(batch)
        target = batch.target()
        if late:
            batch, target = self.faded(batch, target)
        keep = draw_keep(len(rows)).to(self.device)
        v, middle = predict(self.unet, batch.x, batch.t.to(self.device), batch.text, keep)
        error = (v.float() - target).square().mean((1, 2, 3))
        missed = (self.reader(middle).float() - batch.choices).square().mean(1)
        first = batch.first.to(self.device)
        read = missed.where(first, 0.0).mean()
        figures: Figures = {"loss": error.detach().mean(), "batch": float(len(rows))}
        if share := float(batch.first.float().mean()):
            figures["start"] = error.detach().where(first, 0.0).mean() / share
            figures["missed"] = read.detach() / share
        return error.mean() + reading(samples) * read, figures

    def standing(self, rows: Tensor, t: Tensor) -> Batch:
        """Put pairs of one grid, by their rows (B,), at times (B,): on the straight way from noise
        to drawing, each with a caption of its own."""
        pair = self.sized(self.pairs.pick(rows))
        captions = draw_captions([self.pairs.labels[row] for row in rows.tolist()])
        first = t == FINAL
        a = self.abar[t].sqrt()[:, None, None, None].to(self.device)
        s = (1 - a * a).sqrt()
        x = torch.where(
            first[:, None, None, None].to(self.device),
            pair.noise,
            a * pair.latents + s * pair.noise,
        ).contiguous(memory_format=torch.channels_last)
        return Batch(x, *pair, self.embed(captions), t, a, s, first)

    def walked(self, batch: Batch, share: float = OWN_SHARE) -> Batch:
        """Put a share of the samples at stops where the network's own first step lands."""
        at_stop = (batch.t[:, None] == torch.tensor(STOPS)).any(1)
        own = (at_stop & (torch.rand(len(at_stop)) < share)).nonzero()[:, 0].to(self.device)
        x = batch.x.clone()
        x[own] = self._walk(batch.eps[own], batch.text[own], batch.a[own], batch.s[own])
        return replace(batch, x=x)

    @torch.no_grad()
    def _walk(self, eps: Tensor, text: Tensor, a: Tensor, s: Tensor) -> Tensor:
        """Go from noise to where a first Euler step lands, with the picture that is seen so far.

        Its target stays the drawing, so a second step puts right what the first got wrong.
        """
        if not len(eps):
            return eps
        t = torch.full((len(eps),), FINAL, device=eps.device)
        a_0, s_0 = self.abar[FINAL].sqrt().item(), (1 - self.abar[FINAL]).sqrt().item()
        x = eps.contiguous(memory_format=torch.channels_last)
        seen = a_0 * x - s_0 * predict(self.unet, x, t, text)[0].float()
        landed: Tensor = a * seen + s * (eps - seen * (a_0 / s_0))
        return landed

    def faded(self, batch: Batch, target: Tensor) -> tuple[Batch, Tensor]:
        """Put some of the samples at the start between two prompts, with the dissolve to learn."""
        faded = (batch.first & (torch.rand(len(batch.first)) < FADED_SHARE)).nonzero()[:, 0]
        if not len(faded):
            return batch, target
        share, faded = torch.rand(len(faded)).to(self.device), faded.to(self.device)
        text, other = batch.text.clone(), batch.text.roll(1, 0)[faded]
        target = target.clone()
        target[faded] = self.dissolve(batch.eps[faded], text[faded], other, share)
        text[faded] = text[faded].lerp(other, share[:, None, None])
        return replace(batch, text=text), target

    @torch.no_grad()
    def dissolve(self, eps: Tensor, text: Tensor, other: Tensor, share: Tensor) -> Tensor:
        """Say what v lies between what the network sees in noise for two texts (n, T, C).

        Between two prompts it would otherwise hold on to one and then turn over to the other in a
        few frames; taught by itself that a text at `share` (n,) is a dissolve at `share`, it fades
        evenly.
        """
        t = torch.full((2 * len(eps),), FINAL, device=eps.device)
        v, _ = predict(self.unet, torch.cat([eps, eps]), t, torch.cat([text, other]))
        one, two = v.float().chunk(2)
        return one.lerp(two, share[:, None, None, None])


def share_of_batch(batch: int) -> int:
    """Return how many of a step's samples are this process's."""
    return max(1, batch // parallel.world())


def held_out_labels(count: int, split: Split = Split.HELD) -> list[Label]:
    """List the labels of the first held-out seeds."""
    return [draw_label(HELD_OUT[split] + i) for i in range(count)]
