"""The page of the remote, without a browser: who may load it, who may play, and what it does."""

import asyncio
import gzip
import http.client
import io
import json
import re
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import numpy as np
import pytest
from PIL import Image
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from livebend.control.door import Door
from livebend.control.parameters import tree_of
from livebend.control.remote.connections import EACH, STRANGERS, Connections
from livebend.control.remote.nodes import as_json
from livebend.control.remote.preview import SIDE, jpeg
from livebend.control.remote.site import page_files, paste
from livebend.core import limits
from livebend.core.errors import Refused
from livebend.flow import Frame
from livebend.outputs.display import Display
from livebend.scene.commands import Move, Panic, Undo
from livebend.scene.preset_text import scene_in
from tests import ROOT
from tests.fakes.desk import FakeDesk
from tests.fakes.osc import PATIENCE, wait_for
from tests.fakes.played import playing
from tests.fakes.remote import serving


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masks")
    with playing(folder=folder) as found:
        found.folder = folder
        yield found
    assert found.remote.counts.faults == 0, found.notices


def ask(show, path, method="GET", body=None, **headers):
    """The status, headers and body of an answer."""
    client = http.client.HTTPConnection("127.0.0.1", show.port, timeout=PATIENCE)
    client.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = client.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    client.close()
    return found


def pair(show, code=None, **headers):
    given = {"Origin": show.url, "Content_Type": "application/json"} | headers
    body = json.dumps({"code": show.pairing.code if code is None else code})
    return ask(show, "/remote/pair", "POST", body, **given)


def cookie(show):
    status, headers, _ = pair(show)
    assert status == 204
    return headers["Set-Cookie"].partition(";")[0]


@asynccontextmanager
async def socket(show, kept=None, origin=None):
    """The WebSocket of a page that is paired."""
    headers = {"Cookie": cookie(show) if kept is None else kept}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{show.url}/remote/socket", headers=headers, origin=origin or show.url
        ) as opened,
    ):
        yield opened


def packet(path, *values):
    builder = OscMessageBuilder(f"/livebend/{path.replace('.', '/')}")
    for value in values:
        builder.add_arg(value)
    return builder.build()


async def hear(opened, wanted):
    """The next frame that `wanted` likes: JSON of text, or bytes."""
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await opened.receive()
            assert frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), frame
            text = frame.type is aiohttp.WSMsgType.TEXT
            found = json.loads(frame.data) if text else frame.data
            if wanted(found):
                return found


def values_in(data):
    """The values in a bundle, by address."""
    found, at = {}, 16
    assert data.startswith(b"#bundle\0")
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        message = OscMessage(data[at + 4 : at + 4 + size])
        found[message.address] = message.params[0]
        at += 4 + size
    return found


# ---- who may load it -----------------------------------------------------------------------------


