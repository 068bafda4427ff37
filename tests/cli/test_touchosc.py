"""The layout for TouchOSC: valid, and every address in it is one that livebend knows."""

from xml.etree import ElementTree

import pytest

from livebend.cli.main import main
from livebend.control.osc_addresses import read
from livebend.control.parameters import tree_of
from livebend.outputs.display import Display
from livebend.scene import presets
from livebend.scene.values import Bend, Scene
from tests import ROOT
from tests.fakes.desk import FakeBank

py2tosc = pytest.importorskip("py2tosc")
made = pytest.importorskip("livebend.cli.touchosc_layout")
layout, drawing = made.layout, made.drawing
NAMES = ("default", "storm", "paper/v1")
MANY = Scene("Many", bends=tuple(Bend(f"b{n}", "rotate", "unet.mid") for n in range(11)))


def sent(document):
    """(address, constant arguments) of every message in a layout."""
    for control in document.root.walk():
        for message in control.messages:
            path = "".join(part.value for part in message.path)
            given = [float(a.value) for a in message.arguments if a.type == "CONSTANT"]
            yield path, given or [0.5], message.send


@pytest.mark.parametrize("scene", [*map(presets.load, NAMES), MANY], ids=lambda s: s.title)
def test_a_layout_is_valid_and_all_that_it_sends_is_understood(scene):
    document, tree = layout(scene), tree_of(scene, Display.specs)
    assert document.validate() == []
    count = 0
    for address, arguments, sends in sent(document):
        count += 1
        if not sends:
            assert address in tree.addresses
        elif not address.endswith(("/preset", "/preset/recall", "/crossfade/to")):
            assert read(address, arguments, tree, FakeBank()) is not None, address
    assert count > 25
    names = {address for address, _, _ in sent(document)}
    for bend in scene.bends:
        assert f"/livebend/bend/{bend.name}/mix/play" in names


def test_more_bends_than_fit_go_to_further_pages():
    (pager,) = layout(MANY).find_all(type="PAGER")
    assert [page.name for page in pager.children] == [
        "Play", "Bends 1", "Bends 2", "Prompts", "Scenes", "Other side", "Store",
    ]  # fmt: skip


def test_it_is_written_and_read_by_the_library(tmp_path, capsys):
    file = tmp_path / "show.tosc"
    assert main(["touchosc", "-o", str(file), "--preset", "storm"]) == 0
    assert "send 8000" in capsys.readouterr().err
    assert py2tosc.load(str(file)).validate() == []
    assert main(["touchosc", "-o", str(tmp_path / "none" / "x.tosc")]) == 1
    assert "does not exist" in capsys.readouterr().err


PICTURE = ROOT / ".pictures" / "touchosc.svg"
COMMAND = "touchosc -o touchosc.svg --preset storm"


def test_the_picture_in_the_readme_is_what_its_command_draws(tmp_path, monkeypatch):
    text = (ROOT / "livebend/control/README.md").read_text(encoding="utf-8")
    assert f"(../../.pictures/{PICTURE.name})" in text
    assert f"scripts/livebend {COMMAND}\n" in text
    monkeypatch.chdir(tmp_path)
    assert main(COMMAND.split()) == 0
    drawn = (tmp_path / PICTURE.name).read_text(encoding="utf-8")
    assert drawn == PICTURE.read_text(encoding="utf-8"), "draw it again by that command"


def test_a_drawing_has_every_page():
    picture = ElementTree.fromstring(drawing(MANY))
    assert picture.tag.endswith("svg")
    assert len([part for part in picture if part.tag.endswith("svg")]) == 7
