"""Shows over a picture: from a file or a camera to the frame."""

from dataclasses import replace

import numpy as np
import pygame
import pytest
import safetensors.torch

from livebend.cli.main import main
from livebend.cli.render import RenderOptions, render
from livebend.core.errors import ModelError, PictureError
from livebend.models import checkpoint
from livebend.video import devices, film
from tests.end_to_end.test_live_is_offline import files, options_of
from tests.fakes.live import live, played
from tests.fakes.pictures import write_film
from tests.video.test_camera import CAM, Device

assert files  # the fixture: a preset and cues

SETS = (("picture.strength", 0.5), ("sampling.steps", 2))


def test_a_live_film_equals_a_rendered_one(files, model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "WAIT", 60.0)
    clip = write_film(tmp_path / "clip.mp4", 7, fps=8, size=(160, 96))
    with (files / "test.toml").open("a") as preset:
        preset.write('[route.dive]\nsource="rms"\ntarget="picture.zoom"\nhigh=0.5\n')
    both = {"sets": SETS, "picture": str(clip), "cues": files / "cues.txt"}
    (files / "cues.txt").write_text("0.3 picture.strength 0.8\n0.6 picture.on 0\n0.8 panic\n")
    shown, report = played(options_of(files, model_folder("turbo"), **both))
    job = RenderOptions(
        sound="demo", frames=tmp_path / "frames", preset=str(files / "test.toml"), size=(64, 64),
        model=str(model_folder("turbo")), seconds=1.2, **both,
    )  # fmt: skip
    assert render(job, print) == len(shown) == 24
    for ours, path in zip(shown, sorted((tmp_path / "frames").iterdir()), strict=True):
        picture = pygame.surfarray.array3d(pygame.image.load(path)).swapaxes(0, 1)
        assert np.array_equal(ours, picture), path.name
    assert report["nonfinite_frames"] == report["commands_refused"] == 0


def test_a_camera_drives_the_show(files, model_folder, monkeypatch):
    """Only the newest picture counts; while none comes the last one stays, and no frame waits."""
    device = Device()
    there = [device]

    def opened(_):
        if not there:
            raise PictureError("HD Webcam: cannot be opened: No such device")
        return there.pop()

    monkeypatch.setattr(devices, "open_device", opened)
    monkeypatch.setattr("livebend.video.open_picture.DEVICES", {"camera": lambda _: CAM})
    device.put(40)
    mutes = [(f"{part}.mute", True) for part in ("route.loud", "route.kick", "bend.lines")]
    still = (("walk.radius", 0.0), *mutes)

    def during(show, frame):
        if frame.index == 5:
            device.put(200)
            show.pictures.source._latest.wait_newer(0, 60.0)
        if frame.index == 8:
            device.frames.put(None)  # unplugged

    options = options_of(files, model_folder("turbo"), picture="camera", sets=(*SETS, *still))
    shown, report = played(replace(options, seconds=0.6), during)
    made = [frame.tobytes() for frame in shown]
    assert len(set(made[:6])) == len(set(made[6:])) == 1
    assert made[0] != made[-1]
    assert device.closed.is_set()
    assert any("HD Webcam is lost" in notice["text"] for notice in report["notices"])


def test_what_is_not_there_is_refused_before_the_model_loads(
    files, model_folder, monkeypatch, capsys, tmp_path
):
    def load(*_, **__):
        raise AssertionError("the model was loaded")

    folder = model_folder("turbo")
    monkeypatch.setattr("livebend.rendering.open_network.load_model", load)
    monkeypatch.setattr("livebend.video.devices.list_cameras", list)
    for name, said in (("camera", "no camera is there"), ("none.mp4", "no such file")):
        with pytest.raises(PictureError, match=said):
            live(options_of(files, folder, picture=name)).play()
        command = ["render", "demo", "-o", str(tmp_path / "a.mp4"), "--model", str(folder)]
        assert main([*command, "--picture", name]) == 1
    assert "livebend: --picture" in capsys.readouterr().err


def test_a_decoder_without_an_encoder_is_refused_by_its_header(model_folder, tmp_path):
    file = model_folder("turbo") / "vae" / "diffusion_pytorch_model.safetensors"
    state = {n: t for n, t in safetensors.torch.load_file(file).items() if n.startswith("dec")}
    safetensors.torch.save_file(state, tmp_path / "bare.safetensors")
    wanted = checkpoint.Wanted(str(model_folder("turbo")), vae=str(tmp_path / "bare.safetensors"))
    checkpoint.find_model(wanted)
    with pytest.raises(ModelError, match="without an encoder, which --picture needs"):
        checkpoint.find_model(replace(wanted, encoder="vae"))
    checkpoint.find_model(replace(wanted, encoder="own"))