def test_a_browser_is_led_to_the_page_and_a_program_to_the_tree(show):
    status, headers, _ = ask(show, "/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (status, headers["Location"]) == (302, "/remote")
    for accepted in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        status, headers, body = ask(show, "/", **accepted)
        assert (status, json.loads(body)["FULL_PATH"]) == (200, "/")
    assert ask(show, "/?HOST_INFO", Accept="text/html")[0] == 200


@pytest.mark.parametrize("name", page_files())
def test_a_file_of_the_page_comes_with_a_strict_policy(show, name):
    status, headers, body = ask(show, f"/remote{name}")
    assert status == 200
    assert body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_holds_to_its_policy():
    page = ROOT / "livebend" / "control" / "remote" / "page"
    html = (page / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:", html)
    for file in page.iterdir():
        text = file.read_text()
        names = re.findall(r"https?://[^\s\"'`]+", text)
        assert [n for n in names if n != "http://www.w3.org/2000/svg"] == [], file.name
        if file.suffix == ".js":
            banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
            assert not re.search(banned, text), file.name


@pytest.mark.parametrize(
    "path",
    ["/remote/../site.py", "/remote/%2e%2e/site.py", "/remote//etc/passwd", "/remote/page/main.js",
     "/remote/..%2f..%2fpyproject.toml", "/remote/main.js/", "/remote/%00", "/remote/main.js%00"],
)  # fmt: skip
def test_no_address_becomes_a_path(show, path):
    status, _, body = ask(show, path)
    assert status in (401, 404)
    assert len(body) < 100


def test_a_stranger_may_load_the_page_and_nothing_else():
    warned = []
    with serving(door=Door(["192.168.1.0/24"], warned.append)) as closed:
        assert closed.ask("/remote")[0] == 200
        assert closed.ask("/remote/main.js")[0] == 200
        assert warned == []
        (notice,) = closed.warned
        assert notice.startswith("remote: 127.0.0.1 opens the page; it plays once it has given")
        for path in ("/remote/tree", "/remote/choices", "/remote/socket"):
            assert closed.ask(path)[0] == 401
        assert closed.ask("/livebend/seed")[0] == 403
        head = {"Accept": "text/html", "Connection": "Upgrade", "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}  # fmt: skip
        assert closed.ask("/", head)[0] == 403


def test_one_stranger_leaves_room_for_another():
    connections = Connections(Door(["192.168.1.0/24"]))

    async def fill():
        for host in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
            while connections.has_room(host):
                connections.add(FakeTransport(), host)
        assert not connections.has_room("10.0.0.4")
        assert connections.has_room("192.168.1.5")
        hosts = [one.host for one in connections._all.values()]
        connections.end()
        return hosts

    hosts = asyncio.run(fill())
    assert (hosts.count("10.0.0.1"), hosts.count("10.0.0.2"), len(hosts)) == (EACH, EACH, STRANGERS)


class FakeTransport(asyncio.Transport):
    """A connection that stays open."""

    def is_closing(self):
        return False

    def abort(self):
        pass


def test_a_stranger_that_is_paired_is_told_the_tree_too_until_it_is_dismissed():
    door = Door(["192.168.1.0/24"])
    with serving(door=door) as closed:
        closed.url = f"http://127.0.0.1:{closed.port}"
        closed.pairing = closed.remote.pairing
        kept = {"Cookie": cookie(closed)}
        assert closed.ask("/livebend/seed", kept)[0] == 200
        assert closed.ask("/remote/tree", kept)[0] == 200
        assert closed.ask("/livebend/seed")[0] == 403

        async def stay():
            async with socket(closed, kept["Cookie"]) as opened:
                door.decide("dismiss")
                frame = await opened.receive(timeout=PATIENCE)
                assert frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)

        asyncio.run(stay())
        assert closed.ask("/livebend/seed", kept)[0] == 403
        assert closed.ask("/remote/tree", kept)[0] == 401
        assert pair(closed)[0] == 403


# ---- who may play --------------------------------------------------------------------------------


def test_the_code_gives_a_cookie_that_no_script_reads_and_no_other_site_brings(show):
    status, headers, _ = pair(show)
    assert status == 204
    kept = headers["Set-Cookie"]
    assert kept.startswith(f"livebend-{show.port}=")
    assert all(part in kept for part in ("HttpOnly", "SameSite=Strict", "Path=/"))


def test_the_code_is_nowhere_but_with_the_operator(show):
    told = [notice.text for notice in show.notices]
    answers = [ask(show, path)[2].decode() for path in ("/", "/remote", "/remote/main.js")]
    kept = cookie(show)
    answers += [gzip.decompress(ask(show, "/remote/tree", Cookie=kept)[2]).decode()]
    assert not [text for text in (*told, *answers, kept) if show.pairing.code in text]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, '{"code": "x"}', 403),
        ({"Origin": "http://evil.example"}, None, 403),
        ({"Origin": "null"}, None, 403),
        ({"Origin": ""}, None, 403),
        ({"Host": "evil.example"}, None, 403),
        ({"Content_Type": "text/plain"}, None, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, "code=000000", 415),
        ({}, "", 400),
        ({}, "[1]", 400),
        ({}, '{"code": 123456}', 400),
        ({}, "[" * 150, 400),
        ({}, b"\xff\xfe", 400),
        ({}, json.dumps({"code": "1" * 300}), 400),
    ],
)  # fmt: skip
def test_what_does_not_give_the_code_is_refused(headers, body, status):
    with playing() as fresh:
        given = {"Origin": fresh.url, "Content_Type": "application/json"} | headers
        body = json.dumps({"code": fresh.pairing.code}) if body is None else body
        found, told, _ = ask(fresh, "/remote/pair", "POST", body, **given)
        assert (found, "Set-Cookie" in told) == (status, False)


def test_codes_are_not_guessed():
    with playing() as fresh:
        codes = [f"{number:06}" for number in range(limits.TRIES + 5)]
        tried = [pair(fresh, code) for code in codes if code != fresh.pairing.code]
        assert {status for status, *_ in tried} == {403}
        assert b"too many codes" in tried[-1][2]
        assert pair(fresh)[0] == 403  # the right one too: a guess is not told from it


def test_a_cookie_of_another_show_or_machine_is_none(show):
    with playing() as other:
        theirs = cookie(other).partition("=")[2]
    for token in (theirs, "", "00" * 48, show.pairing.pair(show.pairing.code, "192.168.1.66")):
        kept = f"livebend-{show.port}={token}"
        assert ask(show, "/remote/tree", Cookie=kept)[0] == 401
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            asyncio.run(connect(show, kept))


