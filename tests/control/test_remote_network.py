"""A show in a network: found by its name, and closed to strangers."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from pythonosc.udp_client import SimpleUDPClient

from livebend.control.door import Door
from livebend.control.osc import OscInput
from livebend.control.osc_endpoint import listen
from livebend.control.remote import announcing, server
from tests.fakes.desk import DUB
from tests.fakes.osc import wait_for
from tests.fakes.remote import Show

zeroconf = pytest.importorskip("zeroconf")
SERVICES = {announcing.QUERY: "tcp", announcing.OSC: "udp"}


class Heard(zeroconf.ServiceListener):
    """What is announced now, by its full name."""

    def __init__(self):
        self.ports, self.changed = {}, threading.Semaphore(0)

    def add_service(self, browser, kind, name):
        found = browser.get_service_info(kind, name)
        self.ports[name] = found.port if found else None
        self.changed.release()

    update_service = add_service

    def remove_service(self, browser, kind, name):
        self.ports.pop(name, None)
        self.changed.release()


@pytest.fixture
def on_loopback(monkeypatch):
    """Announce on this machine alone; skip where its loopback carries no multicast."""
    with ExitStack() as ending:
        hear = ending.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        group = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
        try:
            hear.bind(("", 0))
            hear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            hear.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, group[4:])
            hear.settimeout(1.0)
            hear.sendto(b"?", ("224.0.0.251", hear.getsockname()[1]))
            hear.recv(1)
        except OSError:
            pytest.skip("no multicast on the loopback")
    announce = announcing.announced
    monkeypatch.setattr(
        server, "announced", lambda *given: announce(*given, interfaces=["127.0.0.1"])
    )


def test_a_show_is_found_by_a_name_of_its_own_and_gone_at_its_end(on_loopback):
    heard = Heard()
    with zeroconf.Zeroconf(interfaces=["127.0.0.1"]) as browser:
        zeroconf.ServiceBrowser(browser, list(SERVICES), heard)
        shows = [Show(lan=True), Show(lan=True)]
        for show in shows:
            show.remote.start()
        # A loopback is shared: what else is announced on it is not looked at.
        wait_for(lambda: all(len(show.remote.names) == 2 for show in shows))
        names = {name for show in shows for name in show.remote.names}
        assert len(names) == 4
        wait_for(lambda: all(heard.ports.get(name) for name in names))
        for show in shows:
            (query, osc) = show.remote.names
            assert query.endswith(f".{announcing.QUERY}")
            assert osc.endswith(f".{announcing.OSC}")
            assert (heard.ports[query], heard.ports[osc]) == (show.port, 9001)
        for show in shows:
            assert show.remote.stop()
        wait_for(lambda: not names & heard.ports.keys())
    assert not [show.warned for show in shows if show.warned]


def test_a_browser_that_nobody_here_wrote_finds_the_show_and_reads_it(on_loopback, monkeypatch):
    theirs = pytest.importorskip("pythonoscquery.osc_query_browser")
    monkeypatch.setattr(theirs, "Zeroconf", lambda: zeroconf.Zeroconf(interfaces=["127.0.0.1"]))
    show, browser = Show(lan=True), theirs.OSCQueryBrowser()
    everything = browser.get_discovered_oscquery

    def ours():
        """Leave out what else is announced on this loopback."""
        return [service for service in everything() if service.port == show.port]

    monkeypatch.setattr(browser, "get_discovered_oscquery", ours)
    show.remote.start()
    try:
        wait_for(lambda: any(ours()))
        ((service, host, node),) = browser.find_nodes_by_endpoint_address("/livebend/seed")
        assert (service.port, host.osc_port, node.value) == (show.port, 9001, [DUB.seed])
        assert browser.find_service_by_name("livebend") is service
    finally:
        assert show.remote.stop()
        browser.zc.close()


def test_a_network_that_allows_no_announcing_is_a_notice(monkeypatch):
    def refused(**_):
        raise OSError("the network is unreachable")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refused)
    show = Show(lan=True)
    show.remote.start()
    wait_for(lambda: bool(show.warned))
    assert show.warned == [
        "remote: not announced in the network: OSError: the network is unreachable"
    ]
    assert show.get("/livebend/seed")[0] == 200
    assert show.remote.stop()


# What a stranger tries: everything that is asked is counted if it is told.
STRANGER = """
import http.client, json, socket, sys
host, port, osc = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
found = []
for path in ("/", "/livebend/seed", "/?HOST_INFO"):
    client = http.client.HTTPConnection(host, port, timeout=10)
    client.request("GET", path)
    answer = client.getresponse()
    found.append((answer.status, answer.read().decode()))
