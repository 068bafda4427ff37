"""A small classifier that reads concept, colour and style, trained on held-out drawings only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.linalg import sqrtm
from torch import Tensor, nn
from torch.nn import functional

from .drawings import COLOURS, CONCEPTS, Label, draw_label
from .pictures import Split, open_shards, shard_seeds
from .progress import Figures, Moment, Stage, Trainer, load_average
from .styles import STYLES

KINDS = ("concept", "colour", "style")
CLASSES: tuple[tuple[str | None, ...], ...] = (
    tuple(CONCEPTS), (None, *COLOURS), (None, *STYLES))  # fmt: skip
SIZE = 64


def label_index(label: Label) -> tuple[int, ...]:
    """Number a label's concept, colour and style."""
    names = (label.concept, label.colour, label.style)
    return tuple(kinds.index(name) for kinds, name in zip(CLASSES, names, strict=True))


class Judge(nn.Module):
    """Pictures (B, 3, 64, 64) in −1..1 to features (B, 192) and three rows of logits."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        widths = (3, width, 2 * width, 3 * width, 4 * width)
        self.body = nn.Sequential(*(
            nn.Sequential(nn.Conv2d(a, b, 3, 2 if i else 1, 1), nn.GroupNorm(8, b), nn.SiLU(),
                          nn.Conv2d(b, b, 3, 2 if i == 0 else 1, 1), nn.GroupNorm(8, b), nn.SiLU())
            for i, (a, b) in enumerate(pairwise(widths))))  # fmt: skip
        self.heads = nn.ModuleList(nn.Linear(4 * width, len(kinds)) for kinds in CLASSES)

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = self.body(pictures).mean((2, 3))
        return features, [head(features) for head in self.heads]


@dataclass(frozen=True)
class Labelled:
    """Small pictures (n, 3, 64, 64) uint8 and their class numbers (n, 3)."""

    pictures: Tensor
    classes: Tensor


def shrink(pictures: Tensor) -> Tensor:
    """Shrink pictures (B, 3, h, w) to 64×64."""
    return functional.adaptive_avg_pool2d(pictures, SIZE)


def load_held_out(work: Path) -> Labelled:
    """Load the held-out drawings at 64×64."""
    small, classes = [], []
    for index, shard in enumerate(open_shards(work, Split.HELD)):
        n = shard.shape[1] // SIZE
        pooled = shard.reshape(len(shard), SIZE, n, SIZE, n, 3).mean((2, 4), dtype=np.float32)
        small.append(torch.from_numpy(pooled).permute(0, 3, 1, 2).round().byte())
        classes += [label_index(draw_label(seed)) for seed in shard_seeds(work, index, Split.HELD)]
    return Labelled(torch.cat(small), torch.tensor(classes))


class JudgeStage(Stage):
    """Train the judge on held-out drawings, mirrored, shifted and brightened a little."""

    def __init__(self, data: Labelled) -> None:
        self.judge, self.data = Judge(), data

    def modules(self) -> dict[str, nn.Module]:
        return {"judge": self.judge}

    def step(self, _now: Moment) -> tuple[Tensor, Figures]:
        index = torch.randint(len(self.data.classes), (32,))
        pictures = self.data.pictures[index].float() / 127.5 - 1
        shift = torch.randint(-3, 4, (2,)).tolist()
        pictures = torch.roll(pictures, shift, (2, 3))
        pictures = pictures.where(torch.rand(32, 1, 1, 1) < 0.5, pictures.flip(3))
        pictures = pictures + torch.randn_like(pictures) * 0.05 + torch.randn(32, 1, 1, 1) * 0.05
        _, logits = self.judge(pictures)
        losses = [
            functional.cross_entropy(q, self.data.classes[index, k]) for k, q in enumerate(logits)
        ]
        loss = torch.stack(losses).sum()
        return loss, {"loss": loss.item(), "batch": 32.0}


def train_judge(work: Path, minutes: float) -> tuple[Judge, Labelled]:
    """Train the judge (or load it) on all held-out shards but the last, which is returned."""
    data = load_held_out(work)
    cut = len(data.classes) - 500
    stage = JudgeStage(Labelled(data.pictures[:cut], data.classes[:cut]))
    Trainer(stage, work / "parts" / "judge", 1.5e-3, 0.7).run(minutes)
    load_average(work / "parts" / "judge", stage)
    return stage.judge.eval(), Labelled(data.pictures[cut:], data.classes[cut:])


@torch.no_grad()
def read(judge: Judge, pictures: Tensor, classes: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Read pictures (B, 3, h, w) in −1..1: their features, and the share read as they should."""
    outputs = [judge(shrink(chunk)) for chunk in pictures.split(50)]
    features = torch.cat([features for features, _ in outputs])
    shares = {
        kind: float(
            (torch.cat([logits[k] for _, logits in outputs]).argmax(1) == classes[:, k])
            .float()
            .mean()
        )
        for k, kind in enumerate(KINDS)
    }
    return features, shares


def frechet(a: Tensor, b: Tensor) -> float:
    """Measure the Fréchet distance of two sets of features (n, d)."""
    x, y = a.double().numpy(), b.double().numpy()
    p, q = np.cov(x.T), np.cov(y.T)
    root = sqrtm(p @ q + 1e-9 * np.eye(len(p))).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(p + q - 2 * root))


def spread(features: Tensor) -> float:
    """Measure the mean distance between the features of different pictures."""
    return float(torch.pdist(features).mean())