async def connect(show, kept=None, origin=None):
    async with socket(show, kept, origin):
        return True


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_page_cannot_play_even_with_the_cookie(show, origin):
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        asyncio.run(connect(show, origin=origin))
    kept = cookie(show)
    for path in ("/remote/tree", "/remote/choices", "/livebend/seed"):
        assert ask(show, path, Cookie=kept, Origin=origin)[0] == 403
    assert ask(show, "/remote/mask", "POST", b"x", Cookie=kept, Origin=origin)[0] == 403
    assert asyncio.run(connect(show))


def test_a_socket_of_oscquery_plays_nothing(show):
    async def talk():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(show.url, headers={"Cookie": cookie(show)}) as opened,
        ):
            await opened.send_bytes(packet("seed", 4321).dgram)
            await opened.send_str(as_json({"COMMAND": "LISTEN", "DATA": "/livebend/seed"}))
            return OscMessage((await opened.receive(timeout=PATIENCE)).data).params

    assert asyncio.run(talk()) != [4321]
    assert show.scene.seed != 4321


# ---- what it does --------------------------------------------------------------------------------


def test_the_tree_tells_everything_and_is_told_anew_where_it_changes(show):
    kept = cookie(show)

    def told():
        return json.loads(gzip.decompress(ask(show, "/remote/tree", Cookie=kept)[2]))

    first = told()
    paths = [row["path"] for row in first["parameters"]]
    assert paths == [*tree_of(show.scene, Display.specs).parameters]
    assert first["parts"]["bend"] == [bend.name for bend in show.scene.bends]
    assert told() == first
    for command in (Move("bend", show.scene.bends[0].name, 9), Undo()):
        show.desk.give(command)
        again = told()
        assert again["version"] != first["version"]
        assert again["parts"]["bend"] == [bend.name for bend in show.scene.bends]
        first = again


def test_the_choices_are_what_can_be_added(show):
    found = json.loads(ask(show, "/remote/choices", Cookie=cookie(show))[2])
    assert {"rotate", "swirl"} <= {one["name"] for one in found["operators"]}
    assert "kick.pulse" in {one["name"] for one in found["sources"]}
    assert found["curves"]["square"][12] == 0.25
    assert found["slots"]["1"] == ["default", "First light"]
    assert "storm" in found["presets"]
    assert (found["masks"], found["uploads"]) == (["star"], True)
    assert found["most"]["slots"] == limits.SLOTS


def test_a_page_follows_sees_and_plays():
    with playing() as show:

        async def talk():
            async with socket(show) as page:
                await page.send_str(as_json({"COMMAND": "LISTEN", "DATA": "/livebend/walk"}))
                values = values_in(await hear(page, lambda d: isinstance(d, bytes)))
                assert values["/livebend/walk/radius"] == pytest.approx(show.scene.walk.radius)
                assert len(values) == 5
                await page.send_bytes(packet("walk.radius", 0.75).dgram)
                changed = values_in(await hear(page, lambda d: isinstance(d, bytes)))
                assert changed == {"/livebend/walk/radius": 0.75}
                await page.send_str(as_json({"COMMAND": "LIVE", "DATA": ""}))
                live = (await hear(page, lambda d: "COMMAND" in d))["DATA"]
                assert live["routes"].keys() == {route.name for route in show.scene.routes}
                assert live["levels"]["meter.rms"] > 0
                await page.send_str(as_json({"COMMAND": "PICTURE", "DATA": ""}))
                jpeg = await hear(page, lambda d: d[:2] == b"\xff\xd8")
                with Image.open(io.BytesIO(jpeg)) as picture:
                    assert picture.size == (128, 128)

        asyncio.run(talk())


def test_what_a_page_sends_is_what_osc_would_do():
    with playing() as show:

        async def talk():
            async with socket(show) as page:
                both = OscBundleBuilder(IMMEDIATELY)
                both.add_content(packet("bend.add", "twist", "swirl", "vae.in", "angle", 30.0))
                both.add_content(packet("bend.twist.mix", 0.25))  # on its way still
                for sent in (both.build(), packet("bend.twist.angle.play", 1.0),
                             packet("bend.move", "twist", 1), packet("blackout", 1),
                             packet("seed", "x"), packet("nowhere", 1),
                             packet("feedback", 9001)):  # fmt: skip
                    await page.send_bytes(sent.dgram)
                await asyncio.to_thread(wait_for, lambda: show.remote._stage.counts.refused == 3)

        asyncio.run(talk())
        first = show.scene.bends[0]
        assert (first.name, first.mix, first.values["angle"]) == ("twist", 0.25, 180.0)
        assert show.display.view.blackout
        assert any("seed = 'x'" in notice.text for notice in show.notices)
        assert show.remote._stage.counts.messages == 8


