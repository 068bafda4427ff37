"""Clients of a show's remote in a process of their own, for `_crowd.py`.

listen PORT CODE N   N WebSockets that listen, one of which reads nothing, and a few pages that
                     look; until its standard input ends, then prints what they got
fuzz PORT CODE N     N broken requests and frames, from strangers and a page; prints how many
"""

import asyncio
import contextlib
import json
import os
import random
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
from _datagrams import junk

PAGES = 3  # that look at the picture
BURST, BREATH = 20, 0.01  # frames without a pause, and that pause in s
PATIENCE = 30.0  # s
HEARD = ("/livebend/meter", "/livebend/walk", "/livebend/bend")
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def command(name: str, data: str = "") -> str:
    return json.dumps({"COMMAND": name, "DATA": data})


@contextlib.asynccontextmanager
async def page(port: int, code: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The WebSocket of a page that is paired."""
    at, jar = f"http://127.0.0.1:{port}", aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Origin": at}) as session:
        async with session.post(f"{at}/remote/pair", json={"code": code}) as answer:
            answer.raise_for_status()
        async with session.ws_connect(f"{at}/remote/socket") as opened:
            yield opened


async def look(port: int, code: str, got: Counter[str]) -> None:
    """Look at the show, as a page does that is seen."""
    async with page(port, code) as opened:
        for wanted in ("LIVE", "PICTURE"):
            await opened.send_str(command(wanted))
        async for frame in opened:
            is_text = frame.type is aiohttp.WSMsgType.TEXT
            got["live" if is_text else "pictures"] += 1
            await opened.send_str(command("LIVE" if is_text else "PICTURE"))


async def listen(session: aiohttp.ClientSession, port: int, got: Counter[str]) -> None:
    """Listen like a program that knows OSCQuery."""
    async with session.ws_connect(f"http://127.0.0.1:{port}/") as opened:
        got["sockets"] += 1
        for address in HEARD:
            await opened.send_str(command("LISTEN", address))
        async for _ in opened:
            got["values"] += 1
    got["closed"] += 1


def deaf(port: int) -> socket.socket:
    """A WebSocket that listens to everything and reads nothing."""
    opened = socket.create_connection(("127.0.0.1", port), PATIENCE)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    opened.sendall(UPGRADE.encode())
    text = command("LISTEN", "/").encode()
    opened.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)  # masked by zeros
    return opened


async def crowd(port: int, code: str, count: int) -> dict[str, int]:
    got: Counter[str] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(look(port, code, got)) for _ in range(PAGES)]
        for _ in range(count - 1):
            tasks.append(asyncio.create_task(listen(session, port, got)))
            await asyncio.sleep(0.03)  # all are one machine here: it may ask for so much
        one = deaf(port)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while got["sockets"] < count - 1:
                    await asyncio.sleep(0.1)
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for task in tasks:
            task.cancel()
        for why in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(why, Exception):
                got[f"{type(why).__name__}: {why}"] += 1
        one.close()
    return dict(got)


def request(chance: random.Random) -> bytes:
    """A broken or a strange HTTP request."""
    path = "/".join(
        chance.choice(["..", "%2e%2e", "livebend", "remote", "bend", "socket", "%00", "pair", "é"])
        for _ in range(chance.randrange(8))
    )
    head = (
        f"{chance.choice(['GET', 'POST', 'PUT', 'GIT', ''])} /{path} HTTP/1.{chance.choice('017')}"
    )
    lines = [
        head,
        "Host: localhost",
        *chance.choices(
            [
                "Content-Length: 99999999999",
                "Transfer-Encoding: chunked",
                "Cookie: livebend=00",
                "Origin: null",
                "Upgrade: websocket",
                "A: " + "b" * 5000,
                ":",
                "Host: evil.example",
            ],
            k=2,
        ),
    ]
    data = "\r\n".join([*lines, "", ""]).encode()
    data += chance.randbytes(40) if chance.random() < 0.3 else b""
    return data if chance.random() < 0.7 else chance.randbytes(chance.randrange(1, 300))


async def ask(port: int, data: bytes) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            writer.write_eof()
            await reader.read()
            writer.close()


def text(chance: random.Random) -> str:
    """A broken or a strange command."""
    return chance.choice([
        command("LISTEN", "/livebend/" + chance.choice(["bend", "*", "", "seed", "é" * 50])),
        command("IGNORE", "/"), command("LIVE"), command("PICTURE"), "[" * 1000, "{}", "null",
        json.dumps({"COMMAND": 1, "DATA": None}), command("X" * 500), '{"COMMAND":' * 200,
    ])  # fmt: skip


async def fuzz(port: int, code: str, count: int, seed: int = 3) -> int:
    """Send so many requests and frames."""
    chance, sent = random.Random(seed), 0
    while sent < count:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async with page(port, code) as opened:
                while sent < count and not opened.closed:
                    if chance.random() < 0.05:
                        await ask(port, request(chance))
                    elif chance.random() < 0.4:
                        await opened.send_str(text(chance))
                    else:
                        await opened.send_bytes(junk(chance))
                    sent += 1
                    if sent % BURST == 0:
                        with contextlib.suppress(TimeoutError):
                            await opened.receive(timeout=BREATH)
    return sent


def step_aside() -> None:
    """Take what the show leaves of the processor: a crowd's own machines cost it nothing."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


if __name__ == "__main__":
    step_aside()
    what, port, code, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    done = asyncio.run((crowd if what == "listen" else fuzz)(port, code, count))
    print(json.dumps(done))
