"""A show without a window speaks on stderr and in its figures; what is sent to it acts in turn."""

import contextlib
import http.client
import json
import sys
from itertools import pairwise

import pytest
from pythonosc.udp_client import SimpleUDPClient

from livebend.cli.guarded import KEY
from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.cli.printing import Printed
from livebend.control import remote
from livebend.control.osc_endpoint import listen
from livebend.control.remote import announcing, server
from livebend.control.remote.pairing import Pairing, key_from
from livebend.core.errors import Refused, SoundError
from livebend.scene import presets
from livebend.scene.values import Scene
from tests.fakes.live import played
from tests.fakes.osc import PATIENCE, wait_for
from tests.fakes.times import ManualTime

QUICK = {"headless": True, "size": (64, 64), "seconds": 0.3, "fps": 20.0, "osc": "127.0.0.1:0"}


@pytest.fixture
def options(model_folder):
    return lambda **more: LiveOptions(**{**QUICK, "model": str(model_folder("turbo")), **more})


def warnings(report):
    """What a show warned of; its random model has a token for each letter, and cuts prompts."""
    found = [n["text"] for n in report["notices"] if n["level"] != "info"]
    return [text for text in found if not text.startswith("prompt: ")]


def no_portaudio():
    raise SoundError("PortAudio is missing")


def test_notices_go_to_stderr_and_into_the_figures(options, monkeypatch, capsys):
    monkeypatch.setattr("livebend.audio.open_input.portaudio", no_portaudio)
    _, report = played(options(input="nonexistent"))
    lines = capsys.readouterr().err.splitlines()
    said = [line for line in lines if line.startswith("livebend: ")]  # not the bars of others
    assert "livebend: PortAudio is missing; the demo plays instead" in said
    assert any("OSC: listening on this machine only (127.0.0.1:" in line for line in said)
    assert [f"livebend: {notice['text']}" for notice in report["notices"]] == said
    assert warnings(report) == []


def test_a_port_open_to_anyone_is_a_warning(options, capsys):
    _, report = played(options(osc="0.0.0.0:0"))
    (warning,) = warnings(report)
    assert "anyone on the network may play this show" in warning
    assert warning in capsys.readouterr().err


def test_a_show_answers_oscquery_at_oscs_port_number_on_this_machine_only(options, capsys):
    told = []

    def during(show, frame):
        if not told:
            host, port = show.osc.address
            assert show.remote.address == (host, port)
            client = http.client.HTTPConnection(host, port, timeout=PATIENCE)
            client.request("GET", "/livebend/seed?VALUE")
            told.append(json.loads(client.getresponse().read()))
            client.close()
            assert f"OSCQuery: http://127.0.0.1:{port}, on this machine only" in said(show)

    played(options(remote="auto"), during)
    assert told == [{"VALUE": [presets.load("default").seed]}]


def test_the_page_and_its_code_are_printed_and_in_the_operators_view_and_in_no_notice(
    options, capsys, monkeypatch
):
    monkeypatch.setenv(KEY, "a secret of the guard's")
    shown = []

    def during(show, frame):
        shown[:] = [show.display.remote, said(show), show.remote.pairing.code]

    played(options(remote="auto"), during)
    (where, code), notices, own = shown
    assert code == own == Pairing(lambda: 0.0, key_from("a secret of the guard's")).code
    assert f"remote: {where} in a browser, code {code}" in capsys.readouterr().err
    assert not [text for text in notices if code in text]


def said(show):
    return [notice["text"] for notice in show.statistics.report()["notices"]]


def test_with_lan_only_those_who_are_named_are_heard_and_a_tablet_is_told_where(
    options, monkeypatch
):
    @contextlib.asynccontextmanager
    async def silent(*_):
        yield []

    monkeypatch.setattr(announcing, "addresses", lambda: ["192.0.2.7", "fd00::7"])
    monkeypatch.setattr(server, "announced", silent)
    seen = []

    def during(show, frame):
        port = show.osc.address[1]
        assert show.osc.address[0] == show.remote.address[0] == "0.0.0.0"
        seen[:] = [said(show), port, show.reach.allow]

    played(options(remote="auto", lan=True, osc_allow=["10.0.0.5"]), during)
    lines, port, allow = seen
    assert allow == ("10.0.0.5", "127.0.0.0/8", "::1", "192.0.2.7", "fd00::7")
    assert (
        f"OSC: listening at 192.0.2.7:{port} or [fd00::7]:{port}, to this machine and 10.0.0.5"
        in lines
    )
    assert (
        f"OSCQuery: http://192.0.2.7:{port} or http://[fd00::7]:{port}, to those whom OSC hears"
        in lines
    )


