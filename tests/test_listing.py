"""What is listed comes from the registry, and the README says the same."""

from pathlib import Path

import pytest

from livebend.cli.main import main
from livebend.cli.operator_listing import operator_table
from livebend.operators.library import all_operators

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BEGIN, END = "<!-- operators -->\n", "\n<!-- /operators -->"


def test_every_operator_has_one_line_in_the_table(capsys):
    assert main(["operators", "--markdown"]) == 0
    table = capsys.readouterr().out
    assert table == operator_table() + "\n"
    for name, operator in all_operators().items():
        (line,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"`{parameter}`" in line for parameter in operator.specs)
    columns = {line.replace("\\|", "").count("|") for line in table.splitlines()}
    assert columns == {4}


@pytest.mark.skipif(BEGIN not in README, reason="the README has no table of operators")
def test_the_readme_has_the_table_that_the_command_prints():
    assert README.partition(BEGIN)[2].partition(END)[0].strip() == operator_table()
