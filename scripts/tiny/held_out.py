"""Measure the error of one step on drawings that nobody trained on, beside that on trained ones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from . import parallel
from .denoiser import FINAL, DenoiserStage
from .drawings import CONCEPTS
from .network import predict, reduced
from .pairs import Pairs, load_pairs
from .pictures import Split
from .progress import Trainer, report
from .words import plain_caption

HELD, UNSEEN = 200, 1000
"""Held-out drawings: the first ones, by which models are compared, and those after them."""
SHARDS = {Split.HELD: 3, Split.WIDE: 1}
"""Held-out shards that hold these; of wide ones there are only the first."""
BANDS = 4
CHUNK = 50


def bands(d: Tensor) -> Tensor:
    """Split the mean square of d (n, c, h, w) by size (n, 4): details of 1, 2 and 4 pixels, rest.

    The parts add up to the whole: a picture and its means over 2×2 are orthogonal. Where a side
    cannot be halved, what is left over at its end is a mean of its own.
    """
    parts, left, block = [], d, 1
    for _ in range(BANDS - 1):
        block *= 2
        means = functional.avg_pool2d(d, block, ceil_mode=True, count_include_pad=False)
        low = means.repeat_interleave(block, 2).repeat_interleave(block, 3)
        low = low[..., : d.shape[2], : d.shape[3]]
        parts.append((left - low).square().mean((1, 2, 3)))
        left = low
    return torch.stack([*parts, left.square().mean((1, 2, 3))], 1)


@torch.no_grad()
def _missed(stage: DenoiserStage, pairs: Pairs, rows: Tensor) -> Tensor:
    """Measure the v of one step from plain captions (n, bands)."""
    pair = stage.sized(pairs.pick(rows))
    a = float(stage.abar[FINAL].sqrt())
    s = (1 - a * a) ** 0.5
    captions = [plain_caption(pairs.labels[row]) for row in rows.tolist()]
    x = pair.noise.contiguous(memory_format=torch.channels_last)
    t = torch.full((len(x),), FINAL, device=x.device)
    with reduced(stage.device):
        v, _ = predict(stage.unet, x, t, stage.embed(captions))
    return bands(v.float() - (a * x - pair.latents) / s)


def errors(stage: DenoiserStage, pairs: Pairs, first: int, count: int) -> Tensor:
    """Measure some pairs of one grid, that of the first pair, from the first on (n, bands), each
    process its turn of them."""
    rows = next(iter(pairs.grids.values()))[first : first + count]
    found = torch.zeros(len(rows), BANDS)
    mine = torch.arange(parallel.rank(), len(rows), parallel.world())
    for chunk in mine.split(CHUNK):
        found[chunk] = _missed(stage, pairs, rows[chunk]).cpu()
    parallel.add([found])
    return found


class Yardstick:
    """The held-out drawings, and what a stage is measured on besides."""

    def __init__(self, work: Path, stage: DenoiserStage) -> None:
        self.stage = stage
        self.pairs, self.wide = (load_pairs(work, stage.no_pairs(), split) for split in SHARDS)

    def measure(self) -> dict[str, object]:
        """Measure the stage as it is: mean errors, of wide drawings as well, and those of held-out
        squares by size of detail and by concept."""
        held = errors(self.stage, self.pairs, 0, HELD)
        unseen = errors(self.stage, self.pairs, HELD, UNSEEN)
        trained = errors(self.stage, self.stage.pairs, 0, UNSEEN)
        wide = errors(self.stage, self.wide, 0, HELD)
        both = torch.cat([held, unseen])
        return {
            "held": _mean(held),
            "unseen": _mean(unseen),
            "trained": _mean(trained),
            "wide": _mean(wide),
            "bands": [round(band, 4) for band in both.mean(0).tolist()],
            "concepts": self._by_concept(both.sum(1)),
        }

    def _by_concept(self, each: Tensor) -> dict[str, float]:
        names = [label.concept for label in self.pairs.labels[: len(each)]]
        rows = {c: [i for i, name in enumerate(names) if name == c] for c in CONCEPTS}
        return {c: round(float(each[at].mean()), 4) for c, at in rows.items() if at}

    def report(self, trainer: Trainer) -> None:
        """Log how the averaged weights do, and how the weights themselves do on some."""
        raw = _mean(errors(self.stage, self.pairs, 0, HELD))
        with trainer.averaged():
            found = self.measure()
        side = 16 if self.stage.coarse else 32
        report({"measured": f"{side}x{side}"} | trainer.told() | {"raw_held": raw} | found)


def _mean(each: Tensor) -> float:
    """Average errors by band (n, bands) to one."""
    return round(float(each.sum(1).mean()), 5)
