"""`livebend sites`: the tensors at a network's sites, and what a bend there costs."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from livebend.cli.options import NetworkOptions, options_of
from livebend.cli.printing import Row, print_notice, print_rows
from livebend.device.memory import Versioned
from livebend.models.stages import behind
from livebend.rendering.network import Network
from livebend.scene.values import Sampling

FRAMES = 5


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """A site.

    shape: of its tensor.
    stride: pixels of the picture per element; 0 where the tensor is no map.
    share: % of a frame of one network call that the stage takes which writes it.
    behind: % of such a frame that runs again when only a bend there moves.
    clusters: of its channels, by name.
    """

    name: str
    shape: tuple[int, ...]
    stride: int
    share: float
    behind: float
    clusters: tuple[str, ...] = ()


def run(options: argparse.Namespace) -> int:
    """List the sites of a network, and what a bend there costs."""
    found = survey(options_of(NetworkOptions, options).network(print_notice))
    if options.json:
        print(json.dumps([asdict(site) for site in found], indent=2))
        return 0
    print(
        "site, shape, pixels per element, share of a frame, share that runs again behind it,"
        " clusters of channels"
    )
    print_rows([_row(site) for site in found])
    return 0


def _row(site: SiteInfo) -> Row:
    return {
        "name": site.name,
        "shape": "x".join(map(str, site.shape)),
        "stride": site.stride or "-",
        "share": f"{site.share:.1f} %",
        "behind": f"{site.behind:.1f} %",
        "clusters": ", ".join(site.clusters),
    }


def survey(network: Network) -> list[SiteInfo]:
    """Describe every site, from the fastest of FRAMES pictures."""
    text = Versioned(-1, network.model.encode([""]))
    spent = _spent(network, text)
    whole = sum(spent.values())
    shapes: dict[str, tuple[int, ...]] = {
        "unet.text": tuple(text.tensor.shape),
        "latent": network.shape,
        "unet.time": tuple(network.memory.newest("unet.time")[0].tensor.shape),
    }
    made: dict[str, str] = {}
    for stage in network.stages:
        shapes.update(dict.fromkeys(stage.texts, shapes["unet.text"]))
        if stage.attention is not None:
            factor = stage.attention.shape(shapes[stage.reads[0]])
            shapes.update(dict.fromkeys(stage.attentions, factor))
        for site, value in zip(stage.writes, network.memory.newest(stage.name), strict=True):
            shapes[site] = tuple(value.tensor.shape)
        made[stage.writes[0]] = stage.name
    return [
        SiteInfo(
            site,
            shapes[site],
            network.width // shapes[site][3] if len(shapes[site]) == 4 else 0,
            100.0 * spent.get(made.get(site, ""), 0.0) / whole,
            100.0 * sum(spent[name] for name in behind(site, network.stages)) / whole,
            tuple(network.setup.clusters.names(site)),
        )
        for site in network.sites
    ]


def _spent(network: Network, text: Versioned) -> Mapping[str, float]:
    """Return the least seconds that each stage took."""
    fastest: dict[str, float] = {}
    for _ in range(FRAMES):
        network.memory.forget()
        network.frame()
        with network.unjoined():
            network.paint(network.noise(0)[0], text, (), Sampling(steps=1))
        for name, seconds in network.memory.ran.seconds.items():
            fastest[name] = min(fastest.get(name, seconds), seconds)
    return {stage.name: fastest[stage.name] for stage in network.stages}
