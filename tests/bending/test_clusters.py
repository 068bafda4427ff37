"""Clusters of channels in a bend: named, they are their channels."""

import pytest
import torch

from livebend.bending.clusters import Cluster, Clusters
from livebend.core.errors import LivebendError, OutOfRange, Refused, UnknownName
from livebend.rendering.network import Network, Setup
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Scene
from tests.fakes.networks import CountingEngine, picture


def clusters(**sites):
    """Clusters of sites, each given as its lists of channels."""
    return Clusters(
        {
            site.replace("_", "."): {f"c{n}": Cluster(c, 0.1) for n, c in enumerate(lists)}
            for site, lists in sites.items()
        }
    )


@pytest.fixture(scope="module")
def network(model):
    known = clusters(unet_mid=["0,3-5", "7"], unet_up_2=["1"])
    return Network(model, 64, 64, Setup(CountingEngine(), clusters=known))


def bent(channels, site="unet.mid"):
    return Bend("b", "rotate_pairs", site, {"angle": 60.0}, channels=channels)


def test_a_cluster_is_its_channels(network):
    for named, listed in (("cluster:c0", "0,3-5"), ("cluster:c0,c1", "0,3-5,7")):
        want = picture(network, (bent(listed),)).image.tensor
        assert torch.equal(picture(network, (bent(named),)).image.tensor, want)


def test_another_cluster_loads_no_runner(network):
    picture(network, (bent("all"),))
    made = [*network.engine.made]
    for channels in ("cluster:c1", "cluster:c0", "0-3", "random:0.5:1", "cluster:c0,c1"):
        picture(network, (bent(channels),))
    assert network.engine.made == made


@pytest.mark.parametrize(
    ("channels", "site", "error", "said"),
    [("cluster:c7", "unet.mid", UnknownName, "did you mean 'cluster:c"),
     ("cluster:c0,x", "unet.mid", UnknownName, "cluster of unet.mid"),
     ("cluster:", "unet.mid", UnknownName, "cluster of unet.mid"),
     ("cluster:c0", "image", Refused, "image has no clusters"),
     ("clusters:c0", "unet.mid", OutOfRange, "or cluster:c0")],
)  # fmt: skip
def test_what_is_not_there_is_refused(network, channels, site, error, said):
    with pytest.raises(error, match=said):
        network.check(Scene(bends=(bent(channels, site),)))


def test_controllers_name_them_too(network):
    scene = Scene(bends=(bent("all"),))
    changed = network.check(Set("bend.b.channels", "cluster:c1").apply(scene))
    assert changed.bend("b").channels == "cluster:c1"


def test_a_network_without_them_names_the_command(model):
    network = Network(model, 64, 64)
    with pytest.raises(LivebendError, match="without clusters"):
        network.check(Scene(bends=(bent("cluster:c0"),)))
