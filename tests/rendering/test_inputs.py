"""What a frame is painted from: the phases of walk and prompts, and noise between two noises."""

from dataclasses import replace

import pytest
import torch

from livebend.flow import Tick
from livebend.rendering.inputs import ShowPhases, ridden, slerp
from livebend.scene.values import Lora, Prompt, Route, Scene, Walk


def places(*steps):
    """Where walk and prompts are after each (time, scene), a frame of 0.1 s each."""
    phases, moved = ShowPhases(), []
    for index, (time, scene) in enumerate(steps):
        phases.advance(scene, scene, Tick(index, time, 0.1, time))
        moved.append((phases.walk, phases.prompts))
    return moved


def test_a_new_period_changes_the_pace_and_not_the_place():
    slow = Scene(walk=Walk(period=20.0), prompt=Prompt(every=10.0))
    fast = replace(slow, walk=Walk(period=1.0), prompt=Prompt(every=0.5))
    held = replace(slow, walk=Walk(period=0.0), prompt=Prompt(every=0.0))
    moved = places((600.0, slow), (600.1, fast), (600.2, held), (600.3, held), (600.4, slow))
    assert moved[0] == pytest.approx((30.0, 60.0))
    assert moved[1] == pytest.approx((30.1, 60.2))
    assert moved[2] == moved[3] == pytest.approx((30.1, 60.2))
    assert moved[4] == pytest.approx((30.105, 60.21))


def test_a_loaded_scene_begins_where_the_time_has_it_unless_it_walks_the_same_way():
    old = Scene(walk=Walk(period=20.0), prompt=Prompt(every=10.0))
    turned = replace(old, walk=Walk(period=1.0))
    loaded = replace(old, walk=Walk(period=0.0), loads=1)
    moved = places((600.0, old), (600.1, turned), (600.2, replace(turned, loads=1)))
    assert moved[2][0] == pytest.approx(30.2)
    assert places((600.0, old), (600.1, turned), (600.2, loaded))[2][0] == 0.0


def test_noise_keeps_its_size_on_the_arc():
    a, b = torch.randn(2, 1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    for t in (0.1, 0.5, 0.9):
        assert float(slerp(a, b, t).std()) == pytest.approx(1.0, abs=0.02)
        assert torch.allclose(slerp(a, a, t), a, atol=1e-2)
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-5)


def test_the_loras_that_routes_ride_are_known_by_their_strength():
    loras = (Lora("ink"), Lora("inks"), Lora("grain"), Lora("still"))
    routes = (
        Route("a", "rms", "lora.ink.strength"),
        Route("b", "rms", "lora.grain.text"),
        Route("c", "rms", "lora.still.strength", mute=True),
        Route("d", "rms", "walk.radius"),
    )
    assert ridden(Scene(loras=loras, routes=routes)) == {"lora.ink", "lora.grain"}
    assert ridden(Scene(loras=loras)) == frozenset()
