"""A model: the parts of a Stable Diffusion 1.x or 2.x, on their device.

A name is `tiny` (embedded), a folder in the layout of diffusers, a single file, or a hub id such as
stabilityai/sd-turbo: see `places`. `random:sd-turbo` has no files: it is for measuring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core.errors import ModelError, UnknownName
from livebend.core.notify import Notify, ignore
from livebend.device.devices import on_torch, usual
from livebend.device.gpu import aside, wait_for
from livebend.models.adapted_layers import Factors, adapt, loras_in
from livebend.models.decoders import check_decoder, check_has_encoder, load_decoder
from livebend.models.embedding_file import WantedEmbedding, add_embeddings, check_embedding
from livebend.models.families import family
from livebend.models.lora_file import TEXT, UNET, WantedLora, check_lora, load_lora
from livebend.models.model_folder import check_folder, load_text, load_unet, load_vae, read_sampled
from livebend.models.parts import Target
from livebend.models.places import TAESD, find_place
from livebend.models.precision import best_dtype, name_of
from livebend.models.prompt_reader import PromptTokens, read_prompt, weighted
from livebend.models.random_weights import PREFIX, random_parts
from livebend.models.sampler import Noising
from livebend.models.scheduler import Sampled, read_scheduler
from livebend.models.single_file import check_file, load_file
from livebend.models.vocabulary import Vocabulary, load_vocabulary
from livebend.models.weight_files import read_json

OWN, AUTO, SMALL = "own", "auto", "taesd"
NONE, VAE = "none", "vae"
ENCODERS = (NONE, VAE, OWN)
NO_LORAS: Mapping[str, float] = MappingProxyType({})

Parts = tuple[nn.Module, nn.Module, nn.Module, Any, Sampled]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which model is loaded.

    name: see `places.find_place`.
    family: of a single file, where it cannot be told; "" = as it is told.
    vae: taesd, or the name of a folder, a file or a hub id of a decoder; own = the model's own;
        auto = taesd for one whose own is the full decoder, where it can be had.
    encoder: of pictures: that beside the decoder (vae), or the model's own; none = not loaded.
    loras: that are put beside its weights.
    embeddings: that its text encoder is given as words.
    """

    name: str
    family: str = ""
    vae: str = OWN
    encoder: str = NONE
    loras: tuple[WantedLora, ...] = ()
    embeddings: tuple[WantedEmbedding, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A model on its device."""

    wanted: Wanted
    places: tuple[Path, ...]  # its folder or file, and that of its decoder; none of random weights
    unet: nn.Module
    vae: nn.Module
    encoder: nn.Module | None  # an autoencoder without its decoder, for pictures
    text_encoder: nn.Module
    tokenizer: Any
    sampled: Sampled
    words: Mapping[str, tuple[int, ...]]  # the tokens of its textual inversions, by name
    vocabulary: Vocabulary | None
    device: torch.device
    dtype: torch.dtype

    @property
    def name(self) -> str:
        """What it was called when it was loaded."""
        return self.wanted.name

    @property
    def noising(self) -> Noising:
        """Its noise schedule, and its own sampler."""
        return self.sampled.noising

    @property
    def steps(self) -> int:
        """How many calls of the network it paints best with."""
        return self.sampled.steps

    @property
    def guidance(self) -> float:
        """The classifier-free guidance that it paints best with; 0 = none."""
        return self.sampled.guidance

    @property
    def scaling(self) -> float:
        """What latents are divided by before the decoder."""
        return float(self.vae.config.scaling_factor)  # type: ignore[union-attr,arg-type]

    @property
    def factor(self) -> int:
        """Pixels per latent element, along each side."""
        config: Any = self.vae.config
        blocks = getattr(config, "block_out_channels", None) or config.decoder_block_out_channels
        return int(2 ** (len(blocks) - 1))

    @property
    def native(self) -> int:
        """The side, in pixels, of the pictures that the network was trained on."""
        return int(self.unet.config.sample_size) * self.factor  # type: ignore[union-attr,arg-type]

    @property
    def precision(self) -> str:
        """The name of its precision: float32, bfloat16 or float16."""
        return name_of(self.dtype)

    def read(self, text: str) -> PromptTokens:
        """Return a prompt as this model reads it."""
        return read_prompt(text, self.tokenizer, self.vocabulary, self.words)

    def notes(self, text: str) -> tuple[str, ...]:
        """Return what this model reads of a prompt otherwise than it is written."""
        return self.read(text).notes

    @property
    def loras(self) -> tuple[str, ...]:
        """The names of its LoRAs."""
        return tuple(lora.name for lora in self.wanted.loras)

    @property
    def text_loras(self) -> tuple[str, ...]:
        """The names of those that change how prompts are read."""
        return loras_in(self.text_encoder).names

    def encode(self, texts: Sequence[str], strengths: Mapping[str, float] = NO_LORAS) -> Tensor:
        """Return the embeddings [len(texts), T, C] of prompts, without holding up frames, with the
        LoRAs of the text encoder at `strengths`; those not named are off. Parts count as much as
        the texts say: see `prompt_syntax`."""
        return aside(self.device, lambda: self._embedded(texts, strengths))

    @torch.inference_mode()
    def _embedded(self, texts: Sequence[str], strengths: Mapping[str, float]) -> Tensor:
        read = [self.read(text) for text in texts]
        ids = torch.tensor([tokens.ids for tokens in read], device=self.device)
        names, on = loras_in(self.text_encoder)
        given = ((name, strengths.get(name, 0.0)) for name in names)
        now = {name: torch.full((1,), s, dtype=self.dtype) for name, s in given if s != 0.0}
        with on.at({name: s.to(self.device) for name, s in now.items()}):
            embedded: Tensor = self.text_encoder(ids, attention_mask=None)[0]
        return weighted(embedded, [tokens.weights for tokens in read]).to(self.dtype)


def load_model(
    model: str | Wanted,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
    layout: torch.memory_format = torch.channels_last,
    notify: Notify = ignore,
) -> Model:
    """Load a model.

    device, dtype: the best ones of this machine where None.
    layout: of the convolutions' weights. channels_last is faster on processors and GPUs; with
        contiguous_format frames are bit for bit those of diffusers' own pipeline.
    notify: is told what is fetched.
    Raises: ModelError, naming what is missing.
    """
    wanted = Wanted(model) if isinstance(model, str) else model
    found = usual() if device is None else device.type
    target = Target(device or on_torch(found), dtype or best_dtype(found))
    places = find_model(wanted, notify)
    try:
        unet, vae, text, tokenizer, sampled = _parts(wanted, places, target)
        encoder = _encoder(wanted, places, vae, target)
    except ModelError as error:
        raise _about(wanted.name, error) from error
    words = add_embeddings(text, wanted.embeddings, int(tokenizer.model_max_length) - 2)
    _adapt(wanted.loras, {UNET: unet, TEXT: text})
    made_of = [part for part in (unet, vae, encoder, text) if part is not None]
    for part in made_of:
        nn.Module.to(part, target.device, target.dtype).eval().requires_grad_(False)
    made = Model(
        wanted,
        places,
        unet,
        vae,
        encoder,
        text,
        tokenizer,
        sampled,
        words,
        vocabulary=load_vocabulary(places[0]) if places else None,
        device=target.device,
        dtype=target.dtype or torch.float32,
    )
    for part in made_of:
        nn.Module.to(part, memory_format=layout)  # type: ignore[call-overload]
    wait_for(target.device)  # any stream may read them
    return made


def find_model(wanted: Wanted, notify: Notify = ignore) -> tuple[Path, ...]:
    """Return the places of a model and, where it is from elsewhere, its decoder; fetch them where
    they are not on this machine. Raises: ModelError where one cannot play."""
    for lora in wanted.loras:
        check_lora(lora.file)
    for embedding in wanted.embeddings:
        check_embedding(embedding.file)
    if wanted.encoder not in ENCODERS:
        raise UnknownName("encoder", wanted.encoder, ENCODERS)
    if wanted.name.startswith(PREFIX):
        return ()
    try:
        place = find_place(wanted.name, lambda place: check_place(place, wanted.family), notify)
    except ModelError as error:
        raise _about(wanted.name, error) from error
    places = (place, *_other_decoder(wanted, place, notify))
    if wanted.encoder != NONE:
        check_has_encoder(_encoder_place(wanted, places))
    return places


def _other_decoder(wanted: Wanted, place: Path, notify: Notify) -> tuple[Path, ...]:
    """The place of the decoder where that is not the model's own."""
    if wanted.vae == AUTO:
        return _small_decoder(notify) if _has_full_decoder(place) else ()
    if wanted.vae == OWN:
        return ()
    name = TAESD if wanted.vae == SMALL else wanted.vae
    return (find_place(name, check_decoder, notify, "vae"),)


def _encoder_place(wanted: Wanted, places: Sequence[Path]) -> Path:
    return places[-1] if wanted.encoder == VAE else places[0]


def _encoder(
    wanted: Wanted, places: Sequence[Path], vae: nn.Module, target: Target
) -> nn.Module | None:
    """The encoder of pictures, where one is wanted; random weights have it beside the decoder."""
    if wanted.encoder == NONE:
        return None
    return load_decoder(_encoder_place(wanted, places), target, "encoder") if places else vae


def _adapt(loras: Sequence[WantedLora], parts: Mapping[str, nn.Module]) -> None:
    """Put LoRAs beside the layers of a model's parts. Raises: ModelError."""
    layers: dict[str, dict[str, dict[str, Factors]]] = {part: {} for part in parts}
    for loaded in [load_lora(lora, parts) for lora in loras]:
        for part, found in loaded.layers.items():
            for path, factors in found.items():
                layers[part].setdefault(path, {})[loaded.name] = factors
    for part, net in parts.items():
        adapt(net, layers[part])


def _has_full_decoder(place: Path) -> bool:
    if place.is_file():
        return True
    kind = read_json(place / "vae" / "config.json").get("_class_name", "AutoencoderKL")
    return str(kind) == "AutoencoderKL"


def _small_decoder(notify: Notify) -> tuple[Path, ...]:
    """The small decoder, or nothing where it cannot be had."""
    try:
        place = find_place(TAESD, check_decoder, notify, "vae")
    except ModelError as why:
        notify(f"pictures are decoded by the model's own decoder, which is slow: {why}")
        return ()
    notify("pictures are decoded by the small decoder taesd; --vae own = the model's own")
    return (place,)


def check_place(place: Path, asked: str = "") -> None:
    """Refuse a model in a folder or file that cannot play, without loading it; `asked` is the
    family of a file. Raises: ModelError."""
    if place.is_file():
        check_file(place, asked)
    else:
        check_folder(place)


def _about(name: str, error: ModelError) -> ModelError:
    """An error about a model, which it names."""
    said = str(error)
    if said.startswith(("unknown model", f"model {name!r}")):
        return error
    return ModelError(f"model {name!r}{'' if said.startswith(('is ', 'has ')) else ':'} {said}")


def _parts(wanted: Wanted, places: Sequence[Path], target: Target) -> Parts:
    if not places:
        name = wanted.name.removeprefix(PREFIX)
        return *random_parts(name, target), read_scheduler(family("sd-turbo").scheduler)
    place, *other = places
    if place.is_file():
        file = load_file(place, target, wanted.family, with_vae=not other)
        vae = file.vae or load_decoder(other[0], target)
        return file.unet, vae, file.text_encoder, file.tokenizer, file.sampled
    vae = load_decoder(other[0], target) if other else load_vae(place / "vae", target)
    sampled = read_sampled(place, Path(wanted.name).name)
    return load_unet(place, target), vae, *load_text(place, target), sampled
