"""The whole training: draw, autoencode, denoise, finish, export. `train` is its command line.

Everything lies in the work folder, and every stage goes on from there after an interruption.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

from . import autoencoder, parallel
from .canvas import LATENT, Size
from .card import History
from .denoiser import DenoiserStage, share_of_batch
from .export import export, read_history
from .finish import FinishStage
from .held_out import SHARDS as HELD_OUT_SHARDS
from .held_out import Yardstick
from .network import Shape, build_unet
from .pairs import check_pairs
from .parallel import Brake
from .pictures import SIZES, Shard, Split, begin_at, first_seed, open_shards, start_drawing
from .progress import Trainer, load_average, report
from .text import build_text_encoder

FINE_RATE = 0.7
"""Peak rates at 32×32, as a share of those at 16×16."""
AUTOENCODER, FINISH = (0.2, 60.0), (0.25, 300.0)
"""Time for the autoencoder first and for the finish last: a share, but no more than minutes."""
FINISH_RATE = 3e-4
"""Peak rate of the decoder in the finish."""


@dataclass(frozen=True)
class Settings:
    """What the command line asks for; `train --help` says what each is."""

    work: Path
    out: Path
    hours: float = 20.0
    minutes: float = math.inf
    vae: Path | None = None
    init: Path | None = None
    shape: Shape = field(default_factory=Shape)
    device: str = "cpu"
    processes: int = 1
    drawers: int = 1
    first: int = 3
    shards: int = 300
    sizes: tuple[Size, ...] = SIZES
    keep: int = 40
    batch: int = 96
    rate: float = 2.5e-3
    coarse: float = 0.06
    cooldown: float = 0.38
    finish: float = FINISH[0]
    save: float = 3.0
    measure: float = 20.0
    light: bool = False

    def checkpoint(self, name: str) -> Path:
        """Name the folder of a stage's checkpoint."""
        return self.work / "parts" / name

    @property
    def given_vae(self) -> Path | None:
        """The exported folder whose autoencoder is taken as it is, if there is one."""
        return self.vae or self.init

    @property
    def stage_minutes(self) -> tuple[float, float, float]:
        """Minutes for the autoencoder, the denoiser and the finish."""
        whole = self.hours * 60
        first = 0.0 if self.given_vae else min(AUTOENCODER[0] * whole, AUTOENCODER[1])
        last = min(self.finish * whole, FINISH[1])
        return first, whole - first - last, last


def keep_memory() -> None:
    """Let glibc keep what it has freed: a step frees and takes the same gigabyte again."""
    mmap_max, top_pad, trim_threshold = -4, -2, -1
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(mmap_max, 0)
        mallopt(top_pad, 1 << 28)
        mallopt(trim_threshold, (1 << 31) - 1)


def draw(settings: Settings) -> None:
    """Draw the held-out shards and the first ones, then go on in the background."""
    if settings.init:
        begin_at(settings.work, read_history(settings.init).pictures)
    held = [
        Shard(split, index, split.size)
        for split, count in HELD_OUT_SHARDS.items()
        for index in range(count)
    ]
    sizes = settings.sizes
    train = [
        Shard(Split.TRAIN, index, sizes[index % len(sizes)]) for index in range(settings.shards)
    ]
    first = held + train[: settings.first]
    for drawer in start_drawing(settings.work, first, os.cpu_count() or 1):
        drawer.join()
    start_drawing(settings.work, train, settings.drawers)


def _take_vae(folder: Path) -> AutoencoderTiny:
    """Load an exported folder's autoencoder, its decoder grown to today's shape."""
    found = AutoencoderTiny.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32)
    return autoencoder.grown(found)


def train_autoencoder(settings: Settings, brake: Brake, minutes: float) -> AutoencoderTiny | None:
    """Train encoder and decoder together and fold the whitening in, unless that is there.

    None where it was told to stop before it was done.
    """
    whitened, folder = settings.work / "whitened.pt", settings.checkpoint("autoencoder")
    stage = autoencoder.AutoencoderStage(open_shards(settings.work), settings.device)
    if not whitened.exists():

        def refresh(_: Trainer) -> None:
            stage.shards = open_shards(settings.work)

        trainer = Trainer(stage, folder, 2e-3, 0.6, stop=brake)
        if not trainer.run(minutes, refresh):
            return None
        load_average(folder, stage)
        if parallel.rank() == 0:
            held = autoencoder.held_out_tensor(open_shards(settings.work, Split.HELD))
            mean, std = autoencoder.whiten(stage.vae, held)
            report({"whitened from mean": mean.tolist(), "deviation": std.tolist()})
            torch.save(stage.vae.state_dict(), whitened)
        parallel.wait()
    stage.vae.load_state_dict(torch.load(whitened, map_location="cpu", weights_only=True))
    return stage.vae


