"""Small random models saved in the real folder layout, so that no test needs a download."""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WORDS = ("a", "the", "orb", "flower", "night", "forest", "river", "storm", "red", "blue", "with")


def tokenizer(length: int = 16) -> CLIPTokenizer:
    """A byte-pair tokenizer of a few words and all letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocab = {token: i for i, token in enumerate([*letters, *(f"{c}</w>" for c in letters)])}
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            parts = [parts[0] + parts[1], *parts[2:]]
            if pair not in merges:
                merges.append(pair)
            vocab.setdefault(parts[0], len(vocab))
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocab[special] = len(vocab)
    made = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=length)
    made.model_max_length = length
    return made


def text_model(tokens: CLIPTokenizer, width: int, act: str) -> CLIPTextModel:
    """A two-layer text model."""
    config = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=tokens.model_max_length,
        hidden_act=act,
        bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id,
    )
    return CLIPTextModel(config)


def unet(
    width: int, *, linear: bool, pooled: bool = False, sample: int = 32
) -> UNet2DConditionModel:
    """Stable Diffusion's shape, four levels down and up, two layers a block, few channels."""
    attention, plain = ("CrossAttnDownBlock2D",) * 3, ("DownBlock2D",)
    return UNet2DConditionModel(
        sample_size=sample,
        layers_per_block=2,
        block_out_channels=(16, 32, 32, 48),
        down_block_types=(*attention, *plain),
        up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        cross_attention_dim=width,
        attention_head_dim=(2, 4, 4, 4) if linear else 8,
        norm_num_groups=8,
        use_linear_projection=linear,
        addition_embed_type="text" if pooled else None,
        addition_embed_type_num_heads=4,
    )


def tiny_decoder() -> AutoencoderTiny:
    """The tiny autoencoder's shape, few channels."""
    return AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )


def kl_decoder() -> AutoencoderKL:
    """The full autoencoder's shape, few channels."""
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )


BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def save(folder: Path, kind: str) -> Path:
    """Save a random model of a kind: `turbo` (v2 shape, Euler trailing), `v1` (DDIM leading, KL
    decoder), `v2` (the same with linear projections and v-prediction, as Stable Diffusion 2.1) or
    `v` (turbo's shape, v-prediction, pooled text)."""
    torch.manual_seed(3)
    tokens = tokenizer()
    linear = kind != "v1"
    prediction = "v_prediction" if kind in ("v", "v2") else "epsilon"
    leading = kind in ("v1", "v2")
    if leading:
        scheduler = DDIMScheduler(
            **BETAS,
            steps_offset=1,
            set_alpha_to_one=False,
            clip_sample=False,
            prediction_type=prediction,
        )
    else:
        scheduler = EulerDiscreteScheduler(
            **BETAS, timestep_spacing="trailing", steps_offset=1, prediction_type=prediction
        )
    pipeline = StableDiffusionPipeline(
        vae=kl_decoder() if leading else tiny_decoder(),
        text_encoder=text_model(tokens, 32, "gelu" if linear else "quick_gelu"),
        tokenizer=tokens,
        unet=unet(32, linear=linear, pooled=kind == "v"),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    assert json.loads((folder / "model_index.json").read_text())
    return folder
