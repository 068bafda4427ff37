"""Single files in the layout of Stable Diffusion's own code play as the folder they came from."""

import diffusers
import numpy as np
import pytest
import safetensors.torch
import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from torch import Tensor

from livebend.core.errors import ModelError, UnknownName
from livebend.models.checkpoint import Wanted, load_model
from livebend.models.families import FAMILIES, family, family_of
from livebend.models.original_layout import parts_of
from livebend.rendering.network import Network
from livebend.scene.values import Sampling
from tests.fakes import checkpoints
from tests.fakes.networks import CPU, F32, picture, text_of

SIZE = (64, 64)
NAMES = {"sd-1.5": "friend", "lcm-1.5": "friend_LCM", "sd-2-base": "v2-1_512-ema",
         "sd-2.1-v": "v2-1_768-v", "sd-turbo": "sd_turbo"}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a function of a family: the folder of a random model, saved once."""
    made = {}

    def folder(name):
        if name not in made:
            made[name] = checkpoints.real_folder(tmp_path_factory.mktemp("families") / name, name)
        return made[name]

    return folder


def theirs(folder, model, calls):
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    # Over weights that want a gradient torch folds a product of matrices otherwise, and sums in
    # another order; ours want none.
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    return np.asarray(pipe(
        "a red orb", width=SIZE[0], height=SIZE[1], num_inference_steps=calls,
        guidance_scale=model.guidance, generator=torch.Generator().manual_seed(46),
    ).images[0])  # fmt: skip


def ours(model, calls):
    network = Network(model, *SIZE)
    negative = text_of(network, "", -2) if model.guidance else None
    return picture(network, (), Sampling(steps=calls), negative=negative).pixels.tensor.numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FAMILIES)
def test_a_single_file_plays_as_diffusers_plays_its_folder(folders, tmp_path, name):
    folder = folders(name)
    file = tmp_path / f"{NAMES[name]}.safetensors"
    safetensors.torch.save_file(checkpoints.original(folder), file)
    model = load_model(str(file), CPU, F32, torch.contiguous_format)
    few = {"lcm-1.5": (4, 0.0), "sd-turbo": (1, 0.0)}.get(name, (20, 7.5))
    assert (model.steps, model.guidance) == few
    assert model.sampled.notes == ()
    steps = 1 if name == "lcm-1.5" else 2  # that draws new noise between steps
    mine, wanted = ours(model, steps), theirs(folder, model, steps)
    loaded = load_model(str(folder), CPU, F32, torch.contiguous_format)
    assert np.array_equal(mine, ours(loaded, steps))
    assert np.array_equal(mine, wanted)


@pytest.mark.filterwarnings("ignore")
def test_a_ckpt_is_read_as_plain_tensors(folders, tmp_path):
    file = tmp_path / "friend.ckpt"
    state = checkpoints.original(folders("sd-1.5"))
    torch.save({"state_dict": state, "global_step": 840000, "epoch": 3}, file)
    model = load_model(str(file), CPU, F32, torch.contiguous_format)
    assert np.array_equal(ours(model, 1), theirs(folders("sd-1.5"), model, 1))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["sd-1.5", "sd-turbo"])
def test_names_are_converted_as_diffusers_converts_them(folders, name):
    state = checkpoints.original(folders(name))
    unet, vae, _ = parts_of(state)
    place = folders(name)
    for mine, part, convert in (
        (unet, "unet", convert_ldm_unet_checkpoint), (vae, "vae", convert_ldm_vae_checkpoint),
    ):  # fmt: skip
        kind = diffusers.UNet2DConditionModel if part == "unet" else diffusers.AutoencoderKL
        config = kind.load_config(place, subfolder=part)
        other = convert(dict(state), config)
        assert set(mine) == set(other)
        assert all(torch.equal(mine[key], other[key]) for key in mine)


def shapes(**more):
    made = {"model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3)}
    return {**made, "cond_stage_model.model.ln_final.weight": (1024,), **more}


@pytest.mark.parametrize(
    ("metadata", "name", "asked", "found"),
    [
        ({}, "v2-1_768-ema-pruned", "", "sd-2.1-v"),
        ({}, "friend", "", "sd-2.1-v?"),
        ({}, "friend", "sd-turbo", "sd-turbo"),
        ({}, "512-base-ema", "", "sd-2-base"),
        ({}, "SD_Turbo", "", "sd-turbo"),
        ({"modelspec.architecture": "stable-diffusion-v2-512"}, "friend", "", "sd-2-base"),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v"}, "512", "", "sd-2.1-v"),
        ({"modelspec.prediction_type": "epsilon"}, "friend", "", "sd-2-base"),
    ],
)
def test_metadata_and_name_tell_what_shapes_do_not(metadata, name, asked, found):
    assert family_of(shapes(), metadata, name, asked) == found


def test_what_is_only_assumed_is_said(folders, tmp_path):
    file = tmp_path / "friend.safetensors"
    safetensors.torch.save_file(checkpoints.original(folders("sd-turbo")), file)
    model = load_model(str(file), CPU, F32)
    (note,) = model.sampled.notes
    assert note.startswith("taken for sd-2.1-v")
    assert "sd-turbo" in note
    assert load_model(Wanted(str(file), "sd-turbo"), CPU, F32).steps == 1
    with pytest.raises(ModelError, match=r"is Stable Diffusion 2\.x, not sd-1\.5: expected sd-2"):
        load_model(Wanted(str(file), "sd-1.5"), CPU, F32)
    with pytest.raises(UnknownName, match="did you mean 'sd-turbo'"):
        family("turbo")


FULL = "model.diffusion_model.input_blocks.0.0.weight"
TEXT = "cond_stage_model.transformer.text_model.final_layer_norm.weight"
REFUSED = [
    ({"lora_unet_mid_block_attentions_0.lora_down.weight": (4, 8)}, "is a LoRA"),
    ({"unet.mid_block.attentions.0.to_q.lora_A.weight": (4, 8)}, "is a LoRA"),
    ({"first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3)}, "is a decoder (VAE)"),
    ({"decoder.conv_in.weight": (8, 4, 3, 3)}, "give it with --vae"),
    ({"1.weight": (64, 4, 3, 3)}, "give it with --vae"),
    ({FULL: (8, 9, 3, 3), TEXT: (8,)}, "is an inpainting network (it reads 9 channels)"),
    ({FULL: (8, 4, 3, 3), "conditioner.embedders.0.x": (8,)}, "is Stable Diffusion XL"),
    ({"model.diffusion_model.joint_blocks.0.x": (8,)}, "is a flow model"),
    ({"double_blocks.0.img_attn.x": (8,)}, "is a flow model"),
    ({"control_model.input_blocks.0.0.weight": (8,)}, "is a ControlNet"),
    ({"emb_params": (2, 8)}, "is an embedding of words"),
    ({"conv_in.weight": (8, 4, 3, 3), "mid_block.x": (8,)}, "is a network alone"),
    ({FULL: (8, 4, 3, 3)}, "without its text encoder"),
    ({"weird": (8,)}, "holds no Stable Diffusion: its first tensor is weird"),
    ({}, "its first tensor is nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("held", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_model_is_named(tmp_path, held, said):
    file = tmp_path / "thing.safetensors"
    tensors: dict[str, Tensor] = {name: torch.zeros(shape) for name, shape in held.items()}
    safetensors.torch.save_file(tensors, file)
    with pytest.raises(ModelError) as refused:
        load_model(str(file), CPU, F32)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_pruned_file_asks_for_a_decoder(folders, tmp_path):
    file = tmp_path / "friend.safetensors"
    state = checkpoints.original(folders("sd-1.5"))
    safetensors.torch.save_file({k: t for k, t in state.items() if "first_stage" not in k}, file)
    with pytest.raises(ModelError, match="holds no decoder: name one with --vae"):
        load_model(str(file), CPU, F32)
