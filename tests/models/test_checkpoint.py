"""Folders of models as people bring them: each kind plays as the plain one, or is refused in one
line that says what it is."""

import json
import pickle
import shutil

import diffusers
import numpy as np
import pytest
import safetensors.torch
import torch

from livebend.cli.main import main
from livebend.core.errors import ModelError
from livebend.models.checkpoint import Wanted, load_model
from livebend.rendering.network import Network
from livebend.scene.values import Sampling
from tests.fakes import checkpoints
from tests.fakes.checkpoints import weights
from tests.fakes.models import tiny_decoder
from tests.fakes.networks import CPU, F32, picture, same


@pytest.fixture
def folder(model_folder, tmp_path):
    """A random model shaped as Stable Diffusion 1.x that the test may break."""
    return shutil.copytree(model_folder("v1"), tmp_path / "mine")


def painted(model):
    return picture(Network(model, 64, 64), (), Sampling(steps=1))


def refusal(place, **more):
    with pytest.raises(ModelError) as refused:
        load_model(Wanted(str(place), **more), CPU, F32)
    said = str(refused.value)
    assert "\n" not in said
    assert "mine" in said or "thing" in said
    return said


def no_length(place):
    file = place / "tokenizer" / "tokenizer_config.json"
    config = json.loads(file.read_text())
    del config["model_max_length"]
    file.write_text(json.dumps(config))


def no_index_parts(place):
    file = place / "model_index.json"
    index = json.loads(file.read_text())
    file.write_text("\ufeff" + json.dumps({"_class_name": index["_class_name"]}))


KINDS = [checkpoints.as_bin, checkpoints.as_shards, checkpoints.as_old, no_length, no_index_parts]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_folder_plays_as_the_plain_one(folder, model_folder, kind):
    kind(folder)
    assert same(painted(load_model(str(folder), CPU, F32)),
                painted(load_model(str(model_folder("v1")), CPU, F32)))  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_a_folder_of_half_precision_alone_plays_as_diffusers_plays_it(folder):
    checkpoints.as_half(folder)
    model = load_model(str(folder), CPU, F32, torch.contiguous_format)
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, variant="fp16", torch_dtype=torch.float32
    )
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        "a red orb", width=64, height=64, num_inference_steps=1, guidance_scale=0.0,
        generator=torch.Generator().manual_seed(46),
    ).images[0]  # fmt: skip
    assert np.array_equal(painted(model).pixels.tensor.numpy(), np.asarray(theirs))


@pytest.mark.filterwarnings("ignore")
def test_a_consistency_model_with_an_input_for_its_guidance(folder):
    torch.manual_seed(9)
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
    made = diffusers.UNet2DConditionModel.from_config(unet.config, time_cond_proj_dim=16)
    made.save_pretrained(folder / "unet")
    diffusers.LCMScheduler(**checkpoints.BETAS).save_pretrained(folder / "scheduler")
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", "LCMScheduler"]
    (folder / "model_index.json").write_text(json.dumps(index))
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        "a red orb", width=64, height=64, num_inference_steps=1, guidance_scale=8.5,
        generator=torch.Generator().manual_seed(46),
    ).images[0]  # fmt: skip
    model = load_model(str(folder), CPU, F32, torch.contiguous_format)
    assert str(model.sampled) == "lcm, 4 steps, no guidance"
    assert np.array_equal(painted(model).pixels.tensor.numpy(), np.asarray(theirs))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1234\n"
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize("part", checkpoints.WEIGHTS)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (POINTER, "is a pointer of git-lfs, not the file itself: run `git lfs pull`"),
        (PAGE, "is a web page, not the file itself: fetch it again"),
        (b"", "is empty: fetch it again"),
        (b"\xff" * 64, "is no .safetensors file"),
        (b"{}      {}", "is no .safetensors file"),
        (0.5, "is cut short: "),
        (4, "is cut short: "),
        (20, "is cut short: "),
    ],
)
def test_a_file_that_is_not_whole_is_named_in_every_part(folder, part, content, said):
    file = weights(folder, part)
    whole = file.read_bytes()
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_bytes(whole[: content if content > 1 else int(len(whole) * content)])
    told = refusal(folder)
    assert said in told
    assert f"{part}/" in told


