"""Nothing of a show grows with its length: every cache has an end, and a long show reaches it."""

import random
import subprocess
import sys

import pytest
import torch

from livebend.control.command_queue import CommandQueue, PromptGate
from livebend.control.osc import OscReader
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.device.memory import Memory
from livebend.flow import Features, Tick
from livebend.models.backends import engine
from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.checkpoint import load_model
from livebend.operators.drawn_masks import KEPT, DrawnMasks
from livebend.rendering.network import Network, Setup
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Prompt, Route, Scene, Walk
from tests import SCRIPTS
from tests.rendering.test_renderer import Stopped

MANY = 3000


def test_memory_forgets_what_no_frame_asks_for():
    memory = Memory(frames=50)
    for n in range(MANY):
        memory.begin_frame()
        memory.recall("bend", n, lambda: (torch.zeros(1000),), step=("site", n))
        memory.recall("stage", 0, lambda: (torch.zeros(10),))
    assert 52 <= len(memory._kept) < 56
    assert memory.bytes == (len(memory._kept) - 1) * 4000 + 40
    assert memory.ran.remembered == 1


def test_what_is_asked_for_in_every_frame_stays():
    memory, runs = Memory(frames=3), []
    for _ in range(20):
        memory.begin_frame()
        memory.recall("stage", 0, lambda: (runs.append(1) or torch.zeros(1),))
    assert len(runs) == 1


def test_prompts_are_bounded():
    prompts = Prompts(lambda texts: torch.zeros(1, 2, 2), kept=100)
    for n in range(MANY):
        prompts.value(f"prompt {n}")
    assert len(prompts._values) == 100


def test_as_many_turns_as_a_message_can_name_are_ready_at_once():
    prompts = Prompts(lambda texts: torch.zeros(1, 1, 1))
    texts = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"]
    for text in texts:
        prompts.value(text)
    assert len(" |".join(texts)) > 2000
    assert all(prompts.ready(text) for text in texts)


def test_drawn_masks_are_bounded(tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "livebend.operators.drawn_masks._decoded", lambda f: decoded.append(f) or torch.zeros(1)
    )
    for n in range(3 * KEPT):
        (tmp_path / f"m{n}.png").touch()
    drawn = DrawnMasks([tmp_path])
    for n in range(3 * KEPT):
        drawn.get(f"m{n}")
        drawn.get("m0")
    assert len(drawn._kept) == KEPT
    assert len(decoded) == 3 * KEPT


def test_controllers_leave_nothing_behind(monkeypatch):
    moments = iter(range(10**6))
    desk = type("Desk", (), {})()
    desk.scene, desk.bank, desk.output = Latest(Scene()), None, {}
    desk.warn, desk.send = lambda why: None, lambda action: True
    reader = OscReader(desk, lambda: float(next(moments)))
    queue = CommandQueue(notify=lambda why: None, gate=PromptGate(lambda t: False, lambda t: None))
    for n in range(MANY):
        reader.receive(osc(f"/livebend/nobody{n}", 1))
        reader.receive(osc("/livebend/bend/add", f"b{n}", "negate", "unet.mid"))
        queue.give(Set("prompt.text", f"text {n}"))
        queue.until(float(n))
    assert len(reader._unknown) <= 32
    assert len(reader._pending) <= 2
    assert len(queue._waiting) == len(queue._gate._requested) == 1


def osc(address, *values):
    from pythonosc.osc_message_builder import OscMessageBuilder  # noqa: PLC0415

    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def test_notices_and_stages_are_bounded():
    statistics = Statistics(Stopped())
    for n in range(MANY):
        statistics.notice(f"notice {n}")
        statistics.frame(1.0, {"unet.mid": 1.0})
    assert len(statistics.status(Features()).notices) == 8
    assert len(statistics._stages) == 1
    assert len(statistics._moments) <= 120


def test_a_renderer_keeps_nothing_of_scenes_that_are_gone(model_folder):
    """Hundreds of bends, routes, prompts and presets, each under a name of its own."""
    network = Network(load_model(str(model_folder("turbo"))), 64, 64)
    network.memory._frames = 20
    prompts = Prompts(network.model.encode, kept=8)
    statistics = Statistics(Stopped())
    render = Renderer(network, prompts, statistics, OnDemand(Status()))
    chance = random.Random(1)
    sites = [s for s in network.sites if s not in ("unet.time", "image", "latent")]
    sizes = []
    for n in range(240):
        bend = Bend(f"b{n}", "add", chance.choice(sites), {"amount": n % 7 / 10})
        trail = Bend(f"t{n}", "feedback", "latent@1", {"trail": 1.0})
        route = Route(f"r{n}", "rms", f"bend.b{n}.amount", high=0.1)
        scene = Scene(
            prompt=Prompt(f"a {n}"),
            bends=(bend, trail),
            routes=(route,),
            walk=Walk(0.3, 5),
            loads=n,
        )
        render(scene, Features(), Tick(n, n * 0.05, 0.05, 0.0))
        sizes.append(network.memory.bytes)
    kept = network.memory
    assert max(sizes[120:]) < 1.5 * max(sizes[:120])
    assert len(kept._kept) < 25 * 60
    assert len(network.engine._runners) < 3 * len(network.stages)
    assert len(network._feedback._made) <= 1
    assert len(render._modulator._followers) == len(render._modulator._added) == 1
    assert len(statistics._stages) < 60


class Failing:
    """A backend whose every load fails for a reason of its own."""

    name = "failing"

    def load(self, stage, inputs, store, *, build):
        raise engine.BackendError(f"{stage.name}: no")


def test_an_engine_s_fall_backs_are_told_once(model_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(engine.TABLE, "failing", f"{__name__}:Failing")
    monkeypatch.setattr(engine, "BACKENDS", ("torch", *engine.TABLE))
    told = []
    made = Engine("failing", EngineCache(tmp_path, "key"), notify=told.append)
    network = Network(load_model(str(model_folder("turbo"))), 64, 64, Setup(made))
    for _ in range(3):
        network.prepare()
    assert len(told) == len(made._notices) == len(network.stages) + len(network.groups)
    assert made.described(s.name for s in network.stages) == "torch"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_short_soak(model_folder):
    """The real show under real datagrams, for seconds: the figures are there and none is black."""
    command = [
        sys.executable, str(SCRIPTS / "_soak.py"), "--minutes", "0.1", "--every", "0.5", "--size",
        "64", "--model", str(model_folder("turbo")), "--rate", "30", "--limit", "100000",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"black_frames": 0' in done.stdout
    assert '"messages": 0' not in done.stdout
    assert "MB" in done.stderr


def test_a_slope_is_that_of_the_whole_and_not_of_a_jump():
    sys.path.insert(0, str(SCRIPTS))
    import _soak  # noqa: PLC0415

    sys.path.remove(str(SCRIPTS))
    flat = [(float(t), 500.0 + (50.0 if t == 100 else 0.0)) for t in range(0, 600, 10)]
    assert _soak.slope(flat) == 0.0
    rising = [(float(t), 500.0 + t / 30.0) for t in range(0, 600, 10)]
    assert _soak.slope(rising) == pytest.approx(2.0)
    assert _soak.settled(rising)[0][0] >= 140.0
