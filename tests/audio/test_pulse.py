"""A microphone, and then the whole sound server, gone and back: beside a real PulseAudio."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import ROOT
from tests.fakes.pulse import Pulse

LISTENER = """
import sys, threading
from livebend.audio.open_input import hear_sound
from livebend.core.clock import SystemTime

time = SystemTime()
def notify(text): print("notice", text, flush=True)
heard = hear_sound("pulse", time, notify).start()
was = None
while True:
    threading.Event().wait(0.1)
    features = heard.at(time.now())
    if time.now() - features.time > 1.0:
        print("late", flush=True)
    if features.silent != was:
        was = features.silent
        print("silence" if was else "sound", flush=True)
"""


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    made = Pulse()
    yield made
    made.close()


@pytest.mark.slow
def test_a_microphone_and_the_sound_server_are_lost_and_found_again(pulse):
    listener = subprocess.Popen(
        [sys.executable, "-c", LISTENER],
        env=os.environ | pulse.environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    said: list[str] = []

    def until(word: str) -> None:
        for line in listener.stdout:
            said.append(line.strip())
            if line.strip() == word:
                return
        raise AssertionError(said)

    try:
        until("sound")
        pulse.unplug()
        until("silence")
        pulse.plug()
        until("sound")
        pulse.kill()
        until("silence")
        pulse.start()
        until("sound")
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()
    assert "late" not in said
    assert any(line.startswith("notice pulse is lost") for line in said), said
    assert "notice pulse is back" in said
