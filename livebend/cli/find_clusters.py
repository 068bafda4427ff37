"""`livebend clusters`: find clusters of channels that draw alike at each site, and store them.

Pictures of many prompts and seeds are painted, and every channel's map is centred over its picture,
so that its pattern counts and not its brightness. The affinity of two channels is the squared
correlation of their maps: one that draws the negative of another draws the same. The groups are
those of spectral clustering. Sources: Broad et al. 2021, section 4.2 (clusters of channels that
draw alike, there by a network trained to compare maps); Ng, Jordan and Weiss 2001, algorithm 1.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from livebend.bending.clusters import Cluster, Clusters, own_file, spelled, write_clusters
from livebend.cli.options import wanted_of
from livebend.cli.printing import print_rows
from livebend.core.errors import OutOfRange, Refused
from livebend.core.files import check_place
from livebend.core.sites import UNET
from livebend.core.sizes import painted_size
from livebend.device.memory import Versioned
from livebend.models.checkpoint import Wanted, load_model
from livebend.models.fingerprint import fingerprint
from livebend.rendering.network import Network
from livebend.scene.values import Sampling

PROMPTS = (
    "a floating orb", "3D mesh geometry", "starry night", "forest with river",
    "thunderstorm with lightning", "a crane", "flames", "ocean waves", "mountains at sunset",
    "a city at night", "a flower", "a portrait of a woman", "aurora", "a kaleidoscope",
)  # fmt: skip
SEEDS = (1, 2)
CALLS = 4  # network calls at most: what a channel draws changes little from call to call
SIDE = 16  # maps are averaged down to this size: finer detail says little about what is drawn
LEAST = 4  # channels that a cluster has on average, at least
RESTARTS, ROUNDS = 8, 100  # of k-means

Array = NDArray[np.float64]


def run(options: argparse.Namespace) -> int:
    """Find the channels that draw alike, store them and list them."""
    model = wanted_of(options)
    found = make_clusters(model, options.size, options.count, options.output, quiet=options.json)
    rows = [
        {"site": site, "cluster": name, "energy": f"{c.energy:.1%}", "channels": c.channels}
        for site, members in found.sites.items()
        for name, c in members.items()
    ]
    print_rows(rows, as_json=options.json)
    return 0


def make_clusters(
    model: str | Wanted,
    size: tuple[int, int] | None,
    count: int,
    file: Path | None = None,
    *,
    quiet: bool = False,
) -> Clusters:
    """Find, store and return clusters for every site of a model.

    size: (W, H) of the pictures in pixels; None = the model's own.
    count: clusters at a site, at most; 2..64.
    file: where they are stored; None = the cache.
    quiet: without a progress bar.
    Raises: LivebendError.
    """
    if not 2 <= count <= 64:
        raise OutOfRange(f"--count {count}: expected 2..64")
    if file is not None:
        check_place(file, "-o")
    loaded = load_model(model)
    if not loaded.places:
        raise Refused(f"--model {loaded.name}: it is made anew at every start: expected a folder")
    shape = painted_size(size or (loaded.native, loaded.native), loaded.factor)
    grams = _inner_products(Network(loaded, *shape), quiet)
    found = Clusters({site: made for site, g in grams.items() if (made := clusters_of(g, count))})
    weights = fingerprint(*loaded.places)
    write_clusters(file or own_file(weights), found, weights)
    return found


def clusters_of(gram: Array, count: int) -> dict[str, Cluster]:
    """Return up to `count` clusters of channels, from the inner products [C, C] of their maps."""
    energy = np.diag(gram)
    count = min(count, len(gram) // LEAST)
    if count < 2 or not energy.sum() > 0.0:
        return {}
    size = np.sqrt(np.maximum(energy, 1e-12 * energy.max()))
    labels = spectral((gram / np.outer(size, size)) ** 2, count)
    groups = [np.flatnonzero(labels == k) for k in range(count)]
    fractions = [float(energy[group].sum() / energy.sum()) for group in groups]
    order = sorted(range(count), key=lambda k: (-fractions[k], tuple(groups[k])))
    chosen = [(groups[k], fractions[k]) for k in order if len(groups[k])]
    return {
        f"c{n}": Cluster(spelled(int(c) for c in group), fraction)
        for n, (group, fraction) in enumerate(chosen)
    }


def spectral(affinity: Array, count: int) -> NDArray[np.int64]:
    """Return the cluster 0..count−1 of every row of an affinity matrix [N, N], each value ≥ 0.

    k-means over the normalised rows of Y, the eigenvectors of the `count` largest eigenvalues of
    D^(−1/2)·A·D^(−1/2), A the affinity without its diagonal and D its row sums. Source: Ng, Jordan
    and Weiss 2001, algorithm 1.
    """
    a = affinity - np.diag(np.diag(affinity))
    d = 1.0 / np.sqrt(np.maximum(a.sum(1), 1e-12))
    _, vectors = np.linalg.eigh(a * np.outer(d, d))
    y = vectors[:, -count:]
    y = y / np.maximum(np.linalg.norm(y, axis=1, keepdims=True), 1e-12)
    rng = np.random.default_rng(0)
    return min((_k_means(y, count, rng) for _ in range(RESTARTS)), key=lambda found: found[0])[1]


def _k_means(y: Array, count: int, rng: np.random.Generator) -> tuple[float, NDArray[np.int64]]:
    """Return (sum of squared distances, cluster of every row). Source: Lloyd 1982; first centres as
    in Arthur and Vassilvitskii 2007."""
    centres = y[[int(rng.integers(len(y)))]]
    while len(centres) < count:
        nearest = _squared_distances(y, centres).min(1)
        odds = nearest / nearest.sum() if nearest.sum() > 0.0 else None
        centres = np.concatenate([centres, y[[int(rng.choice(len(y), p=odds))]]])
    labels = np.full(len(y), -1)
    for _ in range(ROUNDS):
        new = _squared_distances(y, centres).argmin(1)
        if np.array_equal(new, labels):
            break
        labels = new
        present = [k for k in range(count) if (labels == k).any()]
        centres = centres.copy()
        centres[present] = [y[labels == k].mean(0) for k in present]
    return float(_squared_distances(y, centres).min(1).sum()), labels


def _squared_distances(y: Array, centres: Array) -> Array:
    squared: Array = ((y[:, None] - centres[None]) ** 2).sum(2)
    return squared


def _inner_products(network: Network, quiet: bool) -> dict[str, Array]:
    """Return the inner products [C, C] of all channels' maps at every site, summed over pictures
    and calls."""
    model = network.model
    prompts = PROMPTS if model.vocabulary is None else model.vocabulary.prompts
    sampling = Sampling(steps=min(model.steps, CALLS))
    grams: dict[str, Array] = {}
    pictures = [(n, text, seed) for n, text in enumerate(prompts) for seed in SEEDS]
    for n, text, seed in tqdm(pictures, unit="picture", disable=quiet):
        network.memory.forget()
        embedded = Versioned(-1 - n, model.encode([text]))
        network.paint(network.noise(seed)[0], embedded, (), sampling)
        for site, x in _written(network, sampling.steps):
            grams[site] = grams.get(site, 0.0) + _gram(x)
    return grams


def _written(network: Network, calls: int) -> Iterator[tuple[str, Tensor]]:
    """Yield (site, tensor) of all that the stages wrote, in every call; the decoder runs once."""
    for stage in network.stages:
        for k in range(calls if stage.name.startswith(UNET) else 1):
            for site, value in zip(stage.writes, network.memory.newest(stage.name, k), strict=True):
                if site in network.sites:  # pixels are not a site
                    yield site, value.tensor


def _gram(x: Tensor) -> Array:
    """Return X·Xᵀ for the centred maps X [C, H·W] of the last sample of x [B, C, H, W]."""
    side = (min(x.shape[2], SIDE), min(x.shape[3], SIDE))
    maps = torch.nn.functional.adaptive_avg_pool2d(x[-1].float(), side).flatten(1)
    maps = maps - maps.mean(1, keepdim=True)
    product: Array = (maps @ maps.T).cpu().double().numpy()
    return product
