"""Live and offline are the same path: the same sound, seed and cues give the same bytes."""

import socket
from pathlib import Path

import numpy as np
import pygame
import pytest

from livebend.cli.live_options import LiveOptions
from livebend.cli.render import RenderOptions, render
from tests.fakes import loras
from tests.fakes.live import played
from tests.fakes.osc import datagram, free_port, wait_for

CUES = """
0.1 bend.hue.angle 40
0.2 prompt.fade 0.3
0.25 prompt.text "a blue flower"
0.4 add bend turn transform latent@0.5 zoom=1.5
0.5 route.loud.high 200
0.6 remove bend turn
0.65 preset storm 0.2
0.72 bend.heart.angle 10
0.75 undo
0.9 panic
"""
PRESET = """
title = "Test"
[prompt]
text = "a red orb"
[walk]
period = 3
[bend.hue]
operator = "rotate"
site = "latent@1"
[bend.core]
operator = "rotate_pairs"
site = "unet.mid"
[bend.lines]
operator = "negate"
site = "image"
amount = 0.8
[bend.lines.mask]
kind = "scanline"
span = 0.5
[route.loud]
source = "rms"
target = "bend.hue.angle"
high = 90
[route.kick]
source = "onset.pulse"
target = "bend.core.angle"
high = 60
"""


@pytest.fixture
def files(tmp_path: Path):
    (tmp_path / "cues.txt").write_text(CUES)
    (tmp_path / "test.toml").write_text(PRESET)
    return tmp_path


def options_of(folder: Path, model: Path, **more):
    given = {
        "preset": str(folder / "test.toml"), "model": str(model), "size": (64, 64), "fps": 20.0,
        "headless": True, "seconds": 1.2, "osc": "127.0.0.1:0",
    }  # fmt: skip
    return LiveOptions(**given | more)


REUSED = (("walk.hold", 2), ("reuse.deep", 2), ("reuse.tween", 3))


@pytest.mark.parametrize("sets", [(), REUSED], ids=["exact", "reused"])
def test_live_equals_offline(files, model_folder, model, tmp_path, sets):
    ink = loras.write(tmp_path / "ink.safetensors", loras.random_layers(model))
    (files / "cues.txt").write_text(f"{CUES}0.3 lora.ink.strength 0.8\n")
    own, model = ((ink, 0.4),), model_folder("turbo")
    live, report = played(options_of(files, model, cues=files / "cues.txt", sets=sets, loras=own))
    job = RenderOptions(
        sound="demo", frames=tmp_path / "frames", preset=str(files / "test.toml"), model=str(model),
        size=(64, 64), seconds=1.2, cues=files / "cues.txt", sets=sets, loras=own,
    )  # fmt: skip
    assert render(job, print) == len(live) == 24
    for ours, path in zip(live, sorted((tmp_path / "frames").iterdir()), strict=True):
        picture = pygame.surfarray.array3d(pygame.image.load(path)).swapaxes(0, 1)
        assert np.array_equal(ours, picture), path.name
    assert len({frame.tobytes() for frame in live}) == 24
    assert report["audio_hops"] >= 1.2 * 44100 / 256 - 1
    assert report["nonfinite_frames"] == report["commands_refused"] == 0


def test_a_recorded_show_plays_again(files, model_folder, tmp_path):
    model, cues = model_folder("turbo"), tmp_path / "written.txt"
    first, _ = played(options_of(files, model, cues=files / "cues.txt", record_cues=cues))
    again, _ = played(options_of(files, model, cues=cues))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_recorded_cues_begin_with_what_the_show_opened_with(files, model_folder, tmp_path):
    model, cues = model_folder("turbo"), tmp_path / "written.txt"
    sea = (("prompt.mix.sea.text", "ocean"), ("prompt.mix.sea.weight", 0.5))
    sets = (("walk.radius", 0.6), *sea)
    opening = {"preset": "storm", "seed": 7, "sets": sets, "seconds": 0.3}
    first, _ = played(options_of(files, model, record_cues=cues, **opening))
    again, _ = played(options_of(files, model, cues=cues, seconds=0.3))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_osc_changes_the_picture_while_it_runs(files, model_folder):
    """Real datagrams to the real socket; the frame after they are folded in differs."""
    model = model_folder("turbo")
    quiet, _ = played(options_of(files, model))
    port = free_port()

    def during(show, frame):
        if frame.index == 5:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for sent in (
                    datagram("/livebend/bend/hue/angle", 120.0),
                    datagram("/livebend/nonsense", 1),
                    b"garbage",
                ):
                    sock.sendto(sent, ("127.0.0.1", port))
            wait_for(lambda: show.osc.counts.messages + show.osc.counts.garbage >= 3)

    loud, report = played(options_of(files, model, osc=f"127.0.0.1:{port}"), during)
    same = [np.array_equal(a, b) for a, b in zip(quiet, loud, strict=True)]
    assert all(same[:6])
    assert not any(same[6:])
    assert (report["garbage_packets"], report["commands_refused"]) == (1, 1)
