"""A contact sheet shows presets at moments of the music, with envelopes as in a show."""

import numpy as np

from livebend.cli.contact_sheet import write_contact_sheet
from livebend.cli.options import SceneOptions


def written(folder, model_folder, *names):
    options = SceneOptions(model=str(model_folder("turbo")), size=(64, 64), dtype="float32")
    return write_contact_sheet(folder / "s.png", names, options, print)


def test_every_preset_at_every_moment(tmp_path, model_folder, monkeypatch):
    drawn = {}

    def write(path, cells, rows, columns):
        drawn.update(cells=cells, rows=list(rows), columns=list(columns))

    monkeypatch.setattr("livebend.cli.contact_sheet.write_sheet", write)
    monkeypatch.setattr("livebend.cli.contact_sheet.MOMENTS", (0.2, 0.5))
    assert written(tmp_path, model_folder, "storm", "tide") == 4
    assert (drawn["rows"], drawn["columns"]) == (["storm", "tide"], ["0.2 s", "0.5 s"])
    pictures = [cell for row in drawn["cells"] for cell in row]
    assert len({p.tobytes() for p in pictures}) == 4
    assert all(p.shape == (64, 64, 3) and p.dtype == np.uint8 for p in pictures)


def test_a_prompt_that_came_between_two_moments_has_faded_in(tmp_path, model_folder, monkeypatch):
    """At the last moment everything is as if every frame had been painted."""
    drawn = []
    monkeypatch.setattr(
        "livebend.cli.contact_sheet.write_sheet", lambda _, cells, *__: drawn.extend(cells)
    )
    for moments in ((2.0,), tuple(n / 20 for n in range(41))):
        monkeypatch.setattr("livebend.cli.contact_sheet.MOMENTS", moments)
        written(tmp_path, model_folder, "paper/v7")
    few, many = (row[-1] for row in drawn)
    assert np.array_equal(few, many)
