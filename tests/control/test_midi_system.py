"""MIDI through a real system: RtMidi over JACK's dummy driver, where that is installed."""

import ctypes.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from tests import ROOT

pytestmark = pytest.mark.slow
JACKD, LIBRARY = shutil.which("jackd"), ctypes.util.find_library("jack")
CHILD = """
import json, rtmidi2
from livebend.control.midi import profiles
from livebend.control.midi.midi_input import MidiInput
from livebend.control.midi.ports import RtMidiPorts
from livebend.outputs.display import Display
from tests.fakes.desk import FakeDesk
from dataclasses import replace
from pathlib import Path
import sys

profiles.user_folder = lambda: Path(sys.argv[1])
fake, said, ticks = FakeDesk(), [], []
desk = replace(fake.desk, output=Display.specs, view=lambda name: False)
midi = MidiInput(lambda: RtMidiPorts("API_UNIX_JACK"), desk, said.append,
                 timed=lambda message, time: ticks.append(message))

def plug_in():
    device = rtmidi2.MidiOut("MIDI Mix", api=rtmidi2.API_UNIX_JACK)
    device.open_virtual_port("out")
    return device

def until(done):
    for _ in range(100):
        midi._look_at = 0.0
        midi.turn(0.05)
        if done():
            return
    sys.exit(f"waited in vain: {said}")

device = plug_in()
until(lambda: midi.devices)
device.send_raw(0xB0, 19, 127)
device.send_raw(0xF8)
until(lambda: fake.commands and ticks)
device.close_port()
until(lambda: not midi.devices)
device = plug_in()
until(lambda: midi.devices)
device.send_raw(0xB0, 19, 126)
until(lambda: len(fake.commands) == 2)
print(json.dumps(dict(paths=[c.path for c in fake.commands], ticks=ticks, said=said)))
"""


@pytest.fixture
def server():
    """A JACK server without a sound card."""
    if JACKD is None or LIBRARY is None:
        pytest.skip("needs jackd")
    command = [JACKD, "-r", "-d", "dummy", "-r", "48000", "-p", "256"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as jackd:
        yield
        jackd.terminate()


def test_a_device_of_the_system_is_played_unplugged_and_back(server, tmp_path):
    # The library in rtmidi2's wheel may speak another version of JACK's protocol than the server.
    env = {**os.environ, "LD_PRELOAD": str(LIBRARY), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=60, env=env, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["paths"] == ["bend.swirl.mix"] * 2
    assert told["ticks"] == [[0xF8]]
    assert any("is gone" in line for line in told["said"])
