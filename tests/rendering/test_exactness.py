"""Whatever a performer does: what is remembered is bit for bit what recomputing gives."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Sampling
from tests.fakes.networks import CPU, F32, picture, text_of

WORDS = ("a red orb", "a blue flower", "")
SITES = ("latent@0", "latent@0.5", "latent@1", "unet.text", "unet.time", "unet.skip.1",
         "unet.down.1", "unet.mid", "unet.mid#1", "unet.up.2", "vae.up.0", "image")  # fmt: skip
SIZES = ((64, 64), (72, 64))
ROOMS = (2 << 30, 60_000)  # bytes
SAMPLERS = ("euler", "ddim", "lcm")
MODELS: dict[str, object] = {}


class Performer(RuleBasedStateMachine):
    """A performer who changes one thing after another."""

    @initialize()
    def begin(self):
        self.networks, self.room = {}, ROOMS[0]
        self.bends, self.sampling = (), Sampling("euler", 1)
        self.words, self.seed, self.size, self.kind = WORDS[0], 46, SIZES[0], "turbo"

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
        self.size = size

    @rule(kind=st.sampled_from(["turbo", "v"]))
    def swap_model(self, kind):
        self.kind = kind

    @invariant()
    def remembered_equals_recomputed(self):
        key = (self.kind, self.size)
        if key not in self.networks:
            self.networks[key] = Network(MODELS[self.kind], *self.size)
            self.networks[key].memory.byte_cap = self.room
        kept, fresh = self._paint(self.networks[key]), self._paint(self._fresh())
        assert torch.equal(kept.image.tensor, fresh.image.tensor)
        assert torch.equal(kept.pixels.tensor, fresh.pixels.tensor)
        assert kept.strength == fresh.strength

    def _fresh(self):
        return Network(MODELS[self.kind], *self.size)

    def _paint(self, network):
        version = -1 - WORDS.index(self.words)
        negative = text_of(network, "", -9) if self.sampling.guidance > 1 else None
        return picture(
            network, self.bends, self.sampling, self.seed,
            words=self.words, version=version, negative=negative,
        )  # fmt: skip

    def _change(self, which, **more):
        self.bends = tuple(
            replace(b, **more) if n == which else b for n, b in enumerate(self.bends)
        )


def run(model_folder, examples, steps):
    for kind in ("turbo", "v"):
        MODELS[kind] = load_model(str(model_folder(kind)), CPU, F32)
    case = Performer.TestCase()
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    case.runTest()


def test_a_short_show(model_folder):
    run(model_folder, 3, 8)


@pytest.mark.slow
def test_a_long_show(model_folder):
    run(model_folder, 20, 40)
