"""Ten thousand random moves: nothing is built, nothing falls back, no move is expensive.

    python -m pytest tests/end_to_end/test_endurance.py -s --moves 10000

How the time is judged on a machine that others use: times are processor times of the one thread
that paints. Every move is followed by a frame over moving noise, which runs every stage. A frame
that is longer than usual is painted again over other noise; what the first takes longer than the
second is what the move cost. The most expensive twenty moves are made again several times, and the
medians are what counts.

Throughout, three more bends return tensors in another layout than they got: channels last,
transposed, in half precision.
"""

import random
from dataclasses import replace
from itertools import chain
from time import process_time

import numpy as np
import pytest
import torch

from livebend.bending.apply import active, signature
from livebend.bending.clusters import Cluster, Clusters
from livebend.core.errors import LivebendError
from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.checkpoint import load_model
from livebend.models.stages import behind
from livebend.operators.library import all_operators
from livebend.rendering.network import Network, Setup
from livebend.scene import presets
from livebend.scene.commands import Add, Load, Panic, Remove, Set, Undo
from livebend.scene.paths import specs_of_bend
from livebend.scene.values import Bend, Prompt, Scene, Walk
from tests.fakes.networks import CountingEngine
from tests.fakes.shows import Show

MOST = 4  # bends at once
WORDS = ("a red orb", "a blue flower", "night forest with river")
PRESETS = tuple(p.name for p in presets.list_presets() if "/" not in p.name)
CHANNELS = ("all", "0-1", "1,3", "random:0.5:7", "cluster:c0", "cluster:c0,c1")
MOVING = Walk(radius=0.5, period=7.0)
DT = 0.0501  # s: no multiple of it closes the walk
SETTLING = 20  # frames
WORST, AGAIN = 20, 7
LONGER = 1.2  # of a median frame
LAYOUTS = {
    "lies_otherwise": lambda y: y.contiguous(memory_format=torch.channels_last),
    "lies_transposed": lambda y: y.transpose(2, 3).contiguous().transpose(2, 3),
    "is_half": lambda y: y.half(),
}
CHAIN = tuple(map(Bend, LAYOUTS, LAYOUTS, ("unet.in", "unet.mid", "unet.up.1")))


class Performer:
    """A performer who makes one random move after another that the network takes.

    Bends of a preset on the image itself stay: an amount far out is a black picture there.
    """

    def __init__(self, network, seed, operators=None, *, whole=True):
        self._network, self._whole = network, whole
        self._chance, self._operators = random.Random(seed), sorted(operators or all_operators())
        self._sites = [s for s in network.sites if s not in ("unet.time", "image")]
        self._sites += ["latent@0", "latent@0.3"]
        self._added = 0

    def move(self, scene):
        """Return the scene after a move."""
        while True:
            command = self._command(scene)
            try:
                changed = self._network.check(command.apply(scene))
            except LivebendError:
                continue
            if len(changed.bends) <= MOST:
                return changed

    def _command(self, scene):
        what, chance = self._chance.random(), self._chance
        turnable = [bend for bend in scene.bends if bend.site != "image"]
        if what < 0.12 or not turnable:
            self._added += 1
            operator, site = chance.choice(self._operators), chance.choice(self._sites)
            return Add(Bend(f"b{self._added}", operator, site))
        if what < 0.2:
            return Remove("bend", chance.choice(scene.bends).name)
        if self._whole and what < 0.3:
            return self._whole_scene(scene)
        return self._turned(chance.choice(turnable))

    def _whole_scene(self, scene):
        chance = self._chance
        what = chance.choice(("prompt", "fade", "preset", "undo", "panic"))
        if what == "preset":
            loaded = presets.load(chance.choice(PRESETS))
            loaded = replace(loaded, prompt=replace(loaded.prompt, text=WORDS[0], turns="", to=""))
            return Load(loaded, fade=chance.choice((0.0, 0.5)))
        if what == "fade":
            return Set("prompt.fade", chance.choice((0.0, 0.5)))
        return {"prompt": Set("prompt.text", chance.choice(WORDS)), "undo": Undo()}.get(
            what, Panic()
        )

    def _turned(self, bend):
        chance = self._chance
        specs = specs_of_bend(bend)
        leaf = chance.choice(
            [n for n in specs if n not in ("site", "units", "normalise") and n[:5] != "mask."]
            + ["mask.kind", "mask.x", "mask.size"]
        )
        spec, path = specs[leaf], f"bend.{bend.name}.{leaf}"
        if leaf == "channels":
            return Set(path, chance.choice(CHANNELS))
        if leaf == "mask.kind":
            return Set(path, chance.choice([k for k in spec.choices if k != "picture"]))
        if spec.kind == "choice":
            return Set(path, chance.choice(spec.choices))
        if spec.kind == "bool":
            return Set(path, chance.random() < 0.3)
        return Set(path, spec.range.from_unit(chance.random()))


class TimedShow(Show):
    """A show whose frames are timed in processor time of this thread; its prompts are encoded."""

    def __init__(self, network):
        super().__init__(network)
        for text in WORDS:
            self.prompts.value(text)

    def timed(self, scene):
        """Paint a frame; return its seconds and how many of them no stage and no bend took."""
        begin = process_time()
        pixels = self.frame(scene, dt=DT)
        taken = process_time() - begin
        assert pixels.max() > 16, "black"
        return taken, taken - sum(self.network.memory.ran.seconds.values())

    def stages(self):
        """The stages that the last frame ran, those of a group that ran as one among them."""
        ran, joined = self.network.memory.ran.seconds, self.network.groups
        names = set(chain.from_iterable(joined.get(name, (name,)) for name in ran))
        return {stage.name for stage in self.network.stages} & names