def test_without_an_address_the_network_cannot_be_let_in(options, monkeypatch):
    monkeypatch.setattr(announcing, "addresses", lambda: [])
    with pytest.raises(Refused, match="--lan: this machine is in no network"):
        played(options(lan=True))


@pytest.mark.parametrize("given", [{"lan": True}, {"remote": "auto"}])
def test_without_its_library_the_remote_is_one_line(options, monkeypatch, given):
    name = "announcing" if "lan" in given else "server"
    monkeypatch.setitem(sys.modules, f"livebend.control.remote.{name}", None)
    monkeypatch.delattr(remote, name, raising=False)
    if "lan" in given:
        with pytest.raises(Refused, match="--lan: needs "):
            played(options(**given))
        return
    _, report = played(options(**given))
    assert any(n["text"].startswith("remote: needs ") for n in report["notices"])


def test_what_loading_takes_is_no_standstill_of_the_show(options, monkeypatch):
    load = LiveShow._load

    def slowly(show, screen):
        loaded = load(show, screen)
        show.time._looked -= 60.0  # as if nobody had looked at the time for so long
        return loaded

    monkeypatch.setattr(LiveShow, "_load", slowly)
    report = LiveShow(options()).play()  # on the system's clock
    assert not [n["text"] for n in report["notices"] if "stood still" in n["text"]]


def test_a_second_show_takes_the_next_free_port(options, capsys):
    with listen(port=0) as taken:
        port = taken.getsockname()[1]
        show_at = []
        played(options(osc=f"{port}"), lambda show, frame: show_at.append(show.osc.address[1]))
    assert port < show_at[0] < port + 16
    assert f"port {port} is taken" in capsys.readouterr().err


def test_what_is_sent_before_a_store_in_one_burst_is_in_what_is_stored(
    options, tmp_path, monkeypatch
):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)

    def during(show, frame):
        if frame.index != 1:
            return
        with SimpleUDPClient(*show.osc.address) as client:
            client.send_message("/livebend/seed", 77)
            client.send_message("/livebend/prompt", "aurora\nborealis")
            client.send_message("/livebend/store", 5)
            client.send_message("/livebend/seed", 78)
        wait_for(lambda: show.osc.counts.messages == 4)

    shown = []
    played(options(seconds=2.0), lambda show, frame: shown.append(show.scenes.get().seed)
           or during(show, frame))  # fmt: skip
    stored = presets.load(tmp_path / "stored-5.toml")
    assert (stored.seed, stored.prompt.text) == (77, "aurora borealis")
    before = {presets.load("default").seed, 77}
    assert any((seed, 78) in pairwise(shown) for seed in before)


def test_a_preset_that_turns_to_garbage_during_a_show_changes_nothing(
    options, tmp_path, monkeypatch
):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    presets.save(Scene(seed=5), tmp_path / "mine.toml")
    shown = []

    def during(show, frame):
        shown.append(show.scenes.get().seed)
        if frame.index == 1:
            (tmp_path / "mine.toml").write_bytes(b"\xff\0[[[seed = ")
            with SimpleUDPClient(*show.osc.address) as client:
                client.send_message("/livebend/preset", "mine")
            wait_for(lambda: show.osc.counts.messages == 1)

    _, report = played(options(seconds=2.0), during)
    assert len(shown) == 40
    assert set(shown) == {presets.load("default").seed}
    (warning,) = warnings(report)
    assert "mine.toml: not text in UTF-8" in warning


def test_a_flood_of_notices_is_printed_now_and_then(capsys):
    time = ManualTime()
    tell = Printed(time.now)
    for value in range(100):
        tell(f"walk.radius = {value}: clamped to 4.0")
    for number in range(100):
        tell(f"OSC: {number} is odd")
    tell.close()
    assert len(capsys.readouterr().err.splitlines()) == 64
    time.moment = 10.0
    tell("walk.radius = 9: clamped to 4.0")
    tell.close()
    assert capsys.readouterr().err == "livebend: walk.radius = 9: clamped to 4.0\n"


def test_an_address_that_is_not_here_is_refused_before_the_model_is_loaded(options, monkeypatch):
    monkeypatch.setattr("livebend.rendering.open_network.load_model", None)
    with pytest.raises(Refused, match=r"OSC on 192\.0\.2\.1:8000"):
        played(options(osc="192.0.2.1:8000"))
