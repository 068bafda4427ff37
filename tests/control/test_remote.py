"""OSCQuery over real connections: what is told, to whom, and who follows it."""

import asyncio
import socket
from dataclasses import replace

import aiohttp
import pytest

from livebend.control.door import Door
from livebend.control.parameters import tree_of
from livebend.control.remote.followers import Follower
from livebend.core import limits
from livebend.core.status import Status
from livebend.flow import Features
from livebend.outputs.display import Display
from livebend.scene.values import Bend, Route, Scene
from tests.fakes.desk import DUB
from tests.fakes.osc import PATIENCE, wait_for
from tests.fakes.remote import Show, serving
from tests.fakes.times import ManualTime

STEPPED = replace(DUB, seed=4_000_000_000)


@pytest.fixture(scope="module")
def show():
    with serving(STEPPED) as found:
        yield found


def leaves(node):
    if "CONTENTS" not in node:
        return [node]
    return [leaf for child in node["CONTENTS"].values() for leaf in leaves(child)]


def test_the_whole_tree_is_told_in_one_answer(show):
    status, root = show.get("/")
    assert (status, root["FULL_PATH"], [*root["CONTENTS"]]) == (200, "/", ["livebend"])
    tree = tree_of(STEPPED, Display.specs)
    found = {leaf["FULL_PATH"]: leaf for leaf in leaves(root)}
    assert found.keys() == {p.address for p in tree.parameters.values()}
    assert all(leaf["DESCRIPTION"] and leaf["VALUE"] and leaf["TYPE"] for leaf in found.values())
    assert {leaf["ACCESS"] for leaf in found.values()} == {1, 2, 3}


NODES = {
    "bend/swirl/angle": {"TYPE": "f", "ACCESS": 3, "VALUE": [30.0], "UNIT": ["angle.degree"],
                         "RANGE": [{"MIN": -180.0, "MAX": 180.0}], "CLIPMODE": ["none"]},
    "bend/swirl/mix": {"TYPE": "f", "ACCESS": 3, "VALUE": [1.0],
                       "RANGE": [{"MIN": 0.0, "MAX": 1.0}], "CLIPMODE": ["both"]},
    "bend/swirl/mute": {"TYPE": "T", "ACCESS": 3, "VALUE": [False]},
    "bend/swirl/units": {"TYPE": "s", "ACCESS": 3, "VALUE": ["sigma"],
                         "RANGE": [{"VALS": ["sigma", "raw"]}]},
    "seed": {"TYPE": "h", "ACCESS": 3, "VALUE": [4_000_000_000],
             "RANGE": [{"MIN": 0, "MAX": 99}], "CLIPMODE": ["none"]},
    "prompt/text": {"TYPE": "s", "ACCESS": 3, "VALUE": [DUB.prompt.text]},
    "output/blackout": {"TYPE": "T", "ACCESS": 3, "VALUE": [False]},
    "meter/tempo": {"TYPE": "f", "ACCESS": 1, "VALUE": [0.0], "UNIT": ["time.bpm"],
                    "RANGE": [{"MIN": 0.0, "MAX": 1e6}]},
    "panic": {"TYPE": "I", "ACCESS": 2, "VALUE": [None]},
    "preset/store": {"TYPE": "i", "ACCESS": 2, "VALUE": [1], "RANGE": [{"MIN": 1, "MAX": 64}]},
    "bend/add": {"TYPE": "sss", "ACCESS": 2, "VALUE": ["", "", ""]},
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_a_node_says_what_it_is(show, name):
    address = f"/livebend/{name}"
    status, node = show.get(address)
    assert node.pop("DESCRIPTION")
    assert (status, node) == (200, {"FULL_PATH": address, **NODES[name]})
    assert show.get(f"/LiveBend/{name}/") == show.get(address)
    for attribute, value in NODES[name].items():
        if attribute != "VALUE" or node["ACCESS"] != 2:
            assert show.get(f"{address}?{attribute}") == (200, {attribute: value})


@pytest.mark.parametrize(
    ("asked", "status", "answer"),
    [
        ("/livebend/bend?ACCESS", 200, {"ACCESS": 0}),
        ("/livebend/seed?VALUE&TYPE", 200, {"VALUE": [4_000_000_000], "TYPE": "h"}),
        ("/livebend/seed?value", 200, {"VALUE": [4_000_000_000]}),
        ("/livebend/panic?VALUE", 204, ""),
        ("/livebend/prompt/text?RANGE", 204, ""),
        ("/livebend/bend?VALUE", 204, ""),
        ("/livebend/bend/none", 404, "no node has this address\n"),
        ("/../../etc/passwd", 404, "no node has this address\n"),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, "no node has this address\n"),
        ("/favicon.ico", 404, "no node has this address\n"),
        ("/livebend/seed?COLOUR", 400, "'COLOUR': expected one of FULL_PATH CONTENTS TYPE"),
    ],
)
def test_an_attribute_or_a_reason_is_told(show, asked, status, answer):
    found = show.get(asked)
    assert found[0] == status
    assert found[1] == answer or found[1].startswith(answer)


