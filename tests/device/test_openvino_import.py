"""OpenVINO is imported without its converter, which can be imported afterwards."""

import subprocess
import sys

SPARE = "openvino.tools.ovc openvino_telemetry openvino.frontend.tensorflow"
IMPORTED = f"""
import sys
from livebend.device.openvino_import import import_openvino
openvino = import_openvino()
assert openvino is import_openvino() is sys.modules["openvino"]
assert "CPU" in openvino.Core().available_devices
print(*(name for name in "{SPARE}".split() if name in sys.modules))
from openvino.tools.ovc import convert_model
assert callable(convert_model)
assert import_openvino() is openvino
"""
AFTER_ITSELF = """
import openvino, sys
from livebend.device.openvino_import import import_openvino
converter = sys.modules["openvino.tools.ovc"]
assert import_openvino() is openvino
assert sys.modules["openvino.tools.ovc"] is converter
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_start_imports_no_converter_and_nothing_that_reports_its_use():
    assert run(IMPORTED) == []


def test_a_package_that_is_there_stays_as_it_is():
    run(AFTER_ITSELF)


def test_a_missing_package_is_said_and_leaves_no_mark():
    code = """
import sys
from livebend.device.openvino_import import CONVERTER, import_openvino
sys.modules["openvino"] = None
try:
    import_openvino()
except ImportError:
    print("missing", CONVERTER in sys.modules)
"""
    assert run(code) == ["missing", "False"]
