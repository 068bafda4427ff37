"""Operators of a performer's own, from a file on the command line."""

import inspect
import re

import pytest

from livebend.cli.main import main
from livebend.core.errors import OperatorError
from livebend.operators import user_operators
from livebend.operators.library import all_operators
from livebend.operators.user_operators import load_operators

EXAMPLE = inspect.cleandoc(
    re.search(r"\n\n(    from.*?)\n\nThe file", user_operators.__doc__, re.S)[1]
)
pytestmark = pytest.mark.usefixtures("own_operators")

HEAD = (
    "import torch\nfrom livebend.operators import operator\nfrom livebend.core.ranges import Unit\n"
)


def written(tmp_path, text):
    file = tmp_path / "mine.py"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_documented_example_joins_the_registry(tmp_path):
    assert load_operators(written(tmp_path, EXAMPLE)) == ["ghost"]
    assert all_operators()["ghost"].summary.startswith("Lay the picture's mirror image")
    assert all_operators()["ghost"].is_neutral({})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (1,\n", r"mine\.py, line 1: .*never closed"),
        ("import nosuch\n", r"mine\.py, line 1: ModuleNotFoundError: No module named 'nosuch'"),
        ("y = 1\n", r"mine\.py: no function in it is decorated"),
        (HEAD + "\ny = 1 / 0\n", r"line 5: ZeroDivisionError: division by zero"),
        (
            HEAD + "@operator('mine')\ndef rotate(x):\n    return x\n",
            r"line 4: two operators are called 'rotate'",
        ),
        (
            HEAD + "@operator('mine')\ndef Big(x):\n    return x\n",
            r"line 4: operator name 'Big': expected",
        ),
        (
            HEAD + "@operator('mine')\ndef cut(x):\n    return x[:, :1]\n",
            r"line 4: cut: made \(2, 1, 16, 16\) of \(2, 8, 16, 16\)",
        ),
        (
            HEAD + "@operator('mine')\ndef inside(x):\n    return x.mul_(2)\n",
            r"inside: wrote into its input",
        ),
        (
            HEAD + "@operator('mine')\ndef nans(x):\n    return x / 0 * 0\n",
            r"nans: made values that are not finite",
        ),
        (
            HEAD + "@operator('mine')\ndef none(x):\n    return 3\n",
            r"none: gave a int; expected a tensor",
        ),
        (
            HEAD + "@operator('mine')\ndef loose(x, amount: Unit = 0.0):\n    return x\n",
            r"loose: expected \(x, \*, parameters\)",
        ),
        (
            HEAD + "@operator('mine')\ndef bare(x, *, amount=0.0):\n    return x\n",
            r"bare: amount has no type|KeyError|line",
        ),
        (
            HEAD
            + "@operator('mine', amounts=['a'])\ndef odd(x, *, b: Unit = 0.0):\n    return x\n",
            r"odd: amounts names 'a', no parameter",
        ),
        (
            HEAD
            + "@operator('mine')\ndef broken(x):\n    y = x\n    return y @ torch.ones(3, 3)\n",
            r"line 7: RuntimeError",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line(tmp_path, text, said):
    before = dict(all_operators())
    with pytest.raises(OperatorError, match=said) as raised:
        load_operators(written(tmp_path, text))
    assert "\n" not in str(raised.value)
    assert before == all_operators()


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(OperatorError, match="no such file"):
        load_operators(tmp_path / "mine.py")


def test_the_command_line_plays_it_end_to_end(tmp_path, model_folder, capsys):
    model = ["--model", str(model_folder("turbo")), "--size", "96"]
    mine = ["--operators", str(written(tmp_path, EXAMPLE))]
    preset = tmp_path / "ghost.toml"
    preset.write_text(
        '[prompt]\ntext = "a red orb"\n[bend.it]\noperator = "ghost"\nsite = "unet.up.2"\n'
        '[route.loud]\nsource = "rms"\ntarget = "bend.it.amount"\n'
    )
    render = ["render", "demo", "--seconds", "0.2", "--frames", str(tmp_path / "frames"), *model]
    assert main([*render, "--preset", str(preset), *mine]) == 0
    assert len(list((tmp_path / "frames").iterdir())) == 4
    all_operators().pop("ghost")
    (tmp_path / "frames").rename(tmp_path / "first")
    assert main([*render, "--preset", str(preset)]) == 1
    assert "unknown bend.it.operator 'ghost'" in capsys.readouterr().err
    assert main(["operators", *mine]) == 0
    assert "ghost" in capsys.readouterr().out
    all_operators().pop("ghost")
    sweep = ["sweep", "--bend", "ghost@unet.mid", "-o", str(tmp_path / "s.png"), *model, *mine]
    assert main([*sweep, "--rows", "bend.new.amount=0,1", "--columns", "seed=1,2"]) == 0
    all_operators().pop("ghost")
    live = ["live", "--headless", "--seconds", "0.3", "--osc", "127.0.0.1:0", *model, *mine]
    assert main([*live, "--preset", str(preset)]) == 0


def test_neither_a_preset_nor_an_address_can_name_a_file(tmp_path, capsys):
    (tmp_path / "bad.toml").write_text(f'operators = "{tmp_path}/mine.py"\n')
    assert main(["render", "demo", "-o", "x.mp4", "--preset", str(tmp_path / "bad.toml")]) == 1
    assert "unknown key 'operators'" in capsys.readouterr().err