def test_contents_are_told_without_the_rest(show):
    status, found = show.get("/livebend/preset?CONTENTS")
    assert (status, [*found], [*found["CONTENTS"]]) == (
        200, ["CONTENTS"],
        ["fade", "unit", "quantise", "recall", "radio", "store", "clear", "waiting"],
    )  # fmt: skip


def test_the_host_says_only_what_it_does(show):
    told = {"TYPE", "ACCESS", "VALUE", "RANGE", "CLIPMODE", "UNIT", "DESCRIPTION"}
    commands = {"LISTEN", "IGNORE", "PATH_ADDED", "PATH_CHANGED", "PATH_REMOVED"}
    status, info = show.get("/?HOST_INFO")
    assert status == 200
    assert info.pop("NAME").startswith("livebend on ")
    assert info.pop("EXTENSIONS") == dict.fromkeys(told | commands, True)
    assert info == {"OSC_PORT": 9001, "OSC_TRANSPORT": "UDP", "WS_PORT": show.port}


def test_an_answer_is_json_that_nobody_keeps(show):
    _, headers, body = show.ask("/livebend/seed")
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert show.ask("/livebend/seed", method="HEAD")[2] == b"" != body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_changed_by_http(show, method):
    assert show.get("/livebend/seed", method=method) == (405, "GET and HEAD are answered\n")


def test_a_client_that_nobody_here_wrote_reads_the_tree(show):
    client = pytest.importorskip("pythonoscquery.osc_query_client")
    zeroconf = pytest.importorskip("zeroconf")
    service = zeroconf.ServiceInfo(
        "_oscjson._tcp.local.", "x._oscjson._tcp.local.", show.port, parsed_addresses=["127.0.0.1"]
    )
    reader = client.OSCQueryClient(service)
    root = reader.query_node("/")
    found = {node.full_path: node for node in root}
    assert found["/livebend/bend/swirl/angle"].value == [30.0]
    assert found["/livebend/prompt/text"].description == "what is painted"
    assert len(found) > len(tree_of(STEPPED, {}).parameters)
    assert reader.get_host_info().osc_port == 9001
    assert reader.query_node("/livebend/none") is None


# ---- who is let in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("192.168.1.5:8000", 200), ("[::1]:8000", 200), ("LocalHost:1", 200),
        ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("", 403), ("[", 403),
        ("user@evil.example:8000", 403), ("localhost.evil.example", 403),
    ],
)  # fmt: skip
def test_a_name_that_is_not_of_this_machine_is_refused(show, host, status):
    assert show.get("/livebend/seed?TYPE", {"Host": host})[0] == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://["]
)
def test_a_page_of_another_server_is_refused(show, origin):
    assert show.get("/livebend/seed", {"Origin": origin})[0] == 403


