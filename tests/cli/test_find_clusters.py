"""Clusters of channels are found once per model, and kept with its weights."""

import json
import shutil

import numpy as np
import pytest

from livebend.bending.clusters import FILE, own_file, read_clusters, spelled
from livebend.cli import find_clusters
from livebend.cli.find_clusters import clusters_of, make_clusters, spectral
from livebend.cli.main import main
from livebend.core.errors import Refused
from livebend.models.checkpoint import load_model
from livebend.models.fingerprint import fingerprint
from livebend.rendering.open_network import open_network
from livebend.scene.values import Bend, Scene

SIZE = (128, 128)


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(find_clusters, "PROMPTS", ("a red orb", "a blue flower"))


@pytest.fixture
def folder(model_folder, tmp_path, monkeypatch):
    """A model and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shutil.copytree(model_folder("turbo"), tmp_path / "model")


def planted(groups, noise=0.1):
    """The inner products of channels that draw one of a few things, or its negative."""
    draw = np.random.default_rng(3)
    drawn = draw.standard_normal((max(groups) + 1, 500))
    signs = draw.choice([-1.0, 1.0], len(groups))
    maps = signs[:, None] * drawn[groups] + noise * draw.standard_normal((len(groups), 500))
    maps *= 1.0 + np.array(groups)[:, None]
    return maps @ maps.T


def test_what_draws_alike_or_its_negative_is_found():
    groups = [0, 1, 2, 0, 1, 2, 2, 0, 1, 0, 2, 2]
    found = clusters_of(planted(groups), 3)
    expected = {spelled(i for i, g in enumerate(groups) if g == k) for k in range(3)}
    assert {c.channels for c in found.values()} == expected
    assert list(found) == ["c0", "c1", "c2"]
    energies = [c.energy for c in found.values()]
    assert energies == sorted(energies, reverse=True)
    assert sum(energies) == pytest.approx(1.0)
    assert found == clusters_of(planted(groups), 3)


def test_few_channels_have_few_clusters_and_silent_ones_none():
    assert len(clusters_of(planted([0, 1, 0, 1, 0, 1, 1, 0]), 6)) == 2
    assert clusters_of(planted([0, 1, 0]), 6) == {}
    assert clusters_of(np.zeros((16, 16)), 4) == {}
    dead = planted([0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1])
    dead[3] = dead[:, 3] = 0.0
    assert sum(c.energy for c in clusters_of(dead, 3).values()) == pytest.approx(1.0)


def test_every_row_has_a_cluster_also_where_all_are_alike():
    assert set(spectral(np.ones((9, 9)), 3)) <= {0, 1, 2}
    assert set(spectral(np.eye(9), 3)) <= {0, 1, 2}


def test_numbers_are_spelled_as_a_bend_lists_them():
    assert spelled([9, 0, 3, 5, 4]) == "0,3-5,9"
    assert spelled([]) == ""


def test_they_are_kept_with_their_weights(folder, tmp_path):
    model = load_model(str(folder))
    assert "livebend clusters --model" in read_clusters(model).why
    made = make_clusters(str(folder), SIZE, 3, quiet=True)
    assert own_file(fingerprint(folder)).is_file()
    assert read_clusters(model).sites.keys() == made.sites.keys()
    found = read_clusters(model).sites["unet.up.1"]
    assert {n: c.channels for n, c in found.items()} == {
        n: c.channels for n, c in made.sites["unet.up.1"].items()
    }
    assert make_clusters(str(folder), SIZE, 3, quiet=True) == made
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert read_clusters(model).sites == {}


def test_those_beside_the_weights_are_used_until_the_weights_change(folder):
    make_clusters(str(folder), SIZE, 3, folder / FILE, quiet=True)
    assert not own_file(fingerprint(folder)).exists()
    model = load_model(str(folder))
    assert "c0" in read_clusters(model).sites["unet.mid"]
    table = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(table | {"weights": "0" * 16}))
    stale = open_network(str(folder), (64, 64), "torch", print)
    with pytest.raises(Refused, match="of other weights: livebend clusters --model"):
        stale.check(Scene(bends=(Bend("b", "add", "unet.mid", channels="cluster:c0"),)))
    for broken in ("", "[]", json.dumps(table | {"sites": {"unet.mid": {"c0": 3}}})):
        (folder / FILE).write_text(broken)
        assert read_clusters(model).sites == {}


def test_the_embedded_models_own_are_used_or_said_to_be_stale():
    found = read_clusters(load_model("tiny"))
    assert found.sites or "livebend clusters --model tiny" in found.why


def test_the_command_finds_keeps_and_lists_them(folder, capsys):
    assert main(["clusters", "--model", str(folder), "--size", "128", "--count", "3"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["unet.mid", "c0"] in [row[:2] for row in rows]
    assert main(["sites", "--model", str(folder), "--json"]) == 0
    sites = {site["name"]: site["clusters"] for site in json.loads(capsys.readouterr().out)}
    assert sites["unet.mid"] == ["cluster:c0", "cluster:c1", "cluster:c2"]
    assert sites["image"] == []
    assert main(["clusters", "--model", str(folder), "--count", "1"]) == 1
    assert "expected 2..64" in capsys.readouterr().err
