"""The flood: a real show under another process's datagrams, and how it is judged."""

import json
import random
import subprocess
import sys

import _datagrams
import _flood
import pytest
from _soak import resident

from livebend.control.osc import OscReader
from livebend.control.osc_backlog import Backlog
from livebend.control.osc_endpoint import Sender
from livebend.control.osc_packets import read_packet
from tests import SCRIPTS
from tests.fakes.desk import FakeDesk


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_short_flood(model_folder):
    command = [
        sys.executable, str(SCRIPTS / "_flood.py"), "--turns", "2", "--quiet", "2", "--junk",
        "20000", "--valid", "5", "--size", "64", "--limit", "64",
        "--model", str(model_folder("turbo")),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["faults"] == []
    assert figures["junk"]["real_sent"] == figures["junk"]["real_shown"] == 200
    assert figures["junk"]["garbage"] > 5000
    assert figures["valid"]["heard"] > 5000
    assert all(frames["frames"] > 20 for frames in (figures["junk"], figures["valid"]))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_flood_leaves_nothing_behind():
    """Memory after the first fifty thousand datagrams is memory after two hundred."""
    fake, sender, backlog = FakeDesk(), Sender("127.0.0.1", 5), Backlog()
    reader, sizes = OscReader(fake.desk), []
    for n, datagram in enumerate(_datagrams.flood_of_junk(200_001)):
        if n % 50_000 == 0:
            sizes.append(resident())
        backlog.add(datagram, sender, reader.numbers())
        reader.receive(*backlog.take())
        if n % 1000 == 0:
            reader.feedback.turn()
            fake.commands.clear()
            fake.refused.clear()
    reader.feedback.close()
    assert sizes[-1] - sizes[1] < 2.0


def test_one_datagram_in_a_hundred_is_real_and_most_others_are_broken():
    made = [*_datagrams.flood_of_junk(2000)]
    assert made == [*_datagrams.flood_of_junk(2000)]
    packets = [read_packet(datagram) for datagram in made]
    real = [p for p in packets if [m.address for m in p.messages] == [_datagrams.REAL]]
    assert [p.messages[0].arguments for p in real] == [["+", 1]] * 20
    assert sum(p.garbage > 0 for p in packets) > 500


def test_messages_are_what_others_read():
    sent = _datagrams.message("/livebend/bend/x/mix", "word", 3, 0.5)
    (found,) = read_packet(_datagrams.bundle(sent)).messages
    assert (found.address, found.arguments) == ("/livebend/bend/x/mix", ["word", 3, 0.5])
    assert all(len(_datagrams.junk(random.Random(n))) < 2048 for n in range(200))


QUIET = {"memory_mb": [100.0, 100.0]}
GOOD = {
    "faults": [], "quiet": QUIET, "junk": QUIET | {"real_sent": 9, "real_shown": 9},
    "valid": QUIET | {"blackout_ms": [1.0]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"faults": ["osc failed"]}, ["fault: osc failed"]),
        ({"junk": QUIET | {"real_sent": 9, "real_shown": 8}}, ["of 9 real messages 8 were heard"]),
        ({"valid": QUIET | {"blackout_ms": [1.0, -1.0]}}, ["black did not come"]),
        ({"valid": GOOD["valid"] | {"memory_mb": [1, 9]}}, ["valid: memory grew by 8.0 MB"]),
    ],
)
def test_a_flood_is_judged(changed, words):
    assert _flood.failed(GOOD | changed, 4.0) == words


def test_a_show_that_ends_early_is_no_success():
    assert _flood.failed({"faults": []}, 4.0) == ["the show ended before the flood did"]