def test_a_page_of_another_server_cannot_follow(show):
    async def connect(origin):
        url = f"http://127.0.0.1:{show.port}/"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, origin=origin) as opened,
        ):
            return not opened.closed

    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        asyncio.run(connect("http://evil.example"))
    assert asyncio.run(connect(f"http://127.0.0.1:{show.port}"))


def test_a_stranger_is_told_nothing_and_reported_once():
    warned = []
    with serving(door=Door(["192.168.1.0/24"], warned.append)) as closed:
        for path in ("/", "/?HOST_INFO", "/livebend/none"):
            assert closed.get(path) == (403, "not let in by --osc-allow, nor at the show\n")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            closed.follow(None)
        assert closed.remote.counts.turned_away == 4
        assert warned == ["127.0.0.1 is turned away; --osc-allow 127.0.0.1 would let it in"]


def test_who_asks_too_much_waits_and_the_next_second_is_answered():
    time = ManualTime()
    with serving(now=time.now) as busy:
        asked = 0
        while busy.get("/")[0] == 200:
            asked += 1
        assert limits.TOLD / 400 < asked < limits.TOLD / 50
        assert busy.ask("/")[:2][0] == 429
        assert busy.ask("/")[1]["Retry-After"] == "1"
        time.moment += 1.0
        assert busy.get("/livebend/seed")[0] == 200


def test_connections_have_an_end_in_number_and_in_time(monkeypatch):
    monkeypatch.setattr(limits, "REMOTES", 2)
    monkeypatch.setattr(limits, "REQUEST_TIME", 0.2)
    with serving() as show:
        held = [socket.create_connection(("127.0.0.1", show.port), PATIENCE) for _ in range(3)]
        for one in held:
            one.sendall(b"GET / HTTP/1.1\r\n")  # never ends
        assert all(_is_closed(one) for one in held)
        assert show.get("/livebend/seed")[0] == 200


def _is_closed(one):
    with one:
        try:
            return one.recv(1) == b""
        except ConnectionError:
            return True


# ---- who follows ---------------------------------------------------------------------------------


def test_a_value_is_told_when_it_changes_until_it_is_ignored():
    with serving() as show:
        scenes = show.desk.scene

        async def talk(client):
            await client.say("LISTEN", "/livebend/seed")
            assert await client.hear() == ("/livebend/seed", DUB.seed)
            scenes.put(replace(DUB, seed=7))
            assert await client.hear() == ("/livebend/seed", 7)
            await client.say("LISTEN", "/livebend/bend/swirl/mute")
            assert await client.hear() == ("/livebend/bend/swirl/mute", False)
            await client.say("IGNORE", "/livebend/seed")
            await client.say("LISTEN", "/livebend/output/blackout")
            assert await client.hear() == ("/livebend/output/blackout", False)
            scenes.put(replace(DUB, seed=8))
            show.display.set("blackout", True)
            assert await client.hear() == ("/livebend/output/blackout", True)

        show.follow(talk)


def test_what_is_measured_is_told_below_a_node():
    with serving() as show:
        status = Status()
        object.__setattr__(show.desk, "status", lambda: status)

        async def talk(client):
            nonlocal status
            await client.say("LISTEN", "/livebend/meter")
            while (await client.hear())[0] != "/livebend/meter/frame":
                pass
            status = Status(features=Features(bpm=120.0))
            moved = {await client.hear(), await client.hear()}
            assert moved == {("/livebend/meter/bpm", 0.5), ("/livebend/meter/tempo", 120.0)}

        show.follow(talk)


def test_what_comes_and_goes_is_told_to_all():
    flash, hat = Bend("flash", "add", "image"), Route("hat", "high", "bend.swirl.angle")
    steps = [
        (replace(DUB, bends=(*DUB.bends, flash)), ("PATH_ADDED", "/livebend/bend/flash")),
        (replace(DUB, bends=(*DUB.bends, replace(flash, operator="rotate"))),
         ("PATH_CHANGED", "/livebend/bend/flash")),
        (DUB, ("PATH_REMOVED", "/livebend/bend/flash")),
        (replace(DUB, routes=(*DUB.routes, hat)), ("PATH_ADDED", "/livebend/route/hat")),
        (replace(DUB, routes=(*DUB.routes, replace(hat, target="seed"))),
         ("PATH_CHANGED", "/livebend/route/hat")),
    ]  # fmt: skip
    with serving() as show:

        async def talk(client):
            await client.say("LISTEN", "/livebend/seed")
            await client.hear()
            for scene, told in steps:
                show.desk.scene.put(scene)
                assert await client.hear() == told

        show.follow(talk)


