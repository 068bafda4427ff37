"""Bad input: one line that says what was got and what is allowed; nothing is left behind."""

import struct

import pytest

from livebend.cli.main import main

GOOD = '[prompt]\ntext = "flames"\n'
BEND = '[bend.b]\noperator = "{}"\nsite = "{}"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.wav").write_bytes(b"RIFF" + bytes(range(256)) * 8)
    (tmp_path / "empty.ogg").write_bytes(b"")
    (tmp_path / "broken.toml").write_text("[prompt\n")
    (tmp_path / "key.toml").write_text("[promt]\n")
    (tmp_path / "range.toml").write_text(BEND.format("rotate", "unet.mid") + "angle = 400\n")
    (tmp_path / "kind.toml").write_text("seed = 'x'\n")
    (tmp_path / "operator.toml").write_text(BEND.format("rotat", "unet.mid"))
    (tmp_path / "site.toml").write_text(BEND.format("rotate", "unet.middle"))
    (tmp_path / "depth.toml").write_text(BEND.format("rotate", "latent@7"))
    (tmp_path / "channels.toml").write_text(BEND.format("add", "image") + 'channels = "low"\n')
    many = (BEND.replace("bend.b", f"bend.b{n}").format("add", "image") for n in range(65))
    (tmp_path / "many.toml").write_text("".join(many))
    (tmp_path / "digits.toml").write_text("seed = " + "9" * 5000)
    (tmp_path / "target.toml").write_text(
        '[route.r]\nsource = "rms"\ntarget = "walk.radios"\n' + GOOD
    )
    (tmp_path / "cues.txt").write_text("0.5 walk.radios 3\n")
    (tmp_path / "model").mkdir()
    return tmp_path


CASES = [
    (["render", "nothere.wav"], "nothere.wav: no such file"),
    (["render", "noise.wav"], "noise.wav: cannot be read as sound"),
    (["render", "empty.ogg"], "empty.ogg: cannot be read as sound"),
    (["render", "demo", "--preset", "strom"], "unknown preset 'strom'; did you mean 'storm'?"),
    (["render", "demo", "--preset", "nothere.toml"], "nothere.toml"),
    (["render", "demo", "--preset", "broken.toml"], "broken.toml: "),
    (["render", "demo", "--preset", "key.toml"], "key.toml: unknown key 'promt'; did you mean"),
    (["render", "demo", "--preset", "range.toml"],
     "range.toml: bend.b.angle = 400: expected -360..360 deg"),
    (["render", "demo", "--preset", "kind.toml"], "kind.toml: seed = 'x': expected whole number"),
    (["render", "demo", "--preset", "operator.toml"], "'rotat'; did you mean 'rotate'?"),
    (["render", "demo", "--preset", "site.toml"], "'unet.middle'; did you mean"),
    (["render", "demo", "--preset", "depth.toml"], "expected latent@0..1"),
    (["render", "demo", "--preset", "target.toml"], "did you mean 'walk.radius'?"),
    (["render", "demo", "--cues", "cues.txt"], "cues.txt:1: "),
    (["render", "demo", "--cues", "nothere.txt"], "nothere.txt: cannot be read"),
    (["render", "demo", "--preset", "channels.toml"], "channels = 'low': expected all, 0-3"),
    (["render", "demo", "--preset", "many.toml"], "65 bends: expected up to 64"),
    (["render", "demo", "--preset", "digits.toml"], "digits.toml: not TOML: "),
    (["render", "demo", "--size", "5000"], "5000x5000: expected 1..4096 pixels a side"),
    (["render", "demo", "--size", "256x"], "'256x': expected 256 or 512x320"),
    (["render", "demo", "--seed", "9" * 5000], "expected a whole number"),
    (["render", "demo", "-o", "missing/out.mp4"], "the folder 'missing' does not exist"),
    (["render", "demo", "-o", "out.avi"], "out.avi: ends in '.avi'; expected one of .mp4"),
    (["render", "demo", "--frames", "missing/frames"], "the folder 'missing' does not exist"),
    (["render", "demo", "--model", "nothere"], "unknown model 'nothere'"),
    (["render", "demo", "--model", "model"], "has no model_index.json"),
    (["render", "demo", "--set", "walk.radius=9"], "walk.radius = 9: expected 0..4"),
    (["render", "demo", "--fps", "0"], "--fps 0: expected a number above 0"),
    (["live", "--input", "nothere.wav"], "nothere.wav: no such file"),
    (["live", "--osc", "nonsense"], "expected HOST:PORT"),
    (["live", "--osc-allow", "router"], "expected an address or a network"),
    (["live", "--size", "0"], "0x0: expected 1..4096 pixels a side"),
    (["live", "--fps", "fast"], "argument --fps: 'fast': expected a number; see livebend live"),
    (["live", "--record", "missing/show.mp4"], "--record 'missing/show.mp4': the folder"),
    (["live", "--record", "show.gif"], "show.gif: ends in '.gif'; expected one of .mp4"),
    (["live", "--record-cues", "missing/cues.txt"], "--record-cues 'missing/cues.txt': the folder"),
    (["live", "--stats", "missing/stats.json"], "--stats 'missing/stats.json': the folder"),
    (["live", "--stats", "model"], "--stats 'model': is a folder; expected the name of a file"),
    (["live", "--cues", "cues.txt"], "cues.txt:1: "),
    (["live", "--record", "show.mp4", "--osc", "192.0.2.1:8000"], "192.0.2.1:8000"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), CASES, ids=[" ".join(c[0])[:60] for c in CASES])
def test_one_line_before_the_model_is_loaded_and_nothing_left(
    arguments, said, folder, model_folder, capsys, monkeypatch
):
    before = sorted(folder.iterdir())
    monkeypatch.setattr("livebend.rendering.open_network.load_model", None)
    if "--model" not in arguments:
        arguments = [*arguments, "--model", str(model_folder("turbo"))]
    capsys.readouterr()
    if "--size" not in arguments:
        arguments = [*arguments, "--size", "96"]
    if arguments[0] == "live":
        arguments = [*arguments, "--headless", "--seconds", "1"]
        arguments += [] if "--osc" in arguments else ["--osc", "127.0.0.1:0"]
    else:
        arguments += [] if "-o" in arguments else ["-o", "out.mp4"]
        arguments += [] if "--frames" in arguments else ["--frames", "frames"]
        arguments += ["--seconds", "0.1"]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert error.startswith("livebend: ")
    assert said in error
    assert sorted(folder.iterdir()) == before


def test_a_size_that_is_no_multiple_is_moved_and_said(folder, model_folder, capsys):
    arguments = ["render", "demo", "--model", str(model_folder("turbo")), "--seconds", "0.1"]
    assert main([*arguments, "--size", "100x66", "--frames", "frames"]) == 0
    said = capsys.readouterr().err
    assert "livebend: size 100x66: 96x64 is the nearest in steps of 8\n" in said
    with (folder / "frames" / "frame_000000.png").open("rb") as picture:
        assert struct.unpack(">II", picture.read(24)[16:]) == (96, 64)
