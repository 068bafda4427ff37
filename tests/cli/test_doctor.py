"""The doctor: each look with a fake in place of the machine, and the report as a whole."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from livebend.cli.doctor import command, devices, material, questions, software
from livebend.cli.doctor.findings import Finding, as_json, as_text, healthy
from livebend.cli.doctor.questions import NoAnswer
from livebend.models.places import hub_cache

TORCH: Mapping[str, object] = {
    "version": "2.13.0", "cuda": "13.0", "gpu": "RTX 4090", "memory": 24, "threads": 8,
}  # fmt: skip


def answers(**values: object) -> questions.Ask:
    return lambda question: values


def silence(question: str) -> questions.Answer:
    raise NoAnswer("OSError: PortAudio library not found")


def complete_model(folder: Path) -> Path:
    for part in material.PARTS:
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text("{}")
    for part in ("unet", "vae", "text_encoder"):
        (folder / part / "model.safetensors").write_bytes(b"w" * 100)
    (folder / "model_index.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("said", "nvidia", "ok", "words"),
    [
        ({}, True, True, "RTX 4090, 24 GiB"),
        ({"gpu": "", "memory": 0}, True, None, "torch cannot use"),
        ({"gpu": "", "memory": 0, "cuda": ""}, True, None, "torch is a CPU build"),
        ({"gpu": "", "memory": 0, "cuda": ""}, False, None, "none"),
        ({"gpu": "Apple GPU", "memory": 0, "cuda": ""}, False, True, "Apple GPU"),
    ],
)
def test_gpu_and_build_are_told_apart(said, nvidia, ok, words):
    build, gpu = software.torch(answers(**{**TORCH, **said}), lambda: nvidia)
    assert build.ok is True
    assert gpu.ok is ok
    assert words in gpu.found
    assert bool(gpu.advice) is (nvidia and ok is None)


def test_a_torch_that_does_not_start_is_essential_and_comes_with_advice():
    (finding,) = software.torch(silence, lambda: False)
    assert finding.ok is False
    assert ".venv" in finding.advice


def test_openvino_names_its_devices():
    found = software.openvino(answers(version="2026.4.1", devices={"cpu": "Core 7", "npu": "AI"}))
    assert found.found == "2026.4.1 for --device cpu (Core 7), npu (AI)"
    assert software.openvino(silence).ok is None


def test_without_portaudio_the_install_line_and_the_demo_are_named():
    finding = devices.sound(silence)
    assert finding.ok is None
    assert "demo" in finding.advice
    assert "portaudio" in finding.advice.lower() or "sounddevice" in finding.advice


def test_sound_names_the_default_input():
    found = devices.sound(answers(version="PortAudio V19", inputs=2, default="Scarlett 2i2"))
    assert found.ok
    assert "Scarlett 2i2" in found.found
    assert devices.sound(answers(version="PortAudio V19", inputs=0, default="")).ok is None


def test_displays_are_told_by_name_and_size(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    found = devices.display(
        answers(driver="x11", displays=[["eDP-1", 1920, 1080], ["HDMI-1", 1280, 720]])
    )
    assert found.found == "0 eDP-1 1920x1080, 1 HDMI-1 1280x720 (x11); the picture is on HDMI-1"
    assert devices.display(answers(driver="x11", displays=[])).ok is None
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices.sys, "platform", "linux")
    assert devices.display(answers()).ok is None


def test_kinds_of_films_that_work_are_listed_and_others_say_why():
    why = "h264_nvenc: needs an NVIDIA GPU: Cannot load libcuda.so.1"
    finding = devices.codecs(
        answers(version="18", tried={"h264": "", "h264_nvenc": why, "png": ""})
    )
    assert (finding.ok, finding.found, finding.advice) == (True, "PyAV 18: h264, png", why)
    without = devices.codecs(answers(version="18", tried={"h264": "this PyAV has no libx264"}))
    assert (without.ok, without.found) == (False, "this PyAV has no libx264")


def test_missing_packages_are_named():
    finding = software.packages(lambda name: ["numpy>=2", "no-such-thing<3", 'x; extra == "test"'])
    assert finding.ok is False
    assert finding.found == "missing: no-such-thing"


def test_an_incomplete_model_names_its_missing_parts(tmp_path):
    folder = complete_model(tmp_path / "tiny")
    assert material.tiny_model(folder).ok
    (folder / "vae" / "model.safetensors").unlink()
    finding = material.tiny_model(folder)
    assert finding.ok is False
    assert finding.found == "incomplete: no vae"


def test_the_hub_cache_is_searched_for_a_whole_snapshot(tmp_path):
    assert material.turbo_model(tmp_path).ok is None
    complete_model(tmp_path / "models--stabilityai--sd-turbo" / "snapshots" / "abc")
    assert material.turbo_model(tmp_path).ok


def test_the_hub_cache_follows_its_variables(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert hub_cache() == tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "mine"))
    assert hub_cache() == tmp_path / "mine"


def test_other_models_are_listed_and_what_is_wrong_with_one():
    why = "is Stable Diffusion XL"
    models = [("tiny", "x", ""), ("a/b", "ddim, 20 steps", ""), ("c/d", "", why)]
    good, bad = material.other_models(answers(models=models))
    assert (good.what, good.found, good.ok) == ("model a/b", "ddim, 20 steps", True)
    assert (bad.what, bad.found, bad.ok) == ("model c/d", why, None)
    assert material.other_models(silence)[0].ok is None


def test_the_default_model_is_the_loaders():
    from livebend.models import default_model  # noqa: PLC0415 - imports torch

    assert material.TURBO == default_model.TURBO


def test_a_taken_port_comes_with_the_next_one():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = taken.getsockname()
        finding = devices.osc_port(address)
    assert finding.ok is None
    assert f"--osc 127.0.0.1:{address[1] + 1}" in finding.advice
    free = devices.osc_port(address)
    assert free.ok
    assert "by this machine only" in free.found
    assert "--lan --osc-allow" in free.advice


def test_a_question_is_answered_by_a_python_of_its_own():
    assert questions.ask("print('noise'); print('{\"a\": 1}')") == {"a": 1}
    with pytest.raises(NoAnswer, match="OSError: gone"):
        questions.ask("raise OSError('gone')")
    with pytest.raises(NoAnswer, match="status 3"):
        questions.ask("raise SystemExit(3)")


def test_reports_are_aligned_and_complete():
    findings = [Finding("a", "here"), Finding("long name", "not", None, "do this")]
    lines = as_text(findings).splitlines()
    assert lines == ["ok  a          here", "--  long name  not", f"{'':15}-> do this"]
    assert json.loads(as_json(findings))[1]["advice"] == "do this"
    assert healthy(findings)
    assert not healthy([*findings, Finding("b", "gone", False)])


def test_cameras():
    found = devices.cameras(lambda _: {"names": ["HD Webcam", "Cam Link 4K"]})
    assert (found.ok, found.found) == (True, "0 HD Webcam, 1 Cam Link 4K")
    assert devices.cameras(lambda _: {"names": []}).ok is None

    def broken(_):
        raise questions.NoAnswer("av is broken")

    assert devices.cameras(broken).found == "av is broken"


def test_the_real_machine_can_be_examined():
    findings = command.examine()
    assert [f.what for f in findings][:3] == ["Python", "packages", "torch"]
    assert all(f.found for f in findings)
    assert all(f.advice for f in findings if f.ok is False)