def test_a_parameter_that_is_gone_is_no_longer_listened_to():
    with serving() as show:

        async def talk(client):
            await client.say("LISTEN", "/livebend/bend/swirl/angle")
            assert await client.hear() == ("/livebend/bend/swirl/angle", 30.0)
            show.desk.scene.put(Scene("Bare"))
            gone = {await client.hear(), await client.hear()}
            assert gone == {("PATH_REMOVED", "/livebend/bend/swirl"),
                            ("PATH_REMOVED", "/livebend/route/kick")}  # fmt: skip
            show.desk.scene.put(DUB)
            back = {await client.hear(), await client.hear()}
            assert {command for command, _ in back} == {"PATH_ADDED"}
            await client.say("LISTEN", "/livebend/seed")
            assert await client.hear() == ("/livebend/seed", DUB.seed)

        show.follow(talk)


def test_many_followers_share_what_can_be_told_and_none_misses_the_newest(monkeypatch):
    monkeypatch.setattr(limits, "FOLLOWED", 40)
    with serving() as show:
        counted = []

        async def talk(client):
            await client.say("LISTEN", "/livebend/walk")
            seen = {}
            while len(seen) < 4:
                address, value = await client.hear()
                seen[address] = value
            for radius in (0.25, 0.5, 0.75):
                walk = replace(DUB.walk, radius=radius)
                show.desk.scene.put(replace(DUB, walk=walk))
            while seen["/livebend/walk/radius"] != 0.75:
                address, value = await client.hear()
                seen[address] = value
            counted.append(show.remote._followers.share)

        show.follow(talk)
        assert counted == [2]


def test_where_not_all_can_be_told_at_once_each_has_its_turn(monkeypatch):
    monkeypatch.setattr(limits, "FOLLOWED", 60)
    show = Show()
    followers, woken = show.remote._followers, []
    for name in range(10):
        one = Follower(followers, lambda name=name: woken.append(name))
        one.tell("/livebend/bend/x", "PATH_ADDED")
        followers.add(one)
    for _ in range(10):
        for one in followers.turn():
            one.wake()
    assert len(woken) == 30
    assert sorted(woken) == sorted([*range(10)] * 3)
    show.remote.stop()


def test_the_end_of_a_show_closes_what_follows():
    show = Show()
    show.remote.start()

    async def talk(client):
        await client.say("LISTEN", "/livebend/seed")
        await client.hear()
        stopped = asyncio.create_task(asyncio.to_thread(show.remote.stop))
        frame = await client.socket.receive(timeout=PATIENCE)
        assert (frame.type, client.socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1001)
        assert await stopped

    show.follow(talk)
    assert not any(worker.alive for worker in show.remote.workers)


def test_who_does_not_read_is_let_go_and_the_others_are_served(monkeypatch):
    monkeypatch.setattr(limits, "REQUEST_TIME", 0.3)
    with serving() as show, socket.create_connection(("127.0.0.1", show.port), PATIENCE) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        deaf.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 22 + b"==\r\n\r\n"
        )
        assert deaf.recv(12) == b"HTTP/1.1 101"
        (transport,) = show.remote._connections._all
        wait_for(lambda: bool(show.remote._followers._all))
        (one,) = show.remote._followers._all
        many = {str(index): "x" * 60_000 for index in range(200)}
        transport._loop.call_soon_threadsafe(lambda: (one.news.update(many), one.wake()))
        wait_for(lambda: transport.is_closing() and not show.remote._followers._all)
        assert show.get("/livebend/seed")[0] == 200
