"""A plan that is kept changes nothing: it depends on who drives what, and on no value."""

import typing
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.flow import Features
from livebend.modulation import modulator
from livebend.modulation.modulator import Modulator
from livebend.modulation.plan import planned, structure
from livebend.modulation.sources import SOURCES
from livebend.scene import edit, paths
from livebend.scene import values as scenes
from livebend.scene.values import Bend, Route, Sampling, Scene

LEAVES = ("mix", "angle", "amount", "strength", "mask.size", "site")
OPERATORS = st.sampled_from(["rotate", "add", "feedback"])  # of which feedback has no strength
SITES = st.sampled_from(["latent@0.8", "unet.mid"])
NAMES = st.sampled_from(["a", "b", "b~"])
SOURCE = st.sampled_from(list(SOURCES))
EDGES = st.sampled_from(typing.get_args(scenes.Edge))
DEPTHS = st.sampled_from(typing.get_args(scenes.DepthRule))
TARGETS = st.one_of(
    st.builds("bend.{}.{}".format, NAMES, st.sampled_from(LEAVES)),
    st.builds("bend.{}.{}".format, NAMES, st.sampled_from(LEAVES)),
    st.builds("route.{}.{}".format, NAMES, st.sampled_from(["high", "rate", "slew", "mute"])),
    st.sampled_from(["walk.radius", "sampling.steps", "seed", "prompt.text", "nowhere"]),
)
units = st.floats(0.0, 1.0)
bends = st.builds(Bend, NAMES, OPERATORS, SITES, mix=units)
routes = st.builds(
    Route,
    NAMES,
    SOURCE,
    TARGETS,
    high=st.floats(-400.0, 400.0),
    edge=EDGES,
    slew=st.sampled_from([0.0, 3.0]),
    mute=st.booleans(),
)


def chains(parts):
    return st.lists(parts, max_size=3, unique_by=lambda part: part.name).map(tuple)


played = st.builds(
    Scene, sampling=st.builds(Sampling, depth=DEPTHS), bends=chains(bends), routes=chains(routes)
)


# Edits: a field, the place of a part in it, and what replaces that part or some of it.
def changes(**values):
    return st.one_of([st.fixed_dictionaries({name: value}) for name, value in values.items()])


changed_bends = st.none() | changes(name=NAMES, operator=OPERATORS, site=SITES, mute=st.booleans())
changed_routes = st.none() | changes(
    name=NAMES, source=SOURCE, target=TARGETS, mute=st.booleans(), edge=EDGES
)
edits = st.one_of(
    st.tuples(st.just("bends"), st.integers(0, 2), bends | changed_bends),
    st.tuples(st.just("routes"), st.integers(0, 2), routes | changed_routes),
    st.tuples(st.just("sampling"), st.just(0), st.builds(Sampling, depth=DEPTHS)),
)


def edited(scene, edit):
    """The scene after an edit: a part comes, goes, or is another one; names stay unlike."""
    field, place, wanted = edit
    if field == "sampling":
        return replace(scene, sampling=wanted)
    parts = list(getattr(scene, field))
    if isinstance(wanted, dict):
        parts[place : place + 1] = [replace(p, **wanted) for p in parts[place : place + 1]]
    else:
        parts[place : place + 1] = [] if wanted is None else [wanted]
    unlike = len({part.name for part in parts}) == len(parts)
    return replace(scene, **{field: tuple(parts)}) if unlike else scene


def with_other_values(scene, position):
    """The scene with every number of it somewhere else, and the same parts."""
    numbers = {p: spec for p, spec in paths.every(scene) if spec.kind in ("float", "int")}
    values = {p: spec.fit(spec.range.from_unit(position), p) for p, spec in numbers.items()}
    return edit.with_values(scene, values)


@given(played, edits, units)
def test_a_plan_depends_on_the_structure_alone(scene, edit, position):
    other = with_other_values(scene, position)
    assert structure(other) == structure(scene)
    assert planned(other) == planned(scene)
    changed = edited(scene, edit)
    assert structure(changed) != structure(scene) or planned(changed) == planned(scene)


SPLIT = Scene(
    sampling=Sampling(depth="split"),
    bends=(Bend("a", "rotate", "latent@0.8"),),
    routes=(Route("r", "rms", "bend.a.angle"), Route("s", "rms", "route.r.high")),
)


@pytest.mark.parametrize(
    "edit",
    [
        ("sampling", 0, Sampling()),
        ("bends", 0, {"name": "b"}),
        ("bends", 0, {"operator": "add"}),
        ("bends", 0, {"site": "unet.mid"}),
        ("routes", 0, {"name": "b"}),
        ("routes", 0, {"source": "lfo.sine"}),
        ("routes", 0, {"target": "bend.a.mix"}),
        ("routes", 0, {"mute": True}),
        ("routes", 1, None),
    ],
    ids=str,
)
def test_another_structure_has_another_plan(edit):
    assert structure(edited(SPLIT, edit)) != structure(SPLIT)
    other, plan = planned(edited(SPLIT, edit)), planned(SPLIT)
    assert (other.passes, other.refused) != (plan.passes, plan.refused)


@given(played)
def test_a_plan_leaves_out_what_is_mute_or_drives_no_number(scene):
    plan = planned(scene)
    acting = [route.name for each in plan.passes for route in each.routes]
    assert sorted([*acting, *plan.refused]) == sorted(r.name for r in scene.routes if not r.mute)
    for target in (target for each in plan.passes for target in each.targets):
        assert target.spec == paths.find(scene, target.path)
        assert {scene.routes[route.index].target for route in target.routes} == {target.path}


@given(played, st.lists(st.tuples(edits, units), max_size=12))
def test_a_kept_plan_gives_what_one_made_anew_in_every_frame_gives(scene, show):
    """Bends and routes come, go and change, their values move, and each frame knows the last."""
    kept, planning = Modulator(), Modulator()
    for k, (change, level) in enumerate(show):
        scene = edited(with_other_values(scene, level), change)
        sound = Features(rms=level, flux=level, onset_count=k // 3, silent=False)
        made = kept.modulate(scene, sound, 100.0 + k / 20, 0.05)
        with patch.object(modulator, "structure", lambda scene: object()):  # always another one
            assert made == planning.modulate(scene, sound, 100.0 + k / 20, 0.05)
