"""Scenes as hands play them live, and again from the cues of that show: the same bytes."""

import numpy as np
import pygame
import pytest

from livebend.cli.render import RenderOptions, render
from livebend.control.desk import Automate, preset
from livebend.scene import presets
from livebend.scene.commands import Change, Panic, Redo, Set, Store, Undo
from tests.end_to_end.test_live_is_offline import PRESET, options_of
from tests.fakes.live import played

TEMPO = (("tempo.bpm", 120.0), ("tempo.bar", 2), ("preset.quantise", "bar"),
         ("preset.fade", 1.5), ("preset.unit", "beats"))  # fmt: skip
HEARD = (("tempo.bar", 1), *TEMPO[2:])


def hands(desk, index):
    """What is sent to the desk while a frame is shown, 20 a second; a bar has 20 frames."""
    bank = desk.bank
    match index:
        case 3:
            yield preset(bank, "storm")  # waits for frame 20, and crosses over in 0.75 s
        case 6:
            yield preset(bank, "tide")
        case 10:
            yield preset(bank, "storm")  # this one comes
        case 38:
            yield Automate("walk.radius", 1)  # from frame 40 to 60
        case 41 | 44 | 45 | 46 | 50 | 51 | 57:
            yield Set("walk.radius", 0.1 + 0.4 * (index % 3))
        case 58:
            yield preset(bank, "tide", other=True)
            yield Change("crossfade.position", plus=0.3)
        case 64:
            yield Store(30)
        case 66:
            yield preset(bank, 30, 0.2, other=True)  # that is heard: waits for frame 80
        case 68:
            yield Change("crossfade.position", plus=0.4)
            yield Set("prompt.text", "a blue flower")  # of tide, which is nearer now
        case 84:
            yield Undo()
        case 86:
            yield Redo()
        case 88:
            yield Set("crossfade.position", 0.1)
        case 90:
            yield Automate("crossfade.position", 1)
        case 96:
            yield Panic()


def show(folder, model, **more):
    """A show in which hands begin with the first frame that has a tempo."""
    began = []

    def during(show, frame):
        if began or show.status.get().features.bpm:
            began.append(frame.index)
            for action in hands(show.desk, frame.index - began[0]):
                assert show.desk.send(action)

    frames, report = played(options_of(folder, model, **more), during)
    assert report["commands_refused"] == report["nonfinite_frames"] == 0
    assert len(began) > 97
    return frames


@pytest.mark.parametrize(("sets", "seconds"), [(TEMPO, 5.0), (HEARD, 9.0)], ids=["set", "heard"])
def test_what_hands_played_is_rendered_again(tmp_path, monkeypatch, model_folder, sets, seconds):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path / "presets")
    (tmp_path / "test.toml").write_text(PRESET)
    model, cues = model_folder("turbo"), tmp_path / "cues.txt"
    live = show(tmp_path, model, sets=sets, seconds=seconds, record_cues=cues)
    text = cues.read_text()
    job = RenderOptions(
        sound="demo", frames=tmp_path / "frames", preset=str(tmp_path / "test.toml"), fps=20.0,
        model=str(model), size=(64, 64), seconds=seconds, cues=cues, sets=sets,
    )  # fmt: skip
    assert render(job, print) == len(live) == seconds * 20
    for ours, path in zip(live, sorted((tmp_path / "frames").iterdir()), strict=True):
        picture = pygame.surfarray.array3d(pygame.image.load(path)).swapaxes(0, 1)
        assert np.array_equal(ours, picture), path.name
    assert len({frame.tobytes() for frame in live}) == len(live)
    if sets is TEMPO:
        assert _times(text, "preset storm") == [1.0]
        assert _times(text, "preset tide") == []
        assert _times(text, "cross stored-30 0.2") == [4.0]
        assert len(_times(text, "replace loop walk-radius walk.radius")) == 1


def _times(cues, command):
    return [float(line.split()[0]) for line in cues.splitlines() if f" {command}" in line]
