"""Sharpen one step: a critic that learns to tell drawn latents from painted ones.

Regression alone paints the mean of what it is unsure of, which is a blur. In the last phase a
critic pulls what is painted towards what could have been drawn, and its inner features, compared
with those of the very drawing, tell which shape is missing. It is thrown away after training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from . import parallel
from .drawings import COLOURS, CONCEPTS, Label
from .styles import MOODS, STYLES

WIDTHS = (48, 96, 160, 192)
MATCHING = 4.0
"""Weight of the features' distance to the drawing's beside the critic's own verdict."""
RATE = 6e-4
WORDS: tuple[tuple[str | None, ...], ...] = (
    tuple(CONCEPTS),
    (None, *COLOURS),
    (None, *STYLES),
    (None, *MOODS),
)


def number(labels: Sequence[Label]) -> Tensor:
    """Number labels (B, 4): concept, colour, style, mood."""
    names = [field.name for field in fields(Label)]
    rows = [[w.index(getattr(label, n)) for n, w in zip(names, WORDS, strict=True)]
            for label in labels]  # fmt: skip
    return torch.tensor(rows)


class Critic(nn.Module):
    """Latents (B, 4, h, w) and their label's numbers to verdicts and features.

    Weights have spectral norm 1 (Miyato et al. 2018), the label joins by projection (Miyato and
    Koyama 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter = spectral_norm(nn.Conv2d(4, WIDTHS[0], 3, padding=1))
        self.body = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(b, b, 3, padding=1)),
                nn.LeakyReLU(0.2),
            )
            for a, b in pairwise(WIDTHS)
        )
        self.verdict = spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 1))
        self.words = nn.ModuleList(nn.Embedding(len(words), WIDTHS[-1]) for words in WORDS)

    def forward(self, latents: Tensor, label: Tensor) -> tuple[Tensor, list[Tensor]]:
        h = nn.functional.leaky_relu(self.enter(latents), 0.2)
        features = []
        for block in self.body:
            h = block(h)
            features.append(h)
        asked = torch.stack([e(label[:, k]) for k, e in enumerate(self.words)]).sum(0)
        fits = (h.mean((2, 3)) * asked).sum(1) / WIDTHS[-1] ** 0.5
        return self.verdict(h).mean((1, 2, 3)) + fits, features


class Adversary:
    """A critic and its optimiser, equal in all processes."""

    def __init__(self) -> None:
        self.critic = Critic().to(memory_format=torch.channels_last)
        parallel.share([*self.critic.parameters(), *self.critic.buffers()])
        self.optimiser = torch.optim.AdamW(
            self.critic.parameters(), RATE, betas=(0.5, 0.98), weight_decay=1e-3
        )

    def learn(self, drawn: Tensor, painted: Tensor, label: Tensor) -> float:
        """Take one step towards telling drawn latents from painted ones; return the hinge loss."""
        self.critic.requires_grad_(True)
        verdict, _ = self.critic(torch.cat([drawn, painted.detach()]), torch.cat([label, label]))
        real, made = verdict.chunk(2)
        loss = (1 - real).relu().mean() + (1 + made).relu().mean()
        self.optimiser.zero_grad()
        loss.backward()
        parallel.average([p.grad for p in self.critic.parameters() if p.grad is not None])
        self.optimiser.step()
        return loss.item()

    def pull(self, drawn: Tensor, painted: Tensor, label: Tensor) -> Tensor:
        """Say how far painted latents are from passing as drawn: verdict and feature distance."""
        self.critic.requires_grad_(False)
        verdict, features = self.critic(painted, label)
        with torch.no_grad():
            _, wanted = self.critic(drawn, label)
        distance = [
            (f - w).abs().mean() / w.abs().mean() for f, w in zip(features, wanted, strict=True)
        ]
        return MATCHING * torch.stack(distance).mean() - verdict.mean()