def test_a_page_that_does_not_look_gets_no_pictures():
    with playing() as show:

        async def talk():
            async with socket(show) as page:
                for _ in range(5):  # asking is not queued
                    await page.send_str(as_json({"COMMAND": "PICTURE", "DATA": ""}))
                await hear(page, lambda d: d[:2] == b"\xff\xd8")
                made = show.frames.get().index
                with pytest.raises(TimeoutError):
                    await page.receive(timeout=0.5)
                assert show.frames.get().index > made

        asyncio.run(talk())


@pytest.mark.parametrize("side", [128, 256, 384, 512])
def test_a_preview_takes_less_than_three_hundredths_of_a_processor(side):
    y, x = np.mgrid[0:side, 0:side] / side
    wave = 127 + 100 * np.sin(20 * x * y + np.arange(3)[:, None, None])
    frame = Frame(np.ascontiguousarray(wave.transpose(1, 2, 0).astype(np.uint8)), 0, 0.0, 0.0, 0.0)
    with Image.open(io.BytesIO(jpeg(frame))) as picture:
        assert max(picture.size) <= SIDE
    taken = []
    for _ in range(20):
        begin = time.thread_time()
        jpeg(frame)
        taken.append(time.thread_time() - begin)
    assert 10 * sorted(taken)[10] < 0.03  # s a second: ten pictures


def test_a_scene_is_copied_as_text_and_pasted_into_an_empty_slot(show):
    kept = cookie(show)
    status, headers, text = ask(show, "/remote/scene", Cookie=kept)
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert scene_in(text.decode()) == replace(show.scene, loads=0)
    friends = b'title = "Friend"\n[prompt]\ntext = "aurora"\n'
    before = set(show.bank.slots())
    status, _, body = ask(show, "/remote/scene", "POST", friends, Cookie=kept, Origin=show.url)
    slot = json.loads(body)["slot"]
    assert (status, slot) == (200, min(set(range(1, limits.SLOTS + 1)) - before))
    wait_for(lambda: show.scene.title == "Friend")
    assert show.bank.slots()[slot].title == "Friend"
    assert show.commands[-1].preset == f"stored-{slot}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"title = 5", "title = 5"),
        (b"[bend.a]\noperator = 'rotat'\nsite = 'image'", "did you mean 'rotate'"),
        (b"\xff", "not UTF-8"),
        (b"no toml", "the pasted text: not TOML"),
        (bytes(limits.PRESET_BYTES + 1), "more than"),
    ],
)
def test_a_text_that_is_no_scene_is_refused_with_a_line(show, given, said):
    kept, slots = cookie(show), show.bank.slots()
    status, _, why = ask(show, "/remote/scene", "POST", given, Cookie=kept, Origin=show.url)
    assert status == 400
    assert said in why.decode()
    assert len(why.splitlines()) == 1
    assert show.bank.slots() == slots


def test_a_scene_is_taken_from_pages_that_are_paired_and_ours_alone(show):
    kept = cookie(show)
    assert ask(show, "/remote/scene", "POST", b"", Cookie=kept)[0] == 403
    assert ask(show, "/remote/scene", "POST", b"", Origin=show.url)[0] == 401
    assert ask(show, "/remote/scene")[0] == 401
    foreign = ask(show, "/remote/scene", "POST", b"", Cookie=kept, Origin="http://evil.example")
    assert foreign[0] == 403


def test_a_pasted_scene_needs_an_empty_slot():
    fake = FakeDesk()
    for slot in range(1, limits.SLOTS + 1):
        fake.bank.stored[slot] = fake.desk.scene.get()
    with pytest.raises(Refused, match="every slot is full"):
        paste(fake.desk, "seed = 1")


def test_a_picture_that_a_page_sends_becomes_a_mask(show):
    kept, file = cookie(show), io.BytesIO()
    Image.new("L", (8, 8), 255).save(file, "PNG")
    status, _, body = ask(
        show, "/remote/mask", "POST", file.getvalue(), Cookie=kept, Origin=show.url
    )
    assert (status, json.loads(body)) == (200, {"name": "remote-1"})
    assert [one.name for one in show.folder.iterdir()] == ["remote-1.png"]
    for data in (b"not a picture", bytes(limits.UPLOAD + 1)):
        assert ask(show, "/remote/mask", "POST", data, Cookie=kept, Origin=show.url)[0] == 400
    assert ask(show, "/remote/mask", "POST", file.getvalue(), Cookie=kept)[0] == 403
    assert ask(show, "/remote/mask", "POST", file.getvalue(), Origin=show.url)[0] == 401
    assert len([*show.folder.iterdir()]) == 1


def test_a_panic_is_one():
    with playing() as show:

        async def talk():
            async with socket(show) as page:
                await page.send_bytes(packet("panic").dgram)
                await asyncio.to_thread(wait_for, lambda: bool(show.commands))

        asyncio.run(talk())
        assert show.commands == [Panic()]
