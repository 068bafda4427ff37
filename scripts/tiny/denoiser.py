"""Train the denoiser: the text model and the UNet, on pictures paired with their noise.

v-prediction on Stable Diffusion's own noise schedule. Many of the samples stand where inference
begins: pure noise at t = 999, whose picture is a function of that noise, so that one step is plain
regression. The rest cover the steps of 2- and 4-step schedules and all times between.

The first phase runs at half resolution, 16×16, where a sample costs a quarter and what matters is
learnt: which words and which noise make which picture. The second adds detail at 32×32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, EulerDiscreteScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTextModel

from livebend.models.precision import multiplies_bfloat16

from . import parallel
from .critic import Adversary, number
from .drawings import Label, draw_label
from .noise import SLOTS, Noise, draw_noise
from .pictures import HELD_OUT, SHARD, open_shards
from .progress import Figures, Stage
from .text import WIDTH as TEXT_WIDTH
from .text import build_text_encoder, build_tokenizer, tokenize
from .words import caption, plain_caption

WIDTHS = (32, 64, 128, 192)
FINAL = 999
STOPS = (749, 499, 499, 249)
"""The times, besides 999, that 2 and 4 trailing steps visit: that of both twice as often."""
FINAL_SHARE, STOP_SHARE = 0.50, 0.35
OWN_SHARE = 0.6
"""How many of the samples at stops are on the network's own way there, as at inference."""
FADED_SHARE = 0.15
"""How many of the samples at the start stand between two prompts."""
SILENT_SHARE, PLAIN_SHARE = 0.06, 0.40
"""How many captions are empty, and how many of the others say no more than the label."""
PULL = 0.7
"""Force of the critic, in the last phase, as a share of that of the error itself."""
DEEP_SHARES = (0.6, 0.4, 0.15)
"""How often a sample has no skips at the deepest level, at the next as well, at the next as well.

A network that may always go round its middle does: with skips turned down in a tenth of the samples
a quarter turn of the middle changed the picture by 0.7 %, without them in half by 2.1 %.
"""
FAINT_SHARE = 0.1
"""How often a level of a sample has its skips turned down, so that no level leans on them alone."""
READING = 0.2
"""Weight of reading the drawing's choices out of the middle, beside painting the picture."""


def build_scheduler() -> EulerDiscreteScheduler:
    """Build Stable Diffusion's schedule with v-prediction and trailing steps, as SD-Turbo has."""
    return EulerDiscreteScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )


def build_unet() -> UNet2DConditionModel:
    """Build the untrained UNet: four levels each way, text at the two deepest and in the middle.

    The words, pooled, also join the time embedding, so that every block hears what to paint: from
    cross-attention alone the prompt is learnt far more slowly.
    """
    unet = UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D",) * 2 + ("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",) * 2,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        use_linear_projection=True,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    return unet.to(memory_format=torch.channels_last)


