"""A process that floods a port with datagrams: broken ones with a real one among them, or valid.

    python _datagrams.py junk PORT COUNT RATE      python _datagrams.py valid PORT COUNT RATE

It prints how many it has sent, and in how many seconds. The same arguments send the same bytes.
"""

import os
import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator

from pythonosc.osc_message_builder import OscMessageBuilder

REAL = "/livebend/seed"  # what real messages change: + 1 each, so that none can be lost unseen
EVERY = 100  # datagrams, of which one is real
BURST = 0.005  # s between bursts
KEPT = 30_011  # datagrams that are made before, and sent by turns
BODIES = (
    ("/livebend/walk/radius", 0.5), ("/livebend/walk/radius/play", 0.25),
    ("/livebend/prompt/fade", 1), ("/livebend/preset/fade", 0.5), ("/livebend/agc/ceiling", 6.0),
    ("/livebend/bend/nobody/mix", 0.5), ("/livebend/output/brightness", 1.0),
    ("/livebend/bend/*/mix", 1.0), ("/livebend/walk/{radius,period}", 1.0),
    ("/livebend/route/nobody/curve", "cube"), ("/another/program", "text"), ("/livebend/title", 1),
)  # fmt: skip
FADERS = ("walk/radius/play", "walk/period/play", "prompt/fade", "preset/fade", "agc/ceiling")


def message(address: str, *values: object) -> bytes:
    """Return a message as it is sent."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def bundle(*parts: bytes) -> bytes:
    """Return a bundle that acts at once."""
    return (
        b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(p)) + p for p in parts)
    )


def junk(chance: random.Random) -> bytes:
    """Return a datagram that is broken in one of seven ways, or is nobody's."""
    body = message(*chance.choice(BODIES))
    return chance.choice(WAYS)(chance, body)


def _noise(chance: random.Random, _: bytes) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 3, 4, 16, 60, 300, 1400)))


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body))]


def _flipped(chance: random.Random, body: bytes) -> bytes:
    made = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def _mistyped(chance: random.Random, body: bytes) -> bytes:
    return body.replace(b",", b"," + bytes(chance.choices(b"ifsbdhtTFNI[]rmcz?", k=3)), 1)


def _misbundled(chance: random.Random, body: bytes) -> bytes:
    made = bytearray(bundle(body, bundle(body, _flipped(chance, body))))
    made[chance.choice((15, 16, 17, 18, 19))] = chance.randrange(256)
    return bytes(made)


def _nested(chance: random.Random, body: bytes) -> bytes:
    for _ in range(chance.randint(1, 30)):
        body = bundle(body)
    return body


def _nobody(chance: random.Random, _: bytes) -> bytes:
    name = "".join(chance.choices("abcdefghij", k=8))
    return message(f"/livebend/bend/{name}/{name[:3]}", chance.uniform(-1e9, 1e9))


WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _noise, _cut, _flipped, _mistyped, _misbundled, _nested, _nobody,
)  # fmt: skip


def flood_of_junk(count: int) -> Iterator[bytes]:
    """Yield broken datagrams, and a real one in every hundred."""
    chance, real = random.Random(1), message(REAL, "+", 1)
    kept = [junk(chance) for _ in range(min(count, KEPT))]
    for n in range(count):
        yield real if n % EVERY == EVERY - 1 else kept[n % KEPT]


def flood_of_faders(count: int) -> Iterator[bytes]:
    """Yield valid messages, of several faders by turns."""
    chance = random.Random(2)
    kept = [message(f"/livebend/{chance.choice(FADERS)}", chance.random()) for _ in range(KEPT)]
    for n in range(count):
        yield kept[n % KEPT]


def send(datagrams: Iterator[bytes], port: int, rate: float) -> tuple[int, float]:
    """Send at no more than a rate a second; return how many, and in how many s."""
    sent, begin = 0, time.perf_counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        for datagram in datagrams:
            while sent > (passed := time.perf_counter() - begin) * rate:
                time.sleep(max(BURST, sent / rate - passed))
            out.send(datagram)
            sent += 1
    return sent, time.perf_counter() - begin


if __name__ == "__main__":
    os.nice(max(0, -os.nice(0)))  # not with the priority of the show that started this
    what, port, count, rate = sys.argv[1], *map(int, sys.argv[2:5])
    flood = {"junk": flood_of_junk, "valid": flood_of_faders}[what](count)
    print(*send(flood, port, rate))
