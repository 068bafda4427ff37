"""Nothing of a show grows with its length: every cache has an end, and a long show reaches it."""

import random

import torch

from livebend.control.command_queue import CommandQueue, PromptGate
from livebend.control.osc import OscReader
from livebend.core.statistics import Statistics
from livebend.device.memory import Memory
from livebend.rendering.network import Network, Setup
from livebend.rendering.prompts import Prompts
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Prompt, Route, Scene, Walk
from tests.fakes.desk import FakeDesk
from tests.fakes.growth import held_by
from tests.fakes.networks import CountingEngine
from tests.fakes.osc import datagram
from tests.fakes.shows import Show
from tests.fakes.times import ManualTime

MANY = 1000


def test_memory_forgets_what_no_frame_asks_for():
    memory = Memory(frames=50)
    for n in range(MANY):
        memory.begin_frame()
        memory.recall("bend", n, lambda: (torch.zeros(1000),), step=("site", n))
        memory.recall("stage", 0, lambda: (torch.zeros(10),))
    kept = (memory.bytes - 40) // 4000
    assert memory.bytes == kept * 4000 + 40
    assert 51 <= kept < 55
    assert memory.ran.remembered == 1


def test_what_is_asked_for_in_every_frame_stays():
    memory, runs = Memory(frames=3), []
    for _ in range(20):
        memory.begin_frame()
        memory.recall("stage", 0, lambda: (runs.append(1) or torch.zeros(1),))
    assert len(runs) == 1


def held_after(things, work, counts=(MANY // 2, MANY)):
    """How many objects some things hold after each of these numbers of turns of work(n)."""
    held = []
    for n in range(1, counts[-1] + 1):
        work(n)
        if n in counts:
            held.append(held_by(*things))
    return held


def test_controllers_leave_nothing_behind():
    fake, time = FakeDesk(Scene()), ManualTime()
    reader = OscReader(fake.desk, time.now)
    queue = CommandQueue(notify=lambda why: None, gate=PromptGate(lambda t: False, lambda t: None))

    def play(n):
        time.moment = 3.0 * n
        reader.receive(datagram(f"/livebend/nobody{n}", 1))
        reader.receive(datagram("/livebend/bend/add", f"b{n}", "negate", "unet.mid"))
        queue.give(Set("prompt.text", f"text {n}"))
        queue.until(float(n))
        fake.commands.clear()
        fake.refused.clear()

    half, whole = held_after((reader, queue), play)
    assert whole < half + 100


def test_statistics_are_bounded():
    statistics = Statistics(ManualTime())

    def play(n):
        statistics.notice(f"notice {n}")
        statistics.frame(1.0 + n, {"unet.mid": 1e-3}, strength={f"b{n}": 0.1})

    half, whole = held_after((statistics,), play)
    assert whole < half + 100


def test_a_renderer_keeps_nothing_of_scenes_that_are_gone(model):
    """Hundreds of bends, routes, prompts and presets, each under a name of its own."""
    engine, memory = CountingEngine(), Memory(frames=20)
    network = Network(model, 64, 64, Setup(engine, memory))
    show = Show(network, prompts=Prompts(model.encode, kept=8))
    sites = [s for s in network.sites if s not in ("unet.time", "image", "latent")]
    chance, sizes = random.Random(1), []

    def play(n):
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
        show.frame(scene, dt=0.5)  # the longest span that a mask shows has passed by the half
        sizes.append(memory.bytes)
        engine.ran.clear()

    half, whole = held_after((show,), play, (160, 320))
    assert whole < half + 100
    assert max(sizes[160:]) < 1.5 * max(sizes[:160])
    assert len(engine.made) < 3 * len(network.stages)
    assert len(show.statistics.report()["stage_ms"]) < 60
