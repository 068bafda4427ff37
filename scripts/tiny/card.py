"""Write the model card: what the embedded model is, learnt from, and cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .canvas import SQUARE
from .network import Shape

LEVELS_SAID = {
    1: "the deepest level",
    2: "the two deepest levels",
    3: "the three deepest levels",
    4: "every level",
}
FIGURES = "## Figures\n"
LIMITS = "## Limits\n"
UNMEASURED = (
    "Not measured yet: `scripts/tiny/evaluate FOLDER --card` measures and writes them here.\n"
)
MEASURED = """\
By `scripts/tiny/evaluate`: {how}.
`quarter` is the mean change (0..1) of the picture by a quarter turn of channel pairs at a site,
`evenness` its largest step over its median one; walks and fades are the 95th percentile of the
change from frame to frame over the median one; the border's roughness is that of the inside at 1.
Beside held-out drawings, `octave 1` and `octave 2` are the strength of the finest details and of
those twice as large, as shares of the drawings'; `looks` and `texture` are distances, 0 where
nothing tells them apart.
"""


@dataclass(frozen=True)
class History:
    """What the denoiser has been through: pictures drawn, hours by the clock, samples seen, and
    the sizes of the pictures."""

    pictures: int = 0
    hours: float = 0.0
    samples: int = 0
    sizes: tuple[str, ...] = (str(SQUARE),)


CARD = """\
# tiny: the embedded model

A text-to-image latent diffusion network of Stable Diffusion's kind, in diffusers' folder layout:
`StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)` runs it unchanged, with
`guidance_scale=0` and 1 to 4 steps. Native size 256×256 (latents 4×32×32).

## Parts
| part | class | parameters |
|---|---|---|
| `vae` | AutoencoderTiny, its encoder 24 and its decoder 32 wide, scaling factor 1 | {vae:.2f} M |
| `text_encoder`, `tokenizer` | CLIPTextModel, 128 wide, 2 layers; CLIPTokenizer, {tokens} tokens, \
20 per prompt | {text_encoder:.2f} M |
| `unet` | UNet2DConditionModel {widths}, text at {attending} and the middle, \
pooled text in the time embedding | {unet:.2f} M |
| `scheduler` | EulerDiscreteScheduler, Stable Diffusion's betas, v-prediction, trailing steps | |

Weights are float16 and load as float32 unless told otherwise. `vocabulary.json` lists the words:
18 concepts, 10 colours, 5 styles, 4 moods, their synonyms, and a prompt for each concept.

## Data
{pictures:,} pictures with captions, of {sizes}, drawn by `scripts/tiny` from code alone: nothing is
downloaded or copied. Every random choice of a drawing is a smooth function of the noise that the
sampler starts from, so prompt and noise name one picture and one step is plain regression.

## Training
`scripts/tiny/train --hours H --out FOLDER` does all of it from nothing and goes on where it
stopped; `--init FOLDER` starts from these weights.

1. The autoencoder, under a fixed linear map from latents to colours: channel 0 is white–black,
   1 green–magenta, 2 cyan–red, 3 blue–yellow, as in Stable Diffusion 1.
2. The denoiser and the text model at 16×16 (means of 2×2 latents, rescaled to unit deviation, and
   noise that is twice its own 2×2 mean) for a short while, then at 32×32. Of the samples nine in
   ten are pure paired noise at t = 999; in the last fifth six in ten are, and most of the others
   stand at the stops of 2 and 4 steps (749, 499, 249), often where the network's own first step
   lands. Then some also stand between two prompts, and are taught the dissolve of what the network
   sees for each, so that prompts fade evenly. Many samples have no skip connections at the deepest
   level, fewer none at the next either and some none at the third, so that the deep levels carry
   the picture. Muon for matrices, AdamW for all else, cosine decay at the end, averaged weights.
3. UNet and decoder end to end, in pixel space, the encoder fixed: alike pixel by pixel, alike to
   the features of a network that learnt from photographs (EfficientNet-Lite0, not part of this
   model), and not to be told from drawings by a critic on those features. A third of the samples
   stand at the later stops, so that two and four steps stay as crisp as one.

On processors one process of one thread per core, gradients averaged, in float32 but for products
in bfloat16 where the processor has them; or on one GPU. This version's denoiser has seen
{samples:,} samples of both sizes in {hours:.1f} hours by the clock.

{figures}{unmeasured}
{limits}\
- It knows the words of `vocabulary.json`; others reach the text model as letters never seen.
- It paints like its drawings, not like photographs. How far it has got is in the figures above.
- It is trained for {sizes}; other sizes, guidance and negative prompts were not trained.
- Steps other than 1, 2 and 4 visit times that few samples stood at.
"""


def write_card(
    folder: Path, history: History, sizes: Mapping[str, int], tokens: int, shape: Shape
) -> None:
    """Write README.md; `sizes` counts the parameters of vae, text_encoder and unet."""
    text = CARD.format(
        widths=shape.widths,
        attending=LEVELS_SAID[shape.attending],
        **{part: count / 1e6 for part, count in sizes.items()},
        tokens=tokens,
        pictures=history.pictures,
        samples=history.samples,
        hours=history.hours,
        sizes=", ".join(size.replace("x", "×") for size in history.sizes),
        figures=FIGURES,
        unmeasured=UNMEASURED,
        limits=LIMITS,
    )
    (folder / "README.md").write_text(text)


def _rows(report: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """List a nested report as names and values."""
    for key, value in report.items():
        name = f"{above}, {key}" if above else key
        if isinstance(value, Mapping):
            yield from _rows(value, name)
        elif isinstance(value, list):
            yield name, " ".join(str(item) for item in value)
        else:
            yield name, f"{value:.4g}" if isinstance(value, float) else str(value)


def write_figures(folder: Path, report: Mapping[str, object], how: str) -> None:
    """Put a report in the card's place for figures, with how they were measured."""
    path = folder / "README.md"
    before, rest = path.read_text().split(FIGURES, 1)
    after = rest.split(LIMITS, 1)[1]
    rows = "".join(f"| {name} | {value} |\n" for name, value in _rows(report))
    table = f"| what | value |\n|---|---|\n{rows}\n"
    told = MEASURED.format(how=how)
    path.write_text(f"{before}{FIGURES}{told}\n{table}{LIMITS}{after}")
