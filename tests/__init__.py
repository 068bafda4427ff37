"""Tests follow the wings of the package; what several of them fake or measure is in `fakes`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"
