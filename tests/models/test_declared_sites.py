"""What a configuration says of a model's sites is what its stages have."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

from livebend.core.errors import Refused, UnknownName
from livebend.models import declared_sites as declared
from livebend.models.checkpoint import load_model
from livebend.models.stages import sites_of, unet_stages, vae_stages
from livebend.rendering.network import Network
from tests.fakes import checkpoints

TINY = Path(declared.__file__).parent / "tiny"
CPU, F32 = torch.device("cpu"), torch.float32


def read(folder: Path, part: str) -> dict:
    return json.loads((folder / part / "config.json").read_text())


@pytest.mark.parametrize("kind", ["turbo", "v1", "v"])
def test_a_folders_sites_are_those_of_its_network(model_folder, kind):
    folder = model_folder(kind)
    network = Network(load_model(str(folder), CPU, F32), 64, 64)
    assert declared.declared_sites((folder,)) == network.sites


def test_the_embedded_models_sites_are_those_of_its_network():
    assert declared.declared_sites((TINY,)) == Network(load_model("tiny", CPU, F32), 64, 64).sites


@pytest.mark.parametrize("family", ["sd-1.5", "sd-turbo"])
def test_the_real_depths_of_a_family_are_declared(tmp_path, family):
    folder = checkpoints.real_folder(tmp_path, family)
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae")
    real = (*sites_of(unet_stages(unet, 8, 8)), *sites_of(vae_stages(vae)))
    assert declared.declared_sites((folder,))[3:] == real


@pytest.mark.parametrize("layers", [1, (1, 2, 1), 3])
@pytest.mark.parametrize("attending", [(0, 1, 1), (1, 0, 0)])
def test_other_depths_are_declared(layers, attending):
    names = (declared.PLAIN, declared.ATTENDING)
    made = UNet2DConditionModel(
        layers_per_block=layers, block_out_channels=(8, 8, 16), norm_num_groups=4,
        down_block_types=[names[a][0] for a in attending], attention_head_dim=4,
        up_block_types=[names[a][1] for a in reversed(attending)], cross_attention_dim=16,
    )  # fmt: skip
    assert declared._unet(dict(made.config)) == tuple(sites_of(unet_stages(made, 16, 16)))


@pytest.mark.parametrize("blocks", [(3, 2, 1, 0), (3, 3, 3, 1), (2, 0, 1, 0), (1, 1)])
def test_decoders_of_other_depths_are_declared(blocks):
    levels = len(blocks)
    made = AutoencoderTiny(
        encoder_block_out_channels=(8,) * levels, decoder_block_out_channels=(8,) * levels,
        num_encoder_blocks=(1,) * levels, num_decoder_blocks=blocks,
    )  # fmt: skip
    config = {"_class_name": "AutoencoderTiny", **made.config}
    assert declared._vae(config) == tuple(sites_of(vae_stages(made)))


def test_another_decoder_is_the_one_whose_sites_count(model_folder):
    full, small = model_folder("v1"), model_folder("turbo")
    assert "vae.mid" in declared.declared_sites((full,))
    assert declared.declared_sites((full, small)) == declared.declared_sites((small,))
    assert declared.declared_sites((full, small / "vae")) == declared.declared_sites((small,))


@pytest.mark.parametrize("family", ["sd-1.5", "sd-turbo"])
def test_a_single_files_sites_are_those_of_its_network(tmp_path, family):
    folder, file = checkpoints.real_folder(tmp_path / "folder", family), tmp_path / "a.safetensors"
    safetensors.torch.save_file(checkpoints.original(folder), file)
    assert declared.declared_sites((file,)) == declared.declared_sites((folder,))
    small, full = tmp_path / "taesd.safetensors", tmp_path / "full.safetensors"
    tiny = AutoencoderTiny().state_dict()
    safetensors.torch.save_file({n: t.clone() for n, t in tiny.items()}, small)
    shutil.copy(checkpoints.weights(folder, "vae"), full)
    expected = tuple(sites_of(vae_stages(AutoencoderTiny())))
    sites = declared.declared_sites((file, small))
    assert sites[-len(expected) :] == expected
    assert "vae.mid" not in sites
    assert declared.declared_sites((file, full)) == declared.declared_sites((file,))
    with pytest.raises(UnknownName, match=r"did you mean 'unet\.mid'\?"):
        declared.check_sites(["unet.middle"], (file,))


def test_a_pickled_decoder_does_not_say_what_it_is(tmp_path):
    assert declared.declared_sites((TINY, tmp_path / "vae.pt")) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"mid_block_type": "UNetMidBlock2D"},
        {"dual_cross_attention": True},
        {"down_block_types": ["AttnDownBlock2D"]},
        {"down_block_types": []},
    ],
)
def test_what_is_unusual_is_left_to_the_network_itself(change):
    assert declared._unet({**read(TINY, "unet"), **change}) == ()
    assert declared._vae({"_class_name": "AutoencoderOther"}) == ()
    declared.check_sites(["unet.elsewhere"], ())


def test_a_site_elsewhere_is_refused_with_the_nearest_one():
    declared.check_sites(["unet.mid#0", "latent@0.8", "image"], (TINY,))
    with pytest.raises(UnknownName, match=r"did you mean 'unet\.mid'\?"):
        declared.check_sites(["unet.middle"], (TINY,))
    with pytest.raises(Refused, match="whole number"):
        declared.check_sites(["unet.mid#x"], (TINY,))


def test_it_takes_no_torch():
    code = (
        "import sys; from pathlib import Path\n"
        "from livebend.models.declared_sites import declared_sites\n"
        f"assert len(declared_sites((Path({str(TINY)!r}),))) > 30\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