key = "Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n"
key += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n"
with socket.create_connection((host, port), 10) as raw:
    raw.sendall(f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\n{key}".encode())
    found.append((int(raw.recv(65536).split()[1]), ""))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.bind(("", 9000))
    sender.settimeout(0.5)
    for address in (b"/livebend/seed\\0\\0", b"/livebend/?\\0", b"/livebend/blackout\\0\\0"):
        sender.sendto(address + b",i\\0\\0\\0\\0\\0\\7", (host, osc))
    sender.sendto(b"/livebend/seed\\0\\0,\\0\\0\\0", (host, osc))
    try:
        sender.recv(2048)
        found.append((0, "seed"))
    except TimeoutError:
        pass
print(json.dumps(found))
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def elsewhere():
    """A machine of its own beside this one: how to run a command there, its address and ours."""
    if sys.platform != "linux" or os.geteuid() or not shutil.which("ip"):
        pytest.skip("needs root and ip, on Linux")
    name = f"lb{os.getpid()}"
    with ExitStack() as ending:
        try:
            ip("netns", "add", name)
            ending.callback(ip, "netns", "del", name)
            ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
            ip("addr", "add", "198.18.77.1/30", "dev", f"{name}a")
            ip("link", "set", f"{name}a", "up")
            ip("-n", name, "addr", "add", "198.18.77.2/30", "dev", f"{name}b")
            ip("-n", name, "link", "set", f"{name}b", "up")
        except subprocess.CalledProcessError as why:
            pytest.skip(f"no network namespaces here: {why.stderr.decode().strip()}")
        yield ["ip", "netns", "exec", name], "198.18.77.2", "198.18.77.1"


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True])
def test_a_stranger_changes_nothing_and_reads_nothing(elsewhere, known):
    there, his, ours = elsewhere
    allow = ["127.0.0.0/8", ours, *([his] if known else [])]
    door = Door(allow, (warned := list[str]()).append, keyed=True)
    show = Show(host="0.0.0.0", door=door)
    commands = []
    object.__setattr__(show.desk, "give", lambda command: commands.append(command) or True)
    osc = OscInput(show.desk, listen("0.0.0.0", 0), door=door).start()
    show.remote.start()
    try:
        run = [*there, sys.executable, "-c", STRANGER, ours, str(show.port), str(osc.address[1])]
        done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
        wait_for(lambda: osc.counts.turned_away + osc.counts.messages == 4)
        found = json.loads(done.stdout)
        assert show.get("/livebend/seed")[0] == 200
        with SimpleUDPClient("127.0.0.1", osc.address[1]) as client:
            client.send_message("/livebend/seed", 8)
        wait_for(lambda: bool(commands) and commands[-1].value == 8)
    finally:
        assert show.remote.stop()
        assert osc.stop()
    if known:
        assert [status for status, _ in found[:4]] == [200, 200, 200, 101]
        assert len(commands) == 2
        return
    assert [status for status, _ in found] == [403] * 4
    assert all("seed" not in text for _, text in found)
    assert (len(commands), osc.counts.messages, show.remote.counts.turned_away) == (1, 1, 4)
    assert warned == [
        f"{his} is turned away; key A lets it in, Shift A never;"
        f" or --osc-allow {his} would let it in"
    ]
