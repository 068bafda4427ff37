"""LoRAs as people bring them: every way to write one gives what merging its weights gives."""

import json
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from livebend.core.errors import ModelError, Refused
from livebend.models.checkpoint import Wanted, find_model, load_model
from livebend.models.lora_file import WantedLora, check_lora, named
from livebend.rendering.network import Network
from livebend.scene.values import Lora
from tests.fakes import loras
from tests.fakes.networks import CPU, F32, picture

ATTENTION = ("attn1.to_q", "attn2.to_k", "attn2.to_out.0")


def with_lora(model, *files):
    """The model loaded anew, with LoRAs at 1."""
    wanted = tuple(WantedLora(f"lora{n}", file) for n, file in enumerate(files))
    return load_model(replace(model.wanted, loras=wanted), CPU, F32)


def seen(model, strength=None, names=("lora0",)):
    """The image and the embedding of a prompt, with LoRAs at a strength where it has them."""
    playing = [] if strength is None else [Lora(name, strength) for name in names]
    given = {lora.name: lora.strength for lora in playing}
    text = model.encode(["a red orb"], given)
    image = picture(Network(model, 64, 64), text=text, loras=playing).image.tensor
    return image, text


def check_merged(model, file, layers, strength=0.7):
    adapted = seen(with_lora(model, file), strength)
    merged = seen(loras.merge(load_model(model.wanted, CPU, F32), layers, strength))
    assert not torch.allclose(merged[0], seen(model)[0], atol=1e-3)  # it does something
    for found, wanted in zip(adapted, merged, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["turbo", "v1"])
def test_kohyas_files_are_what_merging_gives(model_folder, tmp_path, kind):
    model = load_model(str(model_folder(kind)), CPU, F32)
    layers = loras.random_layers(model)
    check_merged(model, loras.write(tmp_path / "a.safetensors", layers), layers)


def test_diffusers_files_are_too(model, tmp_path):
    layers = loras.random_layers(model)
    said = {"unet.lora_alpha": 2.0, "text_encoder.lora_alpha": 2.0}
    file = loras.write(tmp_path / "a.safetensors", layers, loras.diffusers, said)
    check_merged(model, file, layers)


def test_pefts_folder_is_too(model, tmp_path):
    layers = loras.random_layers(model, text=())
    file = loras.write(tmp_path / "adapter_model.safetensors", layers, loras.peft)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 3, "lora_alpha": 2.0}))
    check_merged(model, file, layers)


def test_files_of_2023_are_too(model, tmp_path):
    layers = loras.random_layers(model, ATTENTION, alpha=None)
    check_merged(
        model, loras.write(tmp_path / "a.safetensors", layers, loras.old_diffusers), layers
    )


def test_three_factors_and_pickles_are_too(model, tmp_path):
    layers = loras.random_layers(model, loras.CONVOLUTIONS, (), mid=True)
    torch.save(loras.kohya(layers), tmp_path / "a.pt")
    check_merged(model, tmp_path / "a.pt", layers)


def test_names_of_stable_diffusions_own_code_are_read(model, tmp_path):
    layers = loras.random_layers(
        model, ("attn2.to_k", "resnets.1.conv2"), (), where="down_blocks.1"
    )
    original = {
        "down_blocks_1_attentions_0_": "input_blocks_4_1_",
        "down_blocks_1_attentions_1_": "input_blocks_5_1_",
        "down_blocks_1_resnets_1_conv2": "input_blocks_5_0_out_layers_3",
    }
    state = {}
    for name, tensor in loras.kohya(layers).items():
        old = next(new for new in original if new in name)
        state[name.replace(old, original[old])] = tensor
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    check_merged(model, tmp_path / "a.safetensors", layers)


