"""From finger to picture: from a message of a controller to the first frame that shows it.

A whole show is played, with a window (on SDL's dummy display where there is no other), the demo
track, and a network that runs whole in every frame. OSC comes as datagrams to its socket, MIDI as
messages in a thread that stands for the driver's, what a page of the remote sends by its WebSocket:
what a cable and its driver, or a phone and its radio take is not in it.
"""

import base64
import http.client
import json
import os
import random
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import FIRST_FRAME, LiveShow
from livebend.control.midi.ports import Take
from livebend.control.osc_packets import reply
from livebend.control.remote.server import Remote
from livebend.control.remote.site import AT, SOCKET
from livebend.core.clock import now
from livebend.core.errors import LivebendError, OutOfRange
from livebend.core.worker import Worker
from livebend.flow import Frame

PRESET = """
title = "Touched"
[prompt]
text = "a floating orb"
[walk]
radius = 0.3
period = 20
[bend.touched]
operator = "add"
site = "image"
units = "raw"
amount = 1.0
mix = 0.0
"""
ADDRESS = "/livebend/bend/touched/mix"
DEVICE = "livebend's own nanoKONTROL2"  # its first fader plays the first bend's mix
FADER = 0xB0, 0  # status and number
STEP = 20.0  # of 255: how much brighter or darker a picture is that shows a touch
SETTLING = 2.0  # s from the first frame to the first touch
PAUSE = 0.1, 0.3  # s between touches, at random, so that they meet frames at every moment
PATIENCE = 5.0  # s until a touch counts as not seen
MOST = 10_000  # touches
WAYS = "OSC", "MIDI", "page"

Row = dict[str, Any]
Send = Callable[[float], object]


class _Screen:
    """How bright the frames on the display are."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._level = 0.0

    @property
    def level(self) -> float:
        """The mean of the newest frame, 0..255."""
        with self._changed:
            return self._level

    def show(self, frame: Frame) -> None:
        """Take a frame that is on the display now."""
        with self._changed:
            self._level = float(frame.pixels[::4, ::4].mean())
            self._changed.notify_all()

    def differs(self, before: float) -> bool:
        """Wait until the picture is clearly brighter or darker; False if it never is."""
        with self._changed:
            return self._changed.wait_for(lambda: abs(self._level - before) >= STEP, PATIENCE)


class _Ports:
    """A MIDI system with one device, which `move` plays."""

    def __init__(self) -> None:
        self._takes: dict[str, Take] = {}

    def move(self, value: float) -> None:
        """Move the device's fader to 0..1."""
        self._takes[DEVICE]((*FADER, round(127 * value)))

    def inputs(self) -> list[str]:
        return [DEVICE]

    def outputs(self) -> list[str]:
        return []

    def open_input(self, name: str, take: Take) -> "_Ports":
        self._takes[name] = take
        return self

    def open_output(self, name: str) -> Any:
        raise AssertionError(f"{name}: there is no output")

    def send(self, message: Sequence[int]) -> None: ...

    def close(self) -> None: ...


class _Page:
    """A page of the remote, as a browser opens it. It sends, and reads nothing."""

    def __init__(self, remote: Remote) -> None:
        host, port = remote.address
        at = f"{host}:{port}"
        pairing = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        code = json.dumps({"code": remote.pairing.code})
        head = {"Origin": f"http://{at}", "Content-Type": "application/json"}
        pairing.request("POST", f"{AT}/pair", code, head)
        cookie = str(pairing.getresponse().getheader("Set-Cookie")).partition(";")[0]
        pairing.close()
        self._socket = socket.create_connection((host, port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {SOCKET} HTTP/1.1", f"Host: {at}", f"Origin: http://{at}", f"Cookie: {cookie}",
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}", "", "",
        )  # fmt: skip
        self._socket.sendall("\r\n".join(lines).encode())
        if not self._socket.recv(4096).startswith(b"HTTP/1.1 101"):
            raise LivebendError("bench: the remote lets no page in")

    def send(self, value: float) -> None:
        """Move the fader to 0..1: one short frame of bytes, masked by zeros."""
        packet = reply(ADDRESS, value)
        self._socket.sendall(bytes([0x82, 0x80 | len(packet)]) + bytes(4) + packet)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def time_hands(given: dict[str, Any], count: int) -> list[Row]:
    """Play a show with these fields of `LiveOptions`; return a row for each of WAYS: ms from the
    message to the picture that shows it, as percentiles over `count` touches, and what a frame took
    meanwhile. Raises: LivebendError."""
    if not 0 < count <= MOST:
        raise OutOfRange(f"--hands {count}: expected 1..{MOST} touches")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    ports, screen, begun = _Ports(), _Screen(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "touched.toml"
        preset.write_text(PRESET, encoding="utf-8")
        options = LiveOptions(
            **given, preset=str(preset), osc="127.0.0.1:0", midi="auto", remote="auto"
        )
        on_phase = lambda phase: begun.set() if phase == FIRST_FRAME else None  # noqa: E731
        show = LiveShow(options, on_phase=on_phase, ports=lambda: ports)
    show.seen = screen.show
    taken: dict[str, list[float]] = {}

    def play(stop: threading.Event) -> None:
        while not begun.wait(0.1):
            if stop.is_set():
                return
        stop.wait(SETTLING)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(show.osc.address)
            assert show.remote is not None
            page = _Page(show.remote)
            ways = (lambda value: client.send(reply(ADDRESS, value))), ports.move, page.send
            for name, send in zip(WAYS, ways, strict=True):
                taken[name] = _touched(screen, send, count, stop)
            page.close()
        show.stop.set()

    toucher = Worker("touches", play).start()
    try:
        report = show.play()
    finally:
        toucher.stop(PATIENCE)
    if len(taken) < len(WAYS):
        raise LivebendError("bench: the show ended before it was touched")
    return [_row(name, taken[name], count, report["frame_ms"]) for name in WAYS]


def _touched(screen: _Screen, send: Send, count: int, stop: threading.Event) -> list[float]:
    """Return the ms from each of so many touches to its picture, without those not seen."""
    chance, found = random.Random(1), []
    send(0.0)  # where the parameter is: a fader is taken up there
    for touch in range(count):
        if stop.wait(chance.uniform(*PAUSE)):
            break
        before, begin = screen.level, now()
        send(float(touch % 2 == 0))
        if screen.differs(before):
            found.append((now() - begin) * 1e3)
    send(0.0)
    return found


def _row(name: str, ms: Sequence[float], count: int, frame_ms: dict[str, float]) -> Row:
    p50, p95, p99 = np.percentile(ms, (50, 95, 99)) if ms else (0.0, 0.0, 0.0)
    return {
        "by": name, "touches": count, "seen": len(ms),
        "p50": round(float(p50), 1), "p95": round(float(p95), 1), "p99": round(float(p99), 1),
        "frame_p50": round(frame_ms["p50"], 1), "frame_p95": round(frame_ms["p95"], 1),
    }  # fmt: skip
