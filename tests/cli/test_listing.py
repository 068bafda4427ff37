"""What is listed comes from the registry, and the README says the same."""

import json
import subprocess
import sys
from typing import get_args

from livebend.cli.limit_listing import limit_table
from livebend.cli.main import main
from livebend.cli.operator_listing import operator_table
from livebend.cli.parameter_listing import parameter_tables
from livebend.cli.source_listing import TITLES, source_tables
from livebend.core import limits
from livebend.modulation.curves import CURVES
from livebend.modulation.sources import SOURCES
from livebend.operators.library import all_operators
from livebend.scene import paths, presets
from livebend.scene.values import Edge
from tests import ROOT


def between(file, name):
    """What stands in a file between the marks of that name."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0].strip()


def test_every_operator_has_one_line_in_the_table(capsys):
    assert main(["operators", "--markdown"]) == 0
    table = capsys.readouterr().out
    assert table == operator_table() + "\n"
    for name, operator in all_operators().items():
        (line,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"`{parameter}`" in line for parameter in operator.specs)
    columns = {line.replace("\\|", "").count("|") for line in table.splitlines()}
    assert columns == {4}


def test_the_tables_in_the_readmes_are_those_that_the_commands_print():
    assert between("livebend/operators/README.md", "operators") == operator_table()
    assert between("livebend/modulation/README.md", "sources") == source_tables()
    assert between("livebend/control/README.md", "limits") == limit_table()
    tables = parameter_tables(presets.load("default"))
    assert between("livebend/control/PARAMETERS.md", "parameters") == tables


def test_limits_are_listed(capsys):
    assert main(["limits", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"most": "64 bends", "of": "a scene"} in rows
    assert len(rows) == len(limits.TABLE)
    assert main(["limits", "--markdown"]) == 0
    assert capsys.readouterr().out.strip() == limit_table()


def test_parameters_are_those_of_a_preset(capsys):
    assert main(["parameters", "--json", "--preset", "storm"]) == 0
    rows = {row["path"]: row for row in json.loads(capsys.readouterr().out)}
    scene = presets.load("storm")
    assert {path for path, _ in paths.every(scene)} < set(rows)
    assert rows["prompt.text"]["value"] == scene.prompt.text
    assert rows["walk.period"] == {
        "path": "walk.period", "address": "/livebend/walk/period", "access": "value",
        "type": "float", "value": scene.walk.period, "default": 20.0, "low": 0, "high": 3600,
        "soft": [0, 60], "unit": "s", "curve": "linear", "choices": None, "takes": None,
        "about": "time of one round; 0 = stand still",
    }  # fmt: skip
    assert rows["bend.add"]["takes"] == "NAME OPERATOR SITE [key value …]"
    assert (rows["meter.rms"]["access"], rows["output.blackout"]["type"]) == ("reading", "bool")
    assert main(["parameters"]) == 0
    assert "walk.period" in capsys.readouterr().out


def test_sources_curves_and_edges_are_listed(capsys):
    assert main(["sources", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    listed = {use: [r["name"] for r in rows if r["for"] == use] for use in TITLES}
    assert listed == {"source": [*SOURCES], "curve": [*CURVES], "edge": [*get_args(Edge)]}
    assert all(row["about"] for row in rows)
    assert main(["sources", "--markdown"]) == 0
    assert capsys.readouterr().out.strip() == source_tables()


def test_presets_and_their_costs_are_listed_without_torch():
    look = (
        "import sys; from livebend.cli.main import main; main(['presets', '--json']);"
        " sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"reruns": "100 %"' in done.stdout
