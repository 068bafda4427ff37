"""A strip of pictures for every operator."""

import pytest

from livebend.cli.operator_strips import SCENE, SHOWN, candidates, good_site, shown, write_strips
from livebend.cli.options import NetworkOptions
from livebend.core.errors import Refused
from livebend.operators.library import all_operators
from livebend.rendering.network import Network
from livebend.rendering.painter import Painter
from livebend.scene import edit
from livebend.scene.values import Bend
from tests.fakes.sheets import cells_of, count_of


def small(model_folder):
    return NetworkOptions(model=str(model_folder("turbo")), size=(64, 64))


def test_every_operator_has_a_strip(tmp_path, model_folder, monkeypatch):
    names = ("rotate_pairs", "binary", "dilate", "flip", "feedback", "second_prompt", "transform")
    some = {name: all_operators()[name] for name in names}
    monkeypatch.setattr("livebend.cli.operator_strips.all_operators", lambda: some)
    folder = tmp_path / "strips"
    assert write_strips(folder, small(model_folder), print) == len(some)
    assert {file.stem for file in folder.iterdir()} == set(some)
    for name, operator in some.items():
        cells = cells_of(folder / f"{name}.png")
        assert [len(row) for row in cells] == [1 + len(shown(operator, "image"))], name
        assert count_of(cells) == len(cells[0]), name


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, model_folder):
    (tmp_path / "taken").write_text("")
    with pytest.raises(Refused, match="cannot be written"):
        write_strips(tmp_path / "taken", small(model_folder), print)


@pytest.mark.parametrize("name", sorted(all_operators()))
def test_an_operator_is_played_from_neutral_to_the_end_of_its_way(name):
    operator = all_operators()[name]
    neutral, half, whole = (edit.main_at(Bend("b", name, "unet.mid"), s) for s in (0.0, 0.5, 1.0))
    assert operator.is_neutral(neutral.values) or neutral.mix == 0.0
    assert half != whole
    for bend in (half, whole):
        for key, value in bend.values.items():
            assert operator.specs[key].check(value, key) == value


def test_the_site_is_one_where_the_operator_shows(model):
    network = Network(model, 64, 64)
    paint = Painter(network)
    turn, cross = all_operators()["rotate_pairs"], all_operators()["second_prompt"]
    assert good_site(turn, paint, paint(SCENE)) in candidates(turn, network.sites)
    assert not any(".skip." in site for site in candidates(turn, network.sites))
    assert good_site(cross, paint, paint(SCENE)) == "unet.text"


def test_what_is_shown_otherwise_is_within_its_range():
    for name, chosen in SHOWN.items():
        assert len(shown(all_operators()[name], "image")) == len(chosen) > 2
        for values in chosen:
            for key, value in values.items():
                assert all_operators()[name].specs[key].check(value, key) == value


def test_a_label_says_what_differs(monkeypatch, tmp_path, model_folder):
    written = []
    only = {"ablate": all_operators()["ablate"]}
    monkeypatch.setattr("livebend.cli.operator_strips.all_operators", lambda: only)
    monkeypatch.setattr(
        "livebend.cli.operator_strips.write_sheet", lambda *given: written.append(given[3])
    )
    write_strips(tmp_path / "s", small(model_folder), print)
    ways = ("elements", "channels", "rows", "columns")
    assert written == [["before", *(f"over {way}" for way in ways)]]
