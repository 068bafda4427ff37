"""Train by the clock: a stage runs for its minutes, averages its weights and can be resumed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from . import parallel

Figures = dict[str, float]

SAVE_EVERY = 3.0
"""Minutes between checkpoints."""
AVERAGE_EVERY = 4
"""Steps between two moves of the averaged weights."""
LONGEST = 20.0
"""Seconds that one step counts at most: a machine that slept has not trained."""


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


def learning_rate(peak: float, step: int, done: float, cooldown: float = 0.4) -> float:
    """Warm up over 100 steps, hold, then fall as a cosine over the last `cooldown`."""
    warm = min(1.0, (step + 1) / 100)
    fall = max(0.0, (done - 1 + cooldown) / cooldown) if cooldown else 0.0
    return peak * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(fall, 1.0))))


class Trainer:
    """Run a stage for some minutes, with a checkpoint to stop at and go on from.

    Where the process is one of several, all run the same trainer on batches of their own; the
    gradients and the clock are averaged, so they stay equal, and process 0 writes and reports.

    `minutes` are those of this trainer, `spent` and `samples` those of the weights: they go on
    from what `spent` and `samples` were set to before the first step.
    """

    def __init__(self, stage: Stage, path: Path, peak: float, cooldown: float = 0.4) -> None:
        self.stage, self.path, self.peak, self.cooldown = stage, path, peak, cooldown
        self.optimiser = self._build_optimiser()
        self.phase, self.steps, self.samples = 0, 0, 0
        self.began, self.minutes, self.spent = 0.0, 0.0, 0.0
        self._last = time.monotonic()
        parallel.share(stage.parameters())
        self.average = {
            name: {k: v.clone() for k, v in module.state_dict().items()}
            for name, module in stage.modules().items()
        }
        if path.exists():
            self._load()

    def _build_optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            self.stage.parameters(), self.peak, betas=(0.9, 0.98), weight_decay=1e-2, fused=True
        )

    def _load(self) -> None:
        state = torch.load(self.path, weights_only=True)
        for name, module in self.stage.modules().items():
            module.load_state_dict(state["weights"][name])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.minutes, self.steps, self.samples = state["minutes"], state["steps"], state["samples"]
        self.phase, self.began, self.spent = state["phase"], state["began"], state["spent"]

    def save(self) -> None:
        """Write the checkpoint in one move (process 0 only)."""
        if parallel.rank():
            return
        state = {
            "weights": {k: m.state_dict() for k, m in self.stage.modules().items()},
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "phase": self.phase,
            "began": self.began,
            "steps": self.steps,
            "minutes": self.minutes,
            "spent": self.spent,
            "samples": self.samples,
        }
        part = self.path.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.path)

    def next_phase(self) -> None:
        """Go on from the averaged weights with a fresh optimiser, warming up again."""
        for name, module in self.stage.modules().items():
            module.load_state_dict(self.average[name])
        self.optimiser = self._build_optimiser()
        self.phase, self.began, self.steps = self.phase + 1, self.minutes, 0
        self.save()

    @torch.no_grad()
    def _move_average(self) -> None:
        moves = self.steps / AVERAGE_EVERY
        keep = min(0.99, (1 + moves) / (10 + moves))
        for name, module in self.stage.modules().items():
            for key, value in module.state_dict().items():
                if value.is_floating_point():
                    self.average[name][key].lerp_(value, 1 - keep)

    def _share_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Average gradients and clock over the processes, and count the time."""
        now = time.monotonic()
        clock = torch.tensor([min(now - self._last, LONGEST)])
        self._last = now
        parallel.average([*(p.grad for p in parameters if p.grad is not None), clock])
        self.minutes += clock.item() / 60
        self.spent += clock.item() / 60

    def _step(self, minutes: float) -> Figures:
        """Take one step of a phase that ends at `minutes`."""
        done = (self.minutes - self.began) / max(minutes - self.began, 1e-9)
        rate = learning_rate(self.peak, self.steps, done, self.cooldown)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss, figures = self.stage.step(done)
        self.optimiser.zero_grad()
        loss.backward()
        parameters = self.stage.parameters()
        self._share_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimiser.step()
        self.steps += 1
        self.samples += int(figures.get("batch", 0)) * parallel.world()
        if self.steps % AVERAGE_EVERY == 0:
            self._move_average()
        return figures | {"rate": rate}

    def run(self, minutes: float, after_save: Callable[[Trainer], None] | None = None) -> None:
        """Train until `minutes` in all are spent; report every 50 steps, save now and then.

        `after_save` is called in every process, which counts as training time.
        """
        log: list[Figures] = []
        saved, since = self.minutes, (time.monotonic(), self.samples)
        self._last = since[0]
        while self.minutes < minutes:
            log.append(self._step(minutes))
            if self.steps % 50 == 0:
                self._report(log, since)
                log, since = [], (time.monotonic(), self.samples)
            if self.minutes - saved > SAVE_EVERY:
                self.save()
                saved = self.minutes
                if after_save:
                    after_save(self)
        self.save()
        parallel.wait()

    def _report(self, log: list[Figures], since: tuple[float, int]) -> None:
        """Print one line of means (process 0 only)."""
        if parallel.rank():
            return
        keys = {key for figures in log for key in figures}
        lists = {key: [f[key] for f in log if key in f] for key in sorted(keys)}
        means = {key: float(f"{sum(n) / len(n):.4g}") for key, n in lists.items()}
        pace = (self.samples - since[1]) / max(time.monotonic() - since[0], 1e-9)
        line = {"phase": self.phase, "step": self.steps, "minutes": round(self.minutes, 2)}
        line |= {"samples": self.samples, "per_second": round(pace, 1)}
        print(json.dumps(line | means), flush=True)


def load_average(path: Path, stage: Stage) -> None:
    """Load a checkpoint's averaged weights into a stage."""
    average = torch.load(path, weights_only=True)["average"]
    for name, module in stage.modules().items():
        module.load_state_dict(average[name])
