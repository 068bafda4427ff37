"""A wheel holds every room of the package, the presets and the embedded model."""

import tomllib
from importlib import import_module

from tests import ROOT

SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_folder_is_packed():
    folders = {f.parent for f in (ROOT / "livebend").rglob("*.py")}
    rooms = {".".join(f.relative_to(ROOT).parts) for f in folders}
    assert set(SETUP["packages"]) == rooms | {"livebend.preset_files"}
    assert (ROOT / SETUP["package-dir"]["livebend.preset_files"] / "default.toml").is_file()


def test_the_command_is_a_function_that_can_be_called():
    with (ROOT / "pyproject.toml").open("rb") as file:
        module, _, name = tomllib.load(file)["project"]["scripts"]["livebend"].partition(":")
    assert callable(getattr(import_module(module), name))
