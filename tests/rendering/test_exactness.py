"""Whatever a performer does: what is remembered is bit for bit what recomputing gives."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.checkpoint import Wanted, load_model
from livebend.models.lora_file import WantedLora
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Bend, Lora, Sampling
from tests.fakes import loras
from tests.fakes.networks import CPU, F32, picture, text_of

WORDS = ("a red orb", "a blue flower", "")
SITES = ("latent@0", "latent@0.5", "latent@1", "unet.text", "unet.time", "unet.skip.1",
         "unet.down.1", "unet.mid", "unet.mid#1", "unet.up.2", "vae.up.0", "image")  # fmt: skip
SIZES = ((64, 64), (72, 64))
ROOMS = (2 << 30, 60_000)  # bytes
SAMPLERS = ("euler", "ddim", "lcm", "pndm", "dpm++")
MODELS: dict[str, object] = {}
ENGINES: dict[tuple[object, ...], Engine] = {}  # by store, model and size, each prepared once


class Performer(RuleBasedStateMachine):
    """A performer who changes one thing after another."""

    backend, store = "torch", None
    engines = 4  # of model and size, at most: on OpenVINO each is made for many seconds

    @initialize()
    def begin(self):
        self.networks, self.room = {}, ROOMS[0]
        self.bends, self.sampling = (), Sampling("euler", 1)
        self.words, self.seed, self.size, self.kind = WORDS[0], 46, SIZES[0], "turbo"
        self.loras = ()

    @rule(site=st.sampled_from(SITES), channels=st.sampled_from(["all", "0-1", "random:0.5:7"]))
    def add(self, site, channels):
        bend = Bend(f"b{len(self.bends)}", "rotate_pairs", site, {"angle": 30.0}, channels)
        self.bends = (*self.bends, bend)[-3:]

    @rule(which=st.integers(0, 2))
    def remove(self, which):
        self.bends = tuple(b for n, b in enumerate(self.bends) if n != which)

    @rule(which=st.integers(0, 2), angle=st.sampled_from([0.0, 15.0, 90.0]))
    def turn(self, which, angle):
        self._change(which, values={"angle": angle})

    @rule(which=st.integers(0, 2), mute=st.booleans(), solo=st.booleans())
    def mute_or_solo(self, which, mute, solo):
        self._change(which, mute=mute, solo=solo)

    @rule(which=st.integers(0, 2), mix=st.sampled_from([0.0, 0.5, 1.0]))
    def mix(self, which, mix):
        self._change(which, mix=mix)

    @rule(up=st.sampled_from([0.0, 0.5, 1.0]), down=st.sampled_from([0.0, -0.5]))
    def play_loras(self, up, down):
        self.loras = (Lora("up", up), Lora("down", down))

    @rule(words=st.sampled_from(WORDS))
    def prompt(self, words):
        self.words = words

    @rule(seed=st.sampled_from([46, 47]))
    def reseed(self, seed):
        self.seed = seed

    @rule(
        sampler=st.sampled_from(SAMPLERS),
        steps=st.sampled_from([1, 2]),
        guidance=st.sampled_from([0.0, 4.0]),
        depth=st.sampled_from(["nearest", "insert", "split"]),
    )
    def sample(self, sampler, steps, guidance, depth):
        self.sampling = Sampling(sampler, steps, guidance, depth)

    @rule(room=st.sampled_from(ROOMS))
    def make_room(self, room):
        """A cap that evicts what the same picture still reads, or none to speak of."""
        self.room = room
        for network in self.networks.values():
            network.memory.byte_cap = room

    @rule(size=st.sampled_from(SIZES))
    def resize(self, size):
        self._take(self.kind, size)

    @rule(kind=st.sampled_from(["turbo", "v"]))
    def swap_model(self, kind):
        self._take(kind, self.size)

    def _take(self, kind, size):
        if (kind, size) in self.networks or len(self.networks) < self.engines:
            self.kind, self.size = kind, size

    @invariant()
    def remembered_equals_recomputed(self):
        key = (self.kind, self.size)
        if key not in self.networks:
            self.networks[key] = self._fresh()
            self.networks[key].memory.byte_cap = self.room
        kept, fresh = self._paint(self.networks[key]), self._paint(self._fresh())
        assert (kept.image is None) == (fresh.image is None)
        assert kept.image is None or torch.equal(kept.image.tensor, fresh.image.tensor)
        assert torch.equal(kept.pixels.tensor, fresh.pixels.tensor)
        assert kept.strength == fresh.strength

    def _fresh(self):
        """A network that remembers nothing, on the engine that all of its kind and size run on."""
        key = (self.store, self.kind, self.size)
        if key not in ENGINES:
            store = EngineCache(self.store, self.kind) if self.store else None
            ENGINES[key] = engine = Engine(self.backend, store, notify=pytest.fail)
            if engine.prepares:
                self._on(engine).prepare(guided=True)
        return self._on(ENGINES[key])

    def _on(self, engine):
        return Network(MODELS[self.kind], *self.size, Setup(engine))

    def _paint(self, network):
        version = -1 - WORDS.index(self.words)
        negative = text_of(network, "", -9) if self.sampling.guidance > 1 else None
        return picture(
            network, self.bends, self.sampling, self.seed,
            words=self.words, version=version, negative=negative, loras=self.loras,
        )  # fmt: skip

    def _change(self, which, **more):
        self.bends = tuple(
            replace(b, **more) if n == which else b for n, b in enumerate(self.bends)
        )


def lora_files(model, folder):
    """LoRAs on the way up and on the way down."""
    return tuple(
        WantedLora(way, loras.write(folder / f"{way}.safetensors", loras.random_layers(
            model, text=(), where=f"{way}_blocks.1",
        )))
        for way in ("up", "down")
    )  # fmt: skip


def run(model_folder, folder, store, examples, steps, engines=4):
    Performer.store, Performer.engines = store, engines
    Performer.backend = "torch" if store is None else "openvino"
    for kind in ("turbo", "v"):
        MODELS[kind] = load_model(str(model_folder(kind)), CPU, F32)
    wanted = Wanted(str(model_folder("turbo")), loras=lora_files(MODELS["turbo"], folder))
    MODELS["turbo"] = load_model(wanted, CPU, F32)
    case = Performer.TestCase()
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    case.runTest()


@pytest.fixture(params=["torch", "openvino"])
def store(request, tmp_path):
    return None if request.param == "torch" else tmp_path


def test_a_short_show(model_folder, tmp_path, store):
    run(model_folder, tmp_path, store, 3, 8, 4 if store is None else 1)


@pytest.mark.slow
def test_a_long_show(model_folder, tmp_path, store):
    run(model_folder, tmp_path, store, 20, 40)
