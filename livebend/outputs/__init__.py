"""Where frames go. An output is one file here and one line of this table.

A name stands for "module:Class", imported only when it is chosen.
"""

import os
from importlib import import_module

from livebend.core.errors import MissingPackage, UnknownName

OUTPUTS = {
    "window": "livebend.outputs.window:Window",
    "headless": "livebend.outputs.headless:Headless",
    "video": "livebend.outputs.video:Recording",
    "live-video": "livebend.outputs.live_video:LiveRecording",
    "images": "livebend.outputs.images:Images",
}

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # pygame greets on stdout, JSON goes there


def find_output(name: str) -> type:
    """Return the class of an output.

    Raises: UnknownName, and MissingPackage where a package that it needs is not installed.
    """
    if name not in OUTPUTS:
        raise UnknownName("output", name, OUTPUTS)
    module, _, attribute = OUTPUTS[name].partition(":")
    try:
        found: type = getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        raise MissingPackage(missing.name or module, f"the output {name}") from missing
    return found
