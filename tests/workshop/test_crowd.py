"""The crowd: a real show before listeners and under broken requests, and what is left of them."""

import asyncio
import json
import subprocess
import sys

import _crowd_clients
import pytest
from _soak import resident

from livebend.scene.values import Scene
from tests import SCRIPTS
from tests.fakes.played import playing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]
COUNT, TURNS = 2_000, 10
LIMIT = 8.0  # MB, after the first turn


def test_a_short_crowd(model_folder):
    command = [
        sys.executable, str(SCRIPTS / "_crowd.py"), "--turns", "1", "--seconds", "3",
        "--listeners", "20", "--fuzz", "1000", "--size", "64", "--limit", "64",
        "--model", str(model_folder("turbo")),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["faults"], figures["left"]) == ([], 0)
    assert figures["crowd"]["got"]["sockets"] == 19
    assert min(figures["crowd"]["got"][what] for what in ("values", "live", "pictures")) > 5
    assert figures["fuzz"]["sent"] == 1000


def test_broken_requests_and_frames_leave_nothing_behind():
    with playing(Scene("Bare")) as show:
        sizes = []
        for turn in range(TURNS):
            sent = asyncio.run(_crowd_clients.fuzz(show.port, show.pairing.code, COUNT, turn))
            assert sent == COUNT
            sizes.append(resident())
            show.commands.clear()
        counts = show.remote.counts
        assert (counts.faults, counts.requests > TURNS * COUNT / 100) == (0, True)
        assert counts.refused > TURNS * COUNT / 100
        assert sizes[-1] - sizes[0] < LIMIT, sizes
        assert not [notice for notice in show.notices if "remote: " in notice.text]
        asyncio.run(_still_plays(show))


async def _still_plays(show):
    async with _crowd_clients.page(show.port, show.pairing.code) as page:
        await page.send_str(_crowd_clients.command("PICTURE"))
        frame = await page.receive(timeout=_crowd_clients.PATIENCE)
        assert frame.data[:2] == b"\xff\xd8"
