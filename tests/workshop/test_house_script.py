"""The script that measures the package: on one made up here, whose figures are known, and on us."""

import json
import os
import subprocess
import sys

import pytest

from tests import ROOT

SCRIPT = ROOT / "scripts" / "house"
FILES = {
    "__init__.py": '"""A label: no file to go through."""\n\n__version__ = "1"\n',
    "py.typed": "",
    "flow.py": """
        import typing
        from typing import TYPE_CHECKING
        from livebend import __version__

        if TYPE_CHECKING:
            from livebend.cli import main
        if typing.TYPE_CHECKING:
            import livebend.cli
        else:
            main = None

        def tick():
            from livebend.audio import sound
            return sound
    """,
    "audio/__init__.py": '"""Another label."""\n',
    "audio/data.json": "{}",
    "audio/sound.py": """
        import json
        from livebend.audio import beat
        from livebend.audio.beat import Beat
    """,
    "audio/beat.py": '''
        from typing import overload

        from .sound import hear

        class Beat:
            """A beat."""

            @property
            def phase(self):
                return 0

            def __len__(self):
                def nested():
                    pass
                return 4

            def _own(self):
                pass

        @overload
        def count(beat: int): ...
        @overload
        def count(beat: str): ...
        def count(beat):
            """Count."""
    ''',
    "cli/__init__.py": "from livebend.cli import options as main\n",
    "cli/options.py": """
        @decorated
        def parse(
            words,
        ):
            import livebend.audio.sound
            from ..flow import tick
    """,
    "__pycache__/gone.cpython-311.pyc": "",
    "left/__pycache__/gone.cpython-311.pyc": "",
}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def measured(*arguments: object) -> dict:
    done = run("--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def checkout(tmp_path):
    """A checkout with three wings of the known order."""
    for name, text in FILES.items():
        file = tmp_path / "livebend" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedented(text))
    return tmp_path


def dedented(text: str) -> str:
    """The text without the margin it has in FILES."""
    lines = (line.removeprefix("        ") for line in text.removeprefix("\n").split("\n"))
    return "\n".join(lines).rstrip(" ")


def test_floors_are_of_files_and_of_wings(checkout):
    house = measured(checkout)
    circle = ["audio/beat.py", "audio/sound.py"]
    assert house["entries"] == 3
    assert house["circles"] == [circle]
    assert house["chain"] == ["cli/__init__.py", "cli/options.py", "flow.py", " + ".join(circle)]
    assert house["floors"] == 4
    assert house["wing_chain"] == ["cli", "flow", "audio"]
    assert house["wing_floors"] == 3


def test_imports_count_once_a_pair_and_not_for_types(checkout):
    house = measured(checkout)
    assert house["imports"] == 6
    assert house["crossings"] == 3
    assert house["back_imports"] == [["flow.py", "audio/sound.py"]]


def test_sizes_are_in_lines(checkout):
    house = measured(checkout)
    assert house["functions"]["count"] == 9
    assert house["functions"]["median"] == 2
    assert house["functions"]["p90"] == 5
    assert house["functions"]["largest"] == {"lines": 5, "name": "parse", "file": "cli/options.py"}
    assert house["files"]["count"] == 7
    assert house["files"]["median"] == 3
    assert house["files"]["largest"]["file"] == "audio/beat.py"
    texts = [dedented(text) for name, text in FILES.items() if name.endswith(".py")]
    assert house["lines"] == sum(text.count("\n") for text in texts)


def test_what_has_no_docstring_is_named(checkout):
    assert measured(checkout)["undocumented"] == [
        "audio/beat.py: Beat.phase",
        "cli/options.py: parse",
        "flow.py: tick",
    ]


def test_a_package_of_the_checkout_is_no_label_once_it_does_something(checkout):
    label = checkout / "livebend" / "audio" / "__init__.py"
    label.write_text("from livebend.audio.sound import hear\n")
    assert measured(checkout)["imports"] == 7
    (checkout / "livebend" / "flow.py").write_text("from livebend.audio import hear\n")
    assert measured(checkout)["back_imports"] == [["flow.py", "audio/__init__.py"]]


def test_back_imports_need_the_known_wings(checkout):
    assert "back imports            1\n    flow.py imports audio/sound.py" in run(checkout).stdout
    (checkout / "livebend" / "verbs.py").write_text("")
    assert measured(checkout)["back_imports"] is None
    assert "not defined for this layout" in run(checkout).stdout


@pytest.mark.parametrize("text", [None, "def broken(:\n"])
def test_what_cannot_be_measured_is_one_line(tmp_path, text):
    if text is not None:
        (tmp_path / "livebend").mkdir()
        (tmp_path / "livebend" / "flow.py").write_text(text)
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("house: ")
    assert done.stderr.count("\n") == 1


def test_it_measures_the_project_it_lies_in(tmp_path):
    assert SCRIPT.read_text().startswith("#!/usr/bin/env python3\n")
    assert os.access(SCRIPT, os.X_OK)
    house = measured()
    assert house["floors"] == len(house["chain"]) > 1
    assert house["files"]["count"] == len(list((ROOT / "livebend").rglob("*.py")))
    assert f"entries at the top      {house['entries']}\n" in run().stdout
    assert measured(ROOT) == house
