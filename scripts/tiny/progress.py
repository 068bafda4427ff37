"""Train by the clock: a stage runs for its minutes, averages its weights and can be resumed.

Chance begins anew at every step from the number of samples seen, so a training that was interrupted
draws what it would have drawn.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import parallel
from .checkpoint import holds_state, read_state, write_state

Figures = dict[str, float | Tensor]
Weights = dict[str, dict[str, Tensor]]

AVERAGE_EVERY = 4
"""Steps between two moves of the averaged weights."""
REPORT_EVERY = 50
"""Steps between two lines of the log."""
LONGEST = 20.0
"""Seconds that one step counts at most: a machine that slept has not trained."""
COUNTERS = ("phase", "began", "steps", "minutes", "spent", "busy", "samples")


@dataclass(frozen=True)
class Moment:
    """How far a training has come: `done` 0..1 of its phase, and the samples seen in all."""

    done: float
    samples: int = 0


class Stage:
    """What a trainer trains: its modules, and one step that returns a loss and figures."""

    def modules(self) -> dict[str, nn.Module]:
        """Name the modules that are trained, averaged and kept."""
        raise NotImplementedError

    def step(self, now: Moment, /) -> tuple[Tensor, Figures]:
        """Compute the loss of one batch."""
        raise NotImplementedError

    def parameters(self) -> list[nn.Parameter]:
        """List what the optimisers move."""
        return [p for m in self.modules().values() for p in m.parameters() if p.requires_grad]

    def groups(self) -> list[list[nn.Parameter]]:
        """List the same as groups, whose gradients are held to a norm of 1 each."""
        return [self.parameters()]

    def optimisers(self, peak: float) -> list[torch.optim.Optimizer]:
        """Build the optimisers; the rates they are built with are the highest they will have."""
        return [adamw(self.parameters(), peak)]

    def about(self) -> dict[str, Any]:
        """Say what a checkpoint of this stage can only be used with."""
        return {}


def adamw(parameters: Sequence[nn.Parameter], rate: float) -> torch.optim.Optimizer:
    """Build AdamW as every stage uses it."""
    return torch.optim.AdamW(parameters, rate, betas=(0.9, 0.98), weight_decay=1e-2, fused=True)


def learning_rate(peak: float, step: int, done: float, cooldown: float = 0.4) -> float:
    """Warm up over 100 steps, hold, then fall as a cosine over the last `cooldown` to 2 %."""
    warm = min(1.0, (step + 1) / 100)
    fall = max(0.0, (done - 1 + cooldown) / cooldown) if cooldown else 0.0
    return peak * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(fall, 1.0))))


def never() -> bool:
    """Never stop."""
    return False


class Trainer:
    """Run a stage for some minutes, with a checkpoint to stop at and go on from.

    Where the process is one of several, all run the same trainer on batches of their own; the
    gradients and the clock are averaged, so they stay equal, and process 0 writes and reports.

    `minutes` are those of this trainer by the clock, `busy` those of a processor's core, `spent`
    and `samples` those of the weights: they go on from what they were set to before the first step.

    `cooldown` and `loudness`, a share of all peak rates, may be set anew for each phase.

    Every `save_every` of its minutes it writes a checkpoint. A `light` one holds the averaged
    weights alone, in half precision: a sixth of the size. A training goes on from that as it does
    at the beginning of a phase.
    """

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        peak: float,
        cooldown: float = 0.4,
        *,
        stop: Callable[[], bool] = never,
        clock: Callable[[], float] = time.monotonic,
        light: bool = False,
        save_every: float = 3.0,
    ) -> None:
        self.stage, self.folder, self.peak = stage, folder, peak
        self.cooldown, self.loudness = cooldown, 1.0
        self.stop, self.clock, self.light, self.save_every = stop, clock, light, save_every
        self.phase, self.steps, self.samples = 0, 0, 0
        self.began, self.minutes, self.spent, self.busy = 0.0, 0.0, 0.0, 0.0
        self.stopped = False
        self._last = (clock(), time.process_time())
        parallel.share(stage.parameters())
        self.average = self._weights()
        self._rebuild()
        if holds_state(folder):
            self._load(read_state(folder))

    def _weights(self) -> Weights:
        """Copy the weights as they are."""
        modules = self.stage.modules().items()
        return {n: {k: v.clone() for k, v in m.state_dict().items()} for n, m in modules}

    def _take(self, weights: Weights) -> None:
        """Set the weights."""
        for name, module in self.stage.modules().items():
            module.load_state_dict(weights[name])

    def _rebuild(self) -> None:
        """Start with fresh optimisers."""
        self.optimisers = self.stage.optimisers(self.peak)
        groups = [group for o in self.optimisers for group in o.param_groups]
        self._peaks = [group["lr"] for group in groups]

    def _load(self, state: Mapping[str, Any]) -> None:
        about = self.stage.about()
        if state["about"] != about:
            raise SystemExit(f"{self.folder} was made with {state['about']}, not with {about}")
        for name in COUNTERS:
            setattr(self, name, state[name])
        self._take(state["weights"] or state["average"])
        for name, mine in self.average.items():
            for key, value in mine.items():
                value.copy_(state["average"][name][key])
        if state["optimisers"]:
            for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
        else:
            self.steps = 0

    def save(self) -> None:
        """Write the checkpoint (process 0 only)."""
        if parallel.rank():
            return
        counters = {name: getattr(self, name) for name in COUNTERS}
        state = counters | {
            "about": self.stage.about(),
            "average": _halved(self.average) if self.light else self.average,
            "weights": {} if self.light else self._weights(),
            "optimisers": [] if self.light else [o.state_dict() for o in self.optimisers],
        }
        write_state(self.folder, state, counters)

    def next_phase(self) -> None:
        """Go on from the averaged weights with fresh optimisers, warming up again."""
        self._take(self.average)
        self._rebuild()
        self.phase, self.began, self.steps = self.phase + 1, self.minutes, 0
        self.save()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Lend the stage the averaged weights."""
        own = self._weights()
        self._take(self.average)
        yield
        self._take(own)

    @torch.no_grad()
    def _move_average(self) -> None:
        moves = self.steps / AVERAGE_EVERY
        keep = min(0.99, (1 + moves) / (10 + moves))
        for name, module in self.stage.modules().items():
            pairs = [(self.average[name][k], v) for k, v in module.state_dict().items()
                     if v.is_floating_point()]  # fmt: skip
            torch._foreach_lerp_([mine for mine, _ in pairs], [new for _, new in pairs], 1 - keep)

    def _share(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average gradients and clocks over the processes, count the time, and agree to stop."""
        now = (self.clock(), time.process_time())
        passed = min(now[0] - self._last[0], LONGEST)
        told = torch.tensor([passed, now[1] - self._last[1], float(self.stop())])
        self._last = now
        parallel.average([*(p.grad for p in parameters if p.grad is not None), told])
        passed, busy, stop = told.tolist()
        self.minutes += passed / 60
        self.spent += passed / 60
        self.busy += busy / 60
        self.stopped = stop > 0

    def set_rates(self, done: float) -> None:
        """Give every optimiser the rate for this share 0..1 of the phase."""
        groups = [group for o in self.optimisers for group in o.param_groups]
        for group, peak in zip(groups, self._peaks, strict=True):
            group["lr"] = learning_rate(peak * self.loudness, self.steps, done, self.cooldown)

    def _step(self, minutes: float) -> Figures:
        """Take one step of a phase that ends at `minutes`."""
        done = (self.minutes - self.began) / max(minutes - self.began, 1e-9)
        self.set_rates(done)
        torch.manual_seed(self.samples * 64 + parallel.rank())
        loss, figures = self.stage.step(Moment(done, self.samples))
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()
        parameters = self.stage.parameters()
        self._share(parameters)
        for group in self.stage.groups():
            torch.nn.utils.clip_grad_norm_(group, 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.steps += 1
        self.samples += int(figures.get("batch", 0)) * parallel.world()
        if self.steps % AVERAGE_EVERY == 0:
            self._move_average()
        return figures | {"rate": self.optimisers[0].param_groups[0]["lr"]}

    def run(self, minutes: float, after_save: Callable[[Trainer], None] | None = None) -> bool:
        """Train until `minutes` in all are spent and return True, or False if told to stop before.

        `after_save` is called in every process, which counts as training time.
        """
        log: list[Figures] = []
        saved, since = self.minutes, (self.clock(), self.samples)
        self._last = (since[0], time.process_time())
        while self.minutes < minutes and not self.stopped:
            log.append(self._step(minutes))
            if self.steps % REPORT_EVERY == 0:
                self._report(log, since)
                log, since = [], (self.clock(), self.samples)
            if self.minutes - saved > self.save_every:
                self.save()
                saved = self.minutes
                if after_save:
                    after_save(self)
        self.save()
        parallel.wait()
        return self.minutes >= minutes

    def _report(self, log: list[Figures], since: tuple[float, int]) -> None:
        """Print one line of means (process 0 only)."""
        keys = sorted({key for figures in log for key in figures})
        lists = {key: [float(f[key]) for f in log if key in f] for key in keys}
        means = {key: float(f"{sum(n) / len(n):.4g}") for key, n in lists.items()}
        pace = (self.samples - since[1]) / max(self.clock() - since[0], 1e-9)
        report(self.told() | {"per_second": round(pace, 1)} | means)

    def told(self) -> dict[str, object]:
        """Say where the training is, for a line of the log."""
        return {
            "phase": self.phase,
            "step": self.steps,
            "minutes": round(self.minutes, 2),
            "busy": round(self.busy, 2),
            "samples": self.samples,
        }


def report(line: Mapping[str, object]) -> None:
    """Print a line of the log (process 0 only)."""
    if not parallel.rank():
        print(json.dumps(line), flush=True)


def _halved(weights: Weights) -> Weights:
    """Copy weights in half precision."""
    return {n: {k: v.half() if v.is_floating_point() else v for k, v in part.items()}
            for n, part in weights.items()}  # fmt: skip


def load_average(folder: Path, stage: Stage) -> None:
    """Load a checkpoint's averaged weights into a stage."""
    average = read_state(folder)["average"]
    for name, module in stage.modules().items():
        module.load_state_dict(average[name])
