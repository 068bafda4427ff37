"""Whatever comes to the remote's port: nothing raises in its loop, nothing holds it."""

import asyncio
import json

import aiohttp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from livebend.core import limits
from tests.fakes.desk import DUB
from tests.fakes.osc import PATIENCE
from tests.fakes.remote import serving

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FRAMES = 8  # WebSocket frames in one example
PATHS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(["..", ".", "livebend", "seed", "*", "%00", "%ff", "bend", ""])).map(
        "/".join
    ),
)


@pytest.fixture(scope="module")
def show():
    now = iter(range(10**9))  # every look a second later: this is not about how much is asked
    with serving(now=lambda: next(now)) as found:
        yield found


def answers(show):
    """Whether the next good question is answered, and nothing was a fault of ours."""
    assert show.get("/livebend/seed?VALUE") == (200, {"VALUE": [DUB.seed]})
    assert (show.remote.counts.faults, show.warned) == (0, [])


@FEW
@given(PATHS, st.text(max_size=40))
@example("/livebend/" * 500, "VALUE&" * 500)
@example("/livebend/bend?", "&=&=%")
@example("//evil.example/livebend/seed", "HOST_INFO&HOST_INFO")
@example("http://[/", "")
def test_any_address_is_answered(show, path, query):
    line = f"GET /{path}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = show.send(line.encode("utf-8", "replace"))
    assert not got or got.startswith(b"HTTP/1."), got[:50]
    assert got[9:12] in (b"", b"200", b"204", b"400", b"404")
    answers(show)


@FEW
@given(st.binary(max_size=200))
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300))  # TLS
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
@example(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n")
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: B\r\n" * 2 * limits.HEADERS + b"\r\n")
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"B" * 2 * limits.REQUEST + b"\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
@example(
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
)
def test_any_bytes_are_answered_or_dropped(show, data):
    show.send(data)
    answers(show)


COMMANDS = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        ["[" * limits.COMMAND, "{" * 500, '{"COMMAND":' * 300, "1e999", "NaN", "9" * 4000]
    ),
    st.fixed_dictionaries(
        {
            "COMMAND": st.one_of(st.sampled_from(["LISTEN", "IGNORE", "listen"]), st.integers()),
            "DATA": st.one_of(
                PATHS.map("/livebend/{}".format), PATHS, st.none(), st.lists(st.text())
            ),
        }
    ).map(json.dumps),
    st.binary(max_size=80),
)


@FEW
@given(st.lists(COMMANDS, max_size=FRAMES))
def test_any_frames_are_obeyed_or_left_out(show, frames):
    async def talk(client):
        for frame in frames:
            send = client.socket.send_str if isinstance(frame, str) else client.socket.send_bytes
            await send(frame)
        await client.say("IGNORE", "/")
        await client.say("LISTEN", "/livebend/seed")
        while await client.hear() != ("/livebend/seed", DUB.seed):
            pass

    show.follow(talk)
    answers(show)


def test_a_frame_that_is_too_long_ends_its_socket_alone(show):
    async def talk(client):
        await client.socket.send_str("x" * (limits.COMMAND + 1))
        frame = await client.socket.receive(timeout=PATIENCE)
        assert (frame.type, client.socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1009)

    show.follow(talk)
    answers(show)


def test_too_many_frames_end_a_socket_alone():
    with serving(now=lambda: 0.0) as busy:

        async def talk(client):
            said = asyncio.create_task(flood(client))
            frame = await client.socket.receive(timeout=PATIENCE)
            assert (frame.type, client.socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)
            await said

        busy.follow(talk)
        assert busy.get("/livebend/seed")[0] == 429


async def flood(client):
    try:
        for _ in range(2 * limits.TOLD):
            await client.socket.send_str("x")
    except ConnectionError:
        pass
