"""The scripts can be started by any Python, which is told what it needs."""

import ast
import os

import pytest

from tests import SCRIPTS

STARTED = ("livebend", "test", "check", "bench", "sheets", "soak", "flood")


@pytest.mark.parametrize("name", STARTED)
def test_a_script_can_be_started(name):
    file = SCRIPTS / name
    assert file.read_text().startswith("#!/usr/bin/env python3\n")
    assert os.access(file, os.X_OK)


@pytest.mark.parametrize("name", [*STARTED, "_setup.py"])
def test_what_an_old_python_reads_is_written_for_it(name):
    text = (SCRIPTS / name).read_text(encoding="utf-8")
    assert ast.parse(text, feature_version=(3, 7)).body
