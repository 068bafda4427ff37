"""OpenVINO without its converter, which takes two thirds of the import and is not used here.

With it come a parser of command lines, readers for other frameworks and a reporter of its use. The
package does without where its converter cannot be imported, as on a machine that lacks it.
"""

import sys
import threading
from importlib import import_module
from types import ModuleType

CONVERTER = "openvino.tools.ovc"

_lock = threading.Lock()


def import_openvino() -> ModuleType:
    """Return OpenVINO's package, any thread; its converter can still be imported by its own name.

    Raises: ImportError where it is not installed.
    """
    with _lock:
        if "openvino" in sys.modules or CONVERTER in sys.modules:
            return import_module("openvino")
        sys.modules[CONVERTER] = None  # type: ignore[assignment]  # cannot be imported, to Python
        try:
            return import_module("openvino")
        finally:
            del sys.modules[CONVERTER]