def find_autoencoder(settings: Settings, brake: Brake, minutes: float) -> AutoencoderTiny | None:
    """Take the autoencoder that was given, or train one."""
    given = settings.given_vae
    vae = _take_vae(given) if given else train_autoencoder(settings, brake, minutes)
    return vae and vae.to(memory_format=torch.channels_last).eval().requires_grad_(False)


class DenoiserRun:
    """The denoiser's training: at half resolution, then at full; measured and exported on the way.

    Where weights are given there is no phase at half resolution.
    """

    def __init__(self, settings: Settings, brake: Brake, vae: AutoencoderTiny) -> None:
        self.settings, self.vae = settings, vae
        batch = share_of_batch(settings.batch)
        self.stage = DenoiserStage(batch, settings.shape, torch.device(settings.device))
        self.vae.to(self.stage.device)
        if settings.init:
            self.stage.start_from(settings.init)
        folder = settings.checkpoint("denoiser")
        self.trainer = Trainer(
            self.stage,
            folder,
            settings.rate,
            stop=brake,
            light=settings.light,
            save_every=settings.save,
        )
        if settings.init and not self.trainer.samples:
            history = read_history(settings.init)
            self.trainer.samples, self.trainer.spent = history.samples, history.hours * 60
        check_pairs(settings.work, vae)
        self._feed()
        self.yardstick = Yardstick(settings.work, self.stage)
        self._measured = self._measurements()

    def _feed(self) -> None:
        self.stage.feed(self.settings.work, self.vae, self.settings.keep)

    def _measurements(self) -> int:
        """Count the measurements that are due by now."""
        return int(self.trainer.busy / self.settings.measure)

    def _refresh(self, _: Trainer) -> None:
        self._feed()
        if self._measurements() > self._measured:
            self.measure()

    def measure(self) -> None:
        """Log the held-out error, and export the averaged weights as they stand."""
        self._measured = self._measurements()
        self.yardstick.report(self.trainer)
        self.export()

    def run(self, minutes: float) -> bool:
        """Train until so many minutes are spent; False if told to stop before."""
        trainer, settings = self.trainer, self.settings
        if trainer.phase == 0:
            coarse = 0.0 if settings.init else minutes * settings.coarse
            trainer.cooldown, trainer.loudness, self.stage.coarse = 0.0, 1.0, True
            if coarse > trainer.minutes and not trainer.run(coarse, self._refresh):
                return False
            trainer.next_phase()
        trainer.cooldown, trainer.loudness = settings.cooldown, FINE_RATE
        self.stage.coarse = False
        return trainer.run(minutes, self._refresh)

    def finish(self, brake: Brake, minutes: float) -> bool:
        """Train on end to end in pixel space, from the averaged weights; False if told to stop."""
        settings, stage = self.settings, self.stage
        load_average(settings.checkpoint("denoiser"), stage)
        finished = FinishStage(stage, self.vae, open_shards(settings.work))
        trainer = Trainer(
            finished,
            settings.checkpoint("finish"),
            FINISH_RATE,
            settings.cooldown,
            stop=brake,
            light=settings.light,
            save_every=settings.save,
        )
        if not trainer.samples:
            trainer.samples, trainer.spent = self.trainer.samples, self.trainer.spent
        done = trainer.run(minutes)
        load_average(settings.checkpoint("finish"), finished)
        self.trainer.average["unet"] = trainer.average["unet"]
        self.trainer.samples, self.trainer.spent = trainer.samples, trainer.spent
        self.export()
        return done

    def _sizes(self) -> tuple[str, ...]:
        """List the sizes that the weights have been trained at, also before this training."""
        here = [str(Size(w * LATENT, h * LATENT)) for h, w in self.stage.pairs.grids]
        before = read_history(self.settings.init).sizes if self.settings.init else ()
        return tuple(dict.fromkeys([*before, *here]))

    def export(self) -> None:
        """Export the averaged weights as they stand (process 0 only)."""
        if parallel.rank():
            return
        stage, average = self.stage, self.trainer.average
        unet, text = build_unet(stage.shape), build_text_encoder(stage.tokenizer)
        unet.load_state_dict(average["unet"])
        text.load_state_dict(average["text"])
        pictures = first_seed(self.settings.work) + len(stage.pairs)
        history = History(
            pictures, round(self.trainer.spent / 60, 2), self.trainer.samples, self._sizes()
        )
        size = export(self.settings.out, self.vae, unet, text, stage.tokenizer, history)
        report({"exported_mb": round(size / 1e6, 1), "samples": self.trainer.samples})


def train(settings: Settings, brake: Brake) -> None:
    """Run all the stages, as one of several processes."""
    keep_memory()
    torch.backends.cudnn.benchmark = True
    first, most, last = settings.stage_minutes
    vae = find_autoencoder(settings, brake, first)
    if vae is None:
        return
    denoising = DenoiserRun(settings, brake, vae)
    done = denoising.run(most)
    if done and last:
        done = denoising.finish(brake, last)
    elif done:
        denoising.measure()
    if not done:
        report({"stopped": "the same command goes on"} | denoising.trainer.told())
