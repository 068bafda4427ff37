"""Train by the clock: a stage runs for its minutes, averages its weights and can be resumed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

Figures = dict[str, float]


class Stage:
    """What a trainer trains: its modules, and one step that returns a loss and figures."""

    def modules(self) -> dict[str, nn.Module]:
        """Name the modules that are trained, averaged and kept."""
        raise NotImplementedError

    def step(self, done: float, /) -> tuple[Tensor, Figures]:
        """Compute the loss of one batch at a share `done` (0..1) of the stage."""
        raise NotImplementedError

    def parameters(self) -> list[nn.Parameter]:
        """List what the optimiser moves."""
        return [p for m in self.modules().values() for p in m.parameters() if p.requires_grad]


def learning_rate(peak: float, step: int, done: float, cooldown: float = 0.5) -> float:
    """Warm up over 100 steps, hold, then fall as a cosine over the last `cooldown`."""
    warm = min(1.0, (step + 1) / 100)
    fall = max(0.0, (done - 1 + cooldown) / cooldown) if cooldown else 0.0
    return peak * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(fall, 1.0))))


class Trainer:
    """Run a stage for some minutes, with a checkpoint to stop at and go on from."""

    def __init__(self, stage: Stage, path: Path, peak: float, cooldown: float = 0.5) -> None:
        self.stage, self.path, self.peak, self.cooldown = stage, path, peak, cooldown
        self.optimiser = torch.optim.AdamW(
            stage.parameters(), peak, betas=(0.9, 0.98), weight_decay=1e-2, fused=True
        )
        self.steps, self.minutes, self.samples = 0, 0.0, 0
        self.average = {
            name: {k: v.clone() for k, v in module.state_dict().items()}
            for name, module in stage.modules().items()
        }
        if path.exists():
            self._load()

    def _load(self) -> None:
        state = torch.load(self.path, weights_only=True)
        for name, module in self.stage.modules().items():
            module.load_state_dict(state["weights"][name])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.minutes, self.samples = state["steps"], state["minutes"], state["samples"]

    def save(self) -> None:
        """Write the checkpoint in one move."""
        state = {
            "weights": {k: m.state_dict() for k, m in self.stage.modules().items()},
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "minutes": self.minutes,
            "samples": self.samples,
        }
        part = self.path.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.path)

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(0.9985, (1 + self.steps) / (12 + self.steps))
        for name, module in self.stage.modules().items():
            for key, value in module.state_dict().items():
                if value.is_floating_point():
                    self.average[name][key].lerp_(value, 1 - keep)

    def run(self, minutes: float, after_save: Callable[[Trainer], None] | None = None) -> None:
        """Train until `minutes` in all are spent; log every 50 steps, save every 3 minutes."""
        log: list[Figures] = []
        last = saved = time.monotonic()
        parameters = self.stage.parameters()
        while self.minutes < minutes:
            done = self.minutes / minutes
            rate = learning_rate(self.peak, self.steps, done, self.cooldown)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss, figures = self.stage.step(done)
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            self.optimiser.step()
            self._average()
            log.append(figures)
            self.steps += 1
            self.samples += int(figures.get("batch", 0))
            now = time.monotonic()
            self.minutes, last = self.minutes + min(now - last, 20.0) / 60, now
            if self.steps % 50 == 0:
                self._report(log, rate)
                log.clear()
            if now - saved > 180:
                self.save()
                saved = now
                if after_save:
                    after_save(self)
        self.save()

    def _report(self, log: list[Figures], rate: float) -> None:
        keys = {key for figures in log for key in figures}
        means = {
            key: round(sum(f[key] for f in log if key in f) / sum(key in f for f in log), 4)
            for key in sorted(keys)
        }
        line = {"step": self.steps, "minutes": round(self.minutes, 2), "rate": round(rate, 6)}
        print(json.dumps(line | means), flush=True)


def load_average(path: Path, stage: Stage) -> None:
    """Load a checkpoint's averaged weights into a stage."""
    average = torch.load(path, weights_only=True)["average"]
    for name, module in stage.modules().items():
        module.load_state_dict(average[name])