def test_several_add_up(model, tmp_path):
    """Of different ranks, on the same layers."""
    made = [loras.random_layers(model, rank=r, seed=r) for r in (2, 5)]
    files = [loras.write(tmp_path / f"{n}.safetensors", layers) for n, layers in enumerate(made)]
    adapted = seen(with_lora(model, *files), 0.4, ("lora0", "lora1"))
    merged = load_model(model.wanted, CPU, F32)
    for layers in made:
        merged = loras.merge(merged, layers, 0.4)
    for found, wanted in zip(adapted, seen(merged), strict=True):
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_at_zero_it_is_the_model_itself(model, tmp_path):
    file = loras.write(tmp_path / "a.safetensors", loras.random_layers(model))
    adapted, plain = seen(with_lora(model, file), 0.0), seen(model)
    assert all(map(torch.equal, adapted, plain))


# ---- refused -----------------------------------------------------------------------------------


def refused(model, file):
    with pytest.raises(ModelError) as error:
        with_lora(model, file)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_of_another_version_it_says_which(model, tmp_path):
    layers = loras.random_layers(model, ("attn2.to_k",))
    wide = {key: replace(layer, down=torch.zeros(3, 768)) for key, layer in layers.items()}
    loras.write(tmp_path / "a.safetensors", wide)
    assert "made for Stable Diffusion 1.x (text 768 wide); this is" in refused(
        model, tmp_path / "a.safetensors"
    )


def test_of_another_network_it_says_which_layer(model, tmp_path):
    state = loras.kohya(loras.random_layers(model, text=()))
    state |= {
        "lora_unet_down_blocks_7_x.lora_down.weight": torch.zeros(1, 2),
        "lora_unet_down_blocks_7_x.lora_up.weight": torch.zeros(2, 1),
    }
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    assert "such as 'lora_unet_down_blocks_7_x'" in refused(model, tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["model.diffusion_model.out.2.weight"], "is no LoRA"),
        (["lora_unet_mid.hada_w1_a"], "is a LoHa"),
        (["lora_unet_mid.lokr_w1", "lora_unet_mid.alpha"], "is a LoKr"),
        (["lora_unet_mid.lora_down.weight", "lora_unet_mid.dora_scale"], "is a DoRA"),
        (["lora_te2_x.lora_down.weight"], "made for Stable Diffusion XL"),
        (["transformer.x.lora_A.weight"], "made for a flow transformer"),
        (["diffusion_model.double_blocks.0.lora_A.weight"], "made for a flow transformer"),
        (["lora_unet_mid_block_attentions_0_proj_in.lora_down.weight"], "expected down and up"),
    ],
)
def test_what_is_no_lora_for_this_is_named(model, tmp_path, names, said):
    state = {name: torch.zeros(2, 2) for name in names}
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    assert said in refused(model, tmp_path / "a.safetensors")


def test_a_pointer_and_a_part_of_a_file_are_refused_before_the_model_is_loaded(model, tmp_path):
    pointer, cut = tmp_path / "p.safetensors", tmp_path / "c.safetensors"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    whole = loras.write(tmp_path / "a.safetensors", loras.random_layers(model)).read_bytes()
    cut.write_bytes(whole[:-100])
    for file, said in ((pointer, "git lfs pull"), (cut, "cut short"), (tmp_path / "no", "no such")):
        with pytest.raises(ModelError, match=said):
            find_model(Wanted(model.name, loras=(WantedLora("a", file),)))


def test_numbers_that_are_none_are_refused(model, tmp_path):
    layers = loras.random_layers(model)
    next(iter(layers.values())).up[0, 0] = torch.nan
    assert "not finite" in refused(model, loras.write(tmp_path / "a.safetensors", layers))


def test_a_lora_is_called_like_its_file(tmp_path):
    files = [
        tmp_path / name for name in ("Film Grain (v2).safetensors", "film-grain-v2.pt", "é.pt")
    ]
    assert [lora.name for lora in named([(f, 1.0) for f in files])] == [
        "film-grain-v2", "film-grain-v2-2", "lora",
    ]  # fmt: skip
    with pytest.raises(Refused, match="17 LoRAs: expected up to 16"):
        named([(tmp_path / "a.pt", 1.0)] * 17)


def test_a_folder_is_no_lora(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        check_lora(tmp_path)
