"""Sites, and what a bend there costs."""

import json

import pytest

from livebend.cli.main import main
from livebend.cli.site_survey import survey
from livebend.models.stages import behind
from livebend.rendering.network import Network


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def test_every_site_is_described(network):
    found = {site.name: site for site in survey(network)}
    assert tuple(found) == network.sites
    assert sum(site.share for site in found.values()) == pytest.approx(
        100.0 - found["image"].behind
    )
    assert found["unet.mid"].shape[2:] == (1, 1)
    strides = {name: found[name].stride for name in ("latent", "unet.up.1", "image", "unet.text")}
    assert strides == {"latent": 8, "unet.up.1": 16, "image": 1, "unet.text": 0}
    order = ("unet.text", "unet.down.3", "unet.mid", "unet.up.2", "unet.out", "vae.up.1", "image")
    shares = [found[name].behind for name in order]
    assert sorted(shares, reverse=True) == shares
    assert 0.0 < shares[-1] < shares[-2]  # the pixels


def test_what_runs_again_behind_a_bend(network):
    assert next(behind("unet.skip.1", network.stages)) == "unet.up.3"
    assert list(behind("latent", network.stages))[:2] == ["vae.in", "vae.up.0"]
    assert list(behind("image", network.stages)) == ["pixels"]
    attending = {s.name for s in network.stages if s.texts}
    assert attending <= set(behind("unet.text", network.stages))
    assert next(behind("unet.text.up.2", network.stages)) == "unet.up.2"


def test_the_command_lists_them(model_folder, capsys):
    model = str(model_folder("turbo"))
    assert main(["sites", "--model", model]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("site, shape, pixels per element, share")
    assert any(line.startswith("unet.mid") and line.endswith("%") for line in said)
    assert main(["sites", "--model", model, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name", "shape", "stride", "share", "behind", "clusters"} == rows[0].keys()
