"""`livebend models` says what is here, of what family, how it is sampled, and whether it plays."""

import json
import shutil

import pytest
import safetensors.torch
import torch

from livebend.cli.main import main


@pytest.fixture
def here(tmp_path, model_folder, monkeypatch):
    """A folder and a hub's cache with what plays and what does not."""
    hub = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    shutil.copytree(model_folder("turbo"), hub / "models--some--turbo" / "snapshots" / "abc")
    place = tmp_path / "mine"
    shutil.copytree(model_folder("v1"), place / "friend")
    broken = shutil.copytree(model_folder("v1"), place / "pointer")
    (broken / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\n"
    )
    lora = {"lora_unet_x.lora_down.weight": torch.zeros(2, 2)}
    safetensors.torch.save_file(lora, place / "style.safetensors")
    whole = {
        "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(8, 4, 3, 3),
        "cond_stage_model.model.ln_final.weight": torch.zeros(8),
    }
    safetensors.torch.save_file(whole, place / "sd_turbo.safetensors")
    (place / "notes.txt").write_text("mine")
    return place


def test_models_are_listed_with_family_steps_and_reason(here, capsys):
    assert main(["models", str(here), "--json"]) == 0
    found = {row["name"].rpartition("/")[2]: row for row in json.loads(capsys.readouterr().out)}
    assert list(found) == ["tiny", "turbo", "friend", "pointer", "sd_turbo.safetensors",
                           "style.safetensors"]  # fmt: skip
    assert found["tiny"]["sampled"] == "euler, 1 step, no guidance"
    assert found["turbo"]["name"] == "some/turbo"
    assert found["friend"]["sampled"] == "ddim, 20 steps, guidance 7.5"
    assert found["friend"]["size"] > 100_000
    assert found["sd_turbo.safetensors"]["family"] == "sd-turbo"
    assert "is a pointer of git-lfs" in found["pointer"]["refused"]
    assert "is a LoRA" in found["style.safetensors"]["refused"]
    assert [row["refused"] for row in found.values()].count("") == 4


def test_as_text_each_has_one_line(here, capsys):
    assert main(["models", str(here)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("tiny ")
    assert "no: is a LoRA" in lines[-1]
