"""The script that paints all there is to look at, and measures how evenly figure 1 turns."""

import sys

import _sheets
import numpy as np
from PIL import Image


def test_sheets_say_what_is_wrong_in_a_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "taken").write_text("")
    for arguments, said in (
        ((tmp_path / "taken",), "taken"),
        ((tmp_path / "made", "--model", tmp_path), "model"),
        ((tmp_path / "made", "--size", "0"), "0"),
    ):
        monkeypatch.setattr(sys, "argv", ["sheets", *map(str, arguments)])
        assert _sheets.main() == 1
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_evenness_is_in_multiples_of_the_median():
    shades = (0, 2, 4, 12, 2, 0)
    said = _sheets.evenness([np.full((4, 4, 3), shade, np.uint8) for shade in shades])
    assert said == (
        "a whole turn is off by 0; largest step 10.00 after 3 of 5, 5.0 times the median 2.00"
    )


def test_sheets_ask_for_all_there_is_to_look_at(tmp_path):
    asked = list(_sheets.commands(tmp_path))
    assert [a[0] for a in asked] == ["sweep"] * 13 + ["presets", "presets", "operators"]
    assert [f"paper/v{n}" for n in range(1, 8)] == [w for w in asked[13] if w.startswith("paper/")]


def test_sheets_are_painted_and_every_column_of_figure_one_is_measured(
    tmp_path, model_folder, monkeypatch, capsys
):
    monkeypatch.setattr(
        _sheets, "commands", lambda folder: [["presets", "storm", "--sheet", str(folder / "s.png")]]
    )
    monkeypatch.setattr(_sheets, "ANGLES", 4)
    monkeypatch.setattr(_sheets, "CLIP_FROM", 0.1)
    monkeypatch.setattr(_sheets, "CLIP_TO", 0.4)
    monkeypatch.setattr(
        sys, "argv",
        ["sheets", str(tmp_path / "out"), "--model", str(model_folder("turbo")), "--size", "64"],
    )  # fmt: skip
    assert _sheets.main() == 0
    assert (tmp_path / "out" / "s.png").is_file()
    assert (tmp_path / "out" / "repainted.png").stat().st_size > 1000
    with Image.open(tmp_path / "out" / "show.webp") as clip:
        assert clip.size == (3 * _sheets.CLIP_SIDE, 2 * _sheets.CLIP_SIDE)
        assert clip.n_frames >= 2
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("latent@")]
    assert len(lines) == 6
    assert all("a whole turn is off by 0;" in line for line in lines), lines