def some_clusters(network):
    groups = {"c0": Cluster("0,2", 0.6), "c1": Cluster("1,3", 0.4)}
    return Clusters(dict.fromkeys(network.sites, groups))


def opened(model_folder, engine, dtype=None):
    torch.set_num_threads(1)
    network = Network(load_model(str(model_folder("turbo")), dtype=dtype), 64, 64, Setup(engine))
    network.setup = replace(network.setup, clusters=some_clusters(network))
    network.prepare()
    return network


def moving(scene):
    """The scene over moving noise, with the chain of layouts."""
    return replace(scene, walk=MOVING, bends=(*scene.bends, *CHAIN))


@pytest.fixture
def layouts(add_operator):
    for name, lay in LAYOUTS.items():

        def function(x, lay=lay):
            """Lay y = x out otherwise."""
            return lay(x * 1.01)

        add_operator(name, function)


@pytest.mark.slow
@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_ten_thousand_moves(backend, moves, model_folder, tmp_path, monkeypatch):
    if backend == "onnx":
        pytest.importorskip("onnxruntime")
    monkeypatch.setattr("livebend.device.memory.now", process_time)
    notices: list[str] = []
    engine = CountingEngine(backend, EngineCache(tmp_path, "w"), notify=notices.append)
    network = opened(model_folder, engine, None if backend == "torch" else torch.float32)
    show, performer = TimedShow(network), Performer(network, 5)
    scene = Scene(prompt=Prompt(WORDS[0]), walk=MOVING)
    scene = replace(scene, home=scene)
    settling = [show.timed(moving(scene))[0] for _ in range(SETTLING)]
    usual = float(np.median(settling))
    assert {bend.name for bend in show.status.get().bends if bend.active} == LAYOUTS.keys()
    everything = {stage.name for stage in network.stages}
    prepared, stored = [*engine.made], sorted(tmp_path.rglob("*"))
    times, outside, made = [], [], []
    for n in range(moves):
        before, scene = scene, performer.move(scene)
        taken, rest = show.timed(moving(scene))
        if show.stages() != everything:  # a fade begins with the very noise that was shown
            taken, rest = show.timed(moving(scene))
        assert show.stages() == everything
        times.append(taken)
        outside.append(rest)
        if n % 100 == 99:
            usual = float(np.median(times))
        if taken > LONGER * usual:
            made.append((taken - show.timed(moving(scene))[0], before, scene))
    assert engine.made == prepared
    assert sorted(tmp_path.rglob("*")) == stored
    assert (notices, engine.fallbacks) == ([], 0)
    assert show.statistics.report()["nonfinite_frames"] == 0
    assert not [n.text for n in show.status.get().notices if "left out" in n.text]
    assert network.memory.bytes < 64 << 20
    median = float(np.median(times))
    cost = _made_again(show, sorted(made, key=lambda m: -m[0])[:WORST])
    _tell(network, 1e3 * np.array(times), 1e3 * np.array(outside), len(made), cost / median)
    assert cost <= 0.5 * median


def _made_again(show, worst):
    """The seconds that the most expensive of these moves costs, made again."""
    costs = [0.0]
    for _, before, after in worst:
        pairs = []
        for _ in range(AGAIN):
            show.timed(moving(before))
            pairs.append((show.timed(moving(after))[0], show.timed(moving(after))[0]))
        first, second = np.median(pairs, axis=0)
        costs.append(float(first - second))
    return max(costs)


def _tell(network, times, outside, longer, worst):
    """Print how the times lie, in ms."""
    marks = (50, 95, 99, 100)
    rows = (("the frame after a move", times), ("of it outside stages and bends", outside))
    print(f"\n{network.described}: {len(times)} moves; processor ms, p50 p95 p99 most")
    for name, row in rows:
        print(f"  {name:32}", *(f"{ms:8.2f}" for ms in np.percentile(row, marks)))
    print(f"  {longer} frames took {LONGER} of a median one or more and were painted again;")
    print(f"  the most expensive move, made again, costs {worst:.2f} of a median frame")


@pytest.mark.slow
def test_a_move_runs_only_what_lies_behind_it(moves, model_folder):
    """Over still noise the stages that a frame runs are those behind the bends that changed."""
    network = opened(model_folder, Engine())
    remembering = [n for n, op in all_operators().items() if "past" not in op.given]
    show, performer = TimedShow(network), Performer(network, 6, remembering, whole=False)
    scene = Scene(prompt=Prompt(WORDS[0]), walk=Walk(radius=0.0))
    show.timed(scene)
    ran = 0
    for _ in range(moves):
        before, scene = scene, performer.move(scene)
        show.timed(scene)
        assert show.stages() <= expected(network, before, scene)
        ran += len(show.stages())
        show.timed(scene)
        assert show.stages() == set()
    print(f"\n{moves} moves ran {ran / moves:.1f} of {len(network.stages)} stages each")
    assert show.statistics.report()["nonfinite_frames"] == 0


def expected(network, before, after):
    """The stages behind every site at which the active bends of two scenes differ."""
    acting = [_acting(scene) for scene in (before, after)]
    changed = {
        s for s in acting[0].keys() | acting[1].keys() if acting[0].get(s) != acting[1].get(s)
    }
    stages = {stage.name for stage in network.stages}
    if changed & {"latent@0", "latent@0.3"}:
        return stages
    return {name for site in changed for name in behind(site, network.stages)}


def _acting(scene):
    found: dict[str, list[object]] = {}
    for bend in active(scene.bends):
        found.setdefault(bend.site, []).append((signature(bend), bend.mask))
    return found