@pytest.mark.parametrize("content", [POINTER, b"", 0.5, b"PK\x03\x04 nonsense", b"\x80\x02}q"])
def test_a_pickled_file_that_is_not_whole_is_named(folder, content):
    checkpoints.as_bin(folder)
    file = folder / "text_encoder" / "pytorch_model.bin"
    whole = file.read_bytes()
    file.write_bytes(content if isinstance(content, bytes) else whole[: len(whole) // 2])
    assert "text_encoder/pytorch_model.bin is " in refusal(folder)


class Evil:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (print, ("it ran",))


def test_a_pickle_with_code_is_refused_and_not_run(folder, capsys):
    checkpoints.as_bin(folder)
    with (folder / "unet" / "diffusion_pytorch_model.bin").open("wb") as file:
        pickle.dump({"state_dict": Evil()}, file)
    assert "brings code along, which is not run: use a .safetensors file" in refusal(folder)
    torch.save({"a": Evil()}, folder.parent / "thing.ckpt")
    assert "brings code along" in refusal(folder.parent / "thing.ckpt")
    assert "it ran" not in capsys.readouterr().out


def edit(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def change(part, **values):
    return lambda place: edit(place / part / "config.json", **values)


def drop_weight(place):
    file = weights(place, "unet")
    state = safetensors.torch.load_file(file)
    del state["conv_in.weight"]
    safetensors.torch.save_file(state, file)


def spoil_weight(place):
    file = weights(place, "unet")
    state = safetensors.torch.load_file(file)
    state["mid_block.resnets.0.conv1.weight"][0, 0] = float("nan")
    safetensors.torch.save_file(state, file)


def only_other_weights(place):
    weights(place, "unet").rename(place / "unet" / "model.onnx")


def lose_a_shard(place):
    checkpoints.as_shards(place)
    (place / "unet" / "diffusion_pytorch_model-00002-of-00002.safetensors").unlink()


def no_merges(place):
    (place / "tokenizer" / "tokenizer.json").unlink()


def transformer(place):
    (place / "transformer").mkdir()
    edit(place / "model_index.json", _class_name="FluxPipeline")


def flow(place):
    edit(place / "scheduler" / "scheduler_config.json",
         _class_name="FlowMatchEulerDiscreteScheduler")  # fmt: skip


REFUSED = [
    (transformer, "is a flow model or another transformer (Flux)"),
    (flow, "a flow model; expected Stable Diffusion"),
    (change("unet", addition_embed_type="text_time"), "is Stable Diffusion XL"),
    (change("unet", in_channels=9), "is an inpainting network"),
    (change("unet", _class_name="UNet3DConditionModel"), "has the network UNet3DConditionModel"),
    (change("unet", cross_attention_dim=48), "by its config.json"),
    (change("unet", block_out_channels=[16, 32]), "unet cannot be made: "),
    (change("vae", _class_name="VQModel"), "vae/ is VQModel: expected AutoencoderKL or"),
    (change("text_encoder", model_type="t5"), "text_encoder/ is t5: expected clip_text_model"),
    (change("text_encoder", vocab_size=20), "by its config.json"),
    (drop_weight, "unet lacks 1 of"),
    (spoil_weight, "weights are not finite in float32: mid_block.resnets.0.conv1.weight"),
    (only_other_weights, "unet/ has no weights: expected diffusion_pytorch_model.safetensors; it"
     " has model.onnx"),
    (lose_a_shard, "diffusion_pytorch_model-00002-of-00002.safetensors is missing"),
    (no_merges, "tokenizer/ has no tokenizer.json, nor vocab.json with merges.txt"),
    (lambda place: shutil.rmtree(place / "scheduler"), "has no folder scheduler/"),
    (lambda place: (place / "model_index.json").write_bytes(POINTER), "is a pointer of git-lfs"),
    (lambda place: (place / "unet" / "config.json").write_text("[1"), "unet/config.json: cannot"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_play_is_refused_in_one_line(folder, spoil, said):
    spoil(folder)
    assert said in refusal(folder)


def test_a_part_given_as_a_model_is_named(folder):
    assert "it holds AutoencoderKL, a part of a model: give it with --vae" in refusal(
        folder / "vae"
    )
    empty = folder.parent / "things"
    empty.mkdir()
    (empty / "friend.safetensors").write_bytes(b"")
    assert "has no model_index.json; give one of its files: friend.safetensors" in refusal(empty)


@pytest.mark.parametrize("name", ["thing.gguf", "thing.onnx"])
def test_a_file_of_another_kind_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"GGUF")
    assert "expected a folder, a .safetensors or a .ckpt file" in refusal(tmp_path / name)


def test_the_command_line_says_it_in_one_line(folder, capsys):
    weights(folder, "text_encoder").write_bytes(POINTER)
    assert main(["prompts", "--model", str(folder)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(f"livebend: model '{folder}': text_encoder/model.safetensors is a")


# ---- decoders --------------------------------------------------------------------------------


def small(folder, name="small"):
    """A random small decoder in a folder of its own, and as TAESD's bare file."""
    torch.manual_seed(7)
    made = diffusers.AutoencoderTiny()
    made.save_pretrained(folder / name)
    bare = {}
    for key, tensor in made.decoder.state_dict().items():
        index, _, rest = key.removeprefix("layers.").partition(".")
        bare[f"{int(index) + 1}.{rest}"] = tensor.contiguous()
    safetensors.torch.save_file(bare, folder / "taesd_decoder.safetensors")
    return folder / name, folder / "taesd_decoder.safetensors", made


def test_a_small_decoder_in_a_folder_and_bare_is_diffusers(folder, tmp_path):
    place, bare, made = small(tmp_path)
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    wanted = made.decode(latent).sample
    for vae in (place, bare, place / "diffusion_pytorch_model.safetensors"):
        model = load_model(Wanted(str(folder), vae=str(vae)), CPU, F32, torch.contiguous_format)
        assert type(model.vae).__name__ == "AutoencoderTiny"
        assert model.scaling == 1.0
        assert torch.equal(model.vae.decode(latent).sample, wanted)
        assert model.places == (folder, vae)


def test_a_full_decoder_from_a_model_and_from_a_file(folder, model_folder, tmp_path):
    """Also of a single file whose own decoder was pruned."""
    real = checkpoints.real_folder(tmp_path / "real", "sd-1.5")
    state = checkpoints.original(real)
    file = tmp_path / "vae.safetensors"
    prefix = "first_stage_model."
    own = {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)}
    safetensors.torch.save_file(own, file)
    pruned = tmp_path / "pruned.safetensors"
    kept = {k: t for k, t in state.items() if not k.startswith(prefix)}
    safetensors.torch.save_file(kept, pruned)
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    whole = load_model(str(real), CPU, F32, torch.contiguous_format).vae.decode(latent).sample
    for name, vae in ((folder, real), (folder, file), (pruned, file)):
        model = load_model(Wanted(str(name), vae=str(vae)), CPU, F32, torch.contiguous_format)
        assert torch.equal(model.vae.decode(latent).sample, whole)


def test_what_is_no_decoder_is_refused(folder, tmp_path):
    lora = tmp_path / "thing.safetensors"
    safetensors.torch.save_file({"lora_unet_x.lora_down.weight": torch.zeros(2, 2)}, lora)
    assert "--vae thing.safetensors: it is a LoRA" in refusal(folder, vae=str(lora))
    assert "unknown vae 'thing'; expected taesd, a folder" in refusal(folder, vae="thing")
    tiny_decoder().save_pretrained(tmp_path / "narrow")
    model = load_model(Wanted(str(folder), vae=str(tmp_path / "narrow")), CPU, F32)
    assert model.factor == 8
