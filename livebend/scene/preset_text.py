"""A scene as text, and text as a scene: what a preset file holds, and what is copied and pasted.

The text may come from anybody: it is bounded before it is read, and nothing in it is evaluated.
"""

import re
import tomllib
from typing import Any

import tomli_w

from livebend.core import limits
from livebend.core.errors import LONGEST, LivebendError, PresetError
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Scene

PASTED = "the pasted text"
# TOML's reader takes time and memory with the square of a key's parts.
DEEP_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:"[^"\n]*"|'[^'\n]*'|[\w-]++)[ \t]*+\.[ \t]*+){{{limits.PRESET_DEPTH}}}"""
)


def text_of(scene: Scene, about: str = "") -> str:
    """Return a scene as the text of a preset, which `scene_in` reads back to an equal scene."""
    table = table_of(scene)
    head = {"title": table.pop("title")} | ({"about": about} if about else {})
    return tomli_w.dumps(head | table)


def scene_in(text: str, where: str = PASTED, title: str = "") -> Scene:
    """Return the scene that a text describes; `title` is used where it has none.

    where: what a refusal calls the text.
    Raises: PresetError, with the key, the value and what is allowed.
    """
    try:
        return scene_from(table_in(text, where), title)
    except PresetError:
        raise
    except LivebendError as why:
        raise PresetError(f"{where}: {why}") from why


def table_in(text: str, where: str = PASTED) -> dict[str, Any]:
    """Return the table in a text, its keys unchecked. Raises: PresetError, as `scene_in`."""
    if len(text) > limits.PRESET_BYTES or len(text.encode(errors="replace")) > limits.PRESET_BYTES:
        raise PresetError(f"{where}: more than {limits.PRESET_BYTES // 1024} KiB: expected less")
    if DEEP_KEY.search(text):
        raise PresetError(f"{where}: a key of more than {limits.PRESET_DEPTH} parts")
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))  # that some editors put first
    except RecursionError as why:
        raise PresetError(f"{where}: not TOML: nested too deeply") from why
    except ValueError as why:  # also for a number with more digits than Python reads
        fault = str(why).partition("\n")[0][:LONGEST]
        raise PresetError(f"{where}: not TOML: {fault}") from why