def predict(
    unet: UNet2DConditionModel, x: Tensor, t: Tensor, text: Tensor, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Run the UNet as its own forward does, with each level's skips scaled by `keep` (4, B).

    Return what it says of x and what its middle is. `keep` is ordered from the deepest level up; 1
    everywhere, or None, changes nothing.
    """
    embedding = unet.time_embedding(unet.time_proj(t.expand(len(x))).to(x.dtype))
    embedding = embedding + unet.add_embedding(text)
    h = unet.conv_in(x)
    skips = [h]
    for block in unet.down_blocks:
        words = {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", 0) else {}
        h, outputs = block(hidden_states=h, temb=embedding, **words)
        skips.extend(outputs)
    h = middle = unet.mid_block(h, embedding, encoder_hidden_states=text)
    for level, block in enumerate(unet.up_blocks):
        count = len(block.resnets)
        skips, mine = skips[:-count], skips[-count:]
        if keep is not None:
            mine = [skip * keep[level, :, None, None, None] for skip in mine]
        words = {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", 0) else {}
        h = block(hidden_states=h, temb=embedding, res_hidden_states_tuple=tuple(mine), **words)
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(h))), middle


@contextmanager
def reduced() -> Iterator[None]:
    """Multiply in bfloat16 where the processor does, which a quarter more samples pass through;
    weights, sums and losses stay in float32.

    Attention over these few tokens goes by plain products: the fused kernel's way back took a sixth
    of a step.
    """
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16()),
        sdpa_kernel(SDPBackend.MATH),
    ):
        yield


class Reader(nn.Module):
    """Read a drawing's choices (B, slots) linearly out of the network's middle (B, C, h, w).

    A choice is one faint cosine among a thousand noises. From pictures alone the network found
    those of one channel in 60,000 samples and none of the others, and painted the mean of all hues
    and turns; told to have them in its middle it finds all of them. Thrown away after training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(4 * WIDTHS[-1], len(SLOTS))

    def forward(self, middle: Tensor) -> Tensor:
        choices: Tensor = self.read(functional.adaptive_avg_pool2d(middle, 2).flatten(1))
        return choices


class Pairs:
    """The training set: latents (n, 4, h, w), their noise, the choices (n, slots) that the drawings
    read from it, and their labels."""

    def __init__(
        self, latents: Tensor, noise: Tensor, choices: Tensor, labels: list[Label]
    ) -> None:
        self.latents, self.noise, self.choices, self.labels = latents, noise, choices, labels

    def __len__(self) -> int:
        return len(self.latents)

    def halved(self) -> Pairs:
        """Halve the resolution: unit-variance latents, and noise that is N(0, I) and still paired.

        The sum of 2×2 noises over 2 is normal again and keeps the lowest cosines, so a picture's
        choices read the same from it.
        """
        small = functional.avg_pool2d(self.latents.float(), 2)
        noise = functional.avg_pool2d(self.noise.float(), 2) * 2
        return Pairs((small / small.std()).half(), noise.half(), self.choices, self.labels)


@torch.no_grad()
def encode(vae: AutoencoderTiny, pictures: NDArray[np.uint8]) -> Tensor:
    """Encode pictures (n, 256, 256, 3) to latents (n, 4, 32, 32) in half precision."""
    chunks = []
    for start in range(0, len(pictures), 20):
        chunk = torch.from_numpy(np.array(pictures[start : start + 20])).permute(0, 3, 1, 2)
        chunk = (chunk.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        chunks.append(vae.encoder(chunk).half())
    return torch.cat(chunks)


def latents_path(work: Path, index: int) -> Path:
    """Name the file of a shard's latents."""
    return work / "latents" / f"train_{index:04d}.pt"


def encode_shards(work: Path, vae: AutoencoderTiny) -> None:
    """Encode the shards drawn since, each process those whose turn it is."""
    for index, shard in enumerate(open_shards(work)):
        path = latents_path(work, index)
        if index % parallel.world() == parallel.rank() and not path.exists():
            path.parent.mkdir(exist_ok=True)
            torch.save(encode(vae, shard), path.with_suffix(".part"))
            path.with_suffix(".part").rename(path)
    parallel.wait()


def check_latents(work: Path, vae: AutoencoderTiny) -> None:
    """Refuse latents in the work folder that another encoder made."""
    path = latents_path(work, 0)
    if path.exists():
        made, kept = encode(vae, open_shards(work)[0][:4]), torch.load(path, weights_only=True)[:4]
        if (made.float() - kept.float()).abs().mean() > 0.05:
            raise SystemExit(f"{path.parent}: made by another encoder; remove that folder")


def count_encoded(work: Path) -> int:
    """Count the shards encoded so far, from 0 up."""
    count = 0
    while latents_path(work, count).exists():
        count += 1
    return count


def load_pairs(work: Path, shards: int) -> Pairs:
    """Pair the first shards' latents with the noise and the labels of their seeds."""
    latents = [torch.load(latents_path(work, i), weights_only=True) for i in range(shards)]
    seeds = range(shards * SHARD)
    noise = [draw_noise(seed) for seed in seeds]
    choices = torch.from_numpy(np.stack([Noise(eps).normals() for eps in noise]))
    halves = torch.from_numpy(np.stack([eps.astype(np.float16) for eps in noise]))
    return Pairs(torch.cat(latents), halves, choices, [draw_label(seed) for seed in seeds])


def draw_times(count: int) -> Tensor:
    """Draw times (count,): many at the start of inference, some at its stops, the rest anywhere."""
    pick = torch.rand(count)
    t = (torch.sigmoid(torch.randn(count) * 1.1 + 0.4) * (FINAL - 1)).long() + 1
    stops = torch.tensor(STOPS)[torch.randint(len(STOPS), (count,))]
    t = torch.where(pick < STOP_SHARE, stops, t)
    return torch.where(pick > 1 - FINAL_SHARE, FINAL, t)


def draw_keep(count: int) -> Tensor:
    """Draw how much of each level's skips a sample keeps (4, count), from the deepest up."""
    keep = 1 - (torch.rand(4, count) < FAINT_SHARE).float() * torch.rand(4, count)
    pick = torch.rand(count)
    for level, share in enumerate(DEEP_SHARES):
        keep[level] *= pick >= share
    return keep


class DenoiserStage(Stage):
    """One training step of the UNet and the text model."""

    def __init__(self, batch: int = 24) -> None:
        self.tokenizer = build_tokenizer()
        self.unet, self.text = build_unet(), build_text_encoder(self.tokenizer)
        self.reader = Reader()
        self.adversary: Adversary | None = None
        self.batch = batch
        self.pairs: Pairs
        self.pictures, self.coarse = 0, False
        self.rng = np.random.default_rng()
        self.abar = build_scheduler().alphas_cumprod

    def modules(self) -> dict[str, nn.Module]:
        return {"unet": self.unet, "text": self.text, "reader": self.reader}

    def start_from(self, folder: Path) -> None:
        """Take the weights of an exported folder."""
        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        self.unet.load_state_dict(unet.state_dict())
        text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", dtype=torch.float32)
        self.text.load_state_dict(text.state_dict())

    def feed(self, work: Path, vae: AutoencoderTiny, coarse: bool) -> None:
        """Encode what has been drawn since, and train on all of it at half or full resolution."""
        encode_shards(work, vae)
        shards = count_encoded(work)
        if (shards * SHARD, coarse) != (self.pictures, self.coarse):
            pairs = load_pairs(work, shards)
            self.pairs = pairs.halved() if coarse else pairs
            self.pictures, self.coarse = shards * SHARD, coarse

    def embed(self, captions: list[str]) -> Tensor:
        """Embed captions (B, 20, 128)."""
        return self.text(tokenize(self.tokenizer, captions)).last_hidden_state

    def _captions(self, labels: list[Label]) -> list[str]:
        return [
            "" if self.rng.random() < SILENT_SHARE
            else plain_caption(label) if self.rng.random() < PLAIN_SHARE
            else caption(label, self.rng)
            for label in labels
        ]  # fmt: skip

    def sharpen(self) -> None:
        """From now on let a critic pull as well."""
        self.adversary = Adversary()

    def _pulled(self, v: Tensor, miss: Tensor, x: Tensor, x0: Tensor, which: Tensor,
                a: Tensor, s: Tensor, labels: list[Label]) -> tuple[Tensor, Figures]:  # fmt: skip
        """Let the critic judge the pictures seen in samples `which`; return its pull and figures.

        It pulls with PULL times the force of the error `miss` itself (as Esser et al. 2021 balance
        theirs), so that neither drowns the other as they shrink.
        """
        assert self.adversary
        seen = (a * x - s * v)[which]
        label = number([labels[i] for i in which.nonzero()[:, 0].tolist()])
        told = self.adversary.learn(x0[which], seen, label)
        pull = self.adversary.pull(x0[which], seen, label)
        (force,) = torch.autograd.grad(miss, v, retain_graph=True)
        (other,) = torch.autograd.grad(pull, v, retain_graph=True)
        weight = PULL * force[which].norm() / (other.norm() + 1e-8)
        return weight * pull, {"critic": told, "pull": pull.item(), "weight": weight.item()}

    @torch.no_grad()
    def _walk(self, eps: Tensor, text: Tensor, a: Tensor, s: Tensor) -> Tensor:
        """Go from noise to where a first Euler step lands, with the picture that is seen so far.

        Its target stays the drawing, so a second step puts right what the first got wrong.
        """
        if not len(eps):
            return eps
        t = torch.full((len(eps),), FINAL)
        a_0, s_0 = self.abar[FINAL].sqrt(), (1 - self.abar[FINAL]).sqrt()
        x = eps.contiguous(memory_format=torch.channels_last)
        seen = a_0 * x - s_0 * predict(self.unet, x, t, text)[0].float()
        return a * seen + s * (eps - seen * (a_0 / s_0))

    @torch.no_grad()
    def _dissolve(self, eps: Tensor, text: Tensor, other: Tensor, share: Tensor) -> Tensor:
        """Say what v lies between what the network sees in noise for two texts (n, T, C).

        Between two prompts it would otherwise hold on to one and then turn over to the other in a
        few frames; taught by itself that a text at `share` (n,) is a dissolve at `share`, it fades
        evenly.
        """
        t = torch.full((2 * len(eps),), FINAL)
        v, _ = predict(self.unet, torch.cat([eps, eps]), t, torch.cat([text, other]))
        one, two = v.float().chunk(2)
        return one.lerp(two, share[:, None, None, None])

    def step(self, _done: float) -> tuple[Tensor, Figures]:
        with reduced():
            return self._step()

    def _step(self) -> tuple[Tensor, Figures]:
        count = self.batch
        index = torch.randint(len(self.pairs), (count,))
        x0, eps = self.pairs.latents[index].float(), self.pairs.noise[index].float()
        t = draw_times(count)
        t[0] = FINAL  # the critic, where there is one, has something to judge in every process
        a = self.abar[t].sqrt()[:, None, None, None]
        s = (1 - a * a).sqrt()
        first = t == FINAL
        x = torch.where(first[:, None, None, None], eps, a * x0 + s * eps)
        labels = [self.pairs.labels[i] for i in index.tolist()]
        text = self.embed(self._captions(labels))
        own = (t[:, None] == torch.tensor(STOPS)).any(1) & (torch.rand(count) < OWN_SHARE)
        x[own] = self._walk(eps[own], text[own], a[own], s[own])
        x = x.contiguous(memory_format=torch.channels_last)
        target = (a * x - x0) / s
        faded = first & (torch.rand(count) < FADED_SHARE)
        faded[0] = False
        if faded.any():
            other, share = text.roll(1, 0)[faded], torch.rand(int(faded.sum()))
            target[faded] = self._dissolve(eps[faded], text[faded], other, share)
            text = text.clone()
            text[faded] = text[faded].lerp(other, share[:, None, None])
        v, middle = predict(self.unet, x, t, text, draw_keep(count))
        v = v.float()
        error = (v - target).square().mean((1, 2, 3))
        missed = (self.reader(middle).float() - self.pairs.choices[index]).square().mean(1)
        missed = missed.where(first, 0.0)
        figures = {"loss": error.mean().item(), "batch": float(count)}
        if first.any():
            figures["start"] = error[first].mean().item()
            figures["missed"] = missed[first].mean().item()
        loss = error.mean() + READING * missed.mean()
        if self.adversary:
            pull, more = self._pulled(v, error.mean(), x, x0, (first | own) & ~faded, a, s, labels)
            loss, figures = loss + pull, figures | more
        return loss, figures


def held_out_labels(count: int) -> list[Label]:
    """List the labels of the first held-out seeds."""
    return [draw_label(HELD_OUT + i) for i in range(count)]
