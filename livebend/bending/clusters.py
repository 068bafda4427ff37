"""Named groups of a model's channels that draw alike, `cluster:c0` in a bend's channels.

`livebend clusters` finds them once per model and keeps them in the cache, or in a file beside the
weights, `clusters.json`. They are only valid for the weights they were found in.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from livebend.core.channels import check_channels
from livebend.core.errors import LivebendError, Refused, UnknownName
from livebend.core.files import cache_folder, write_text
from livebend.models.checkpoint import Model
from livebend.models.fingerprint import fingerprint

FILE = "clusters.json"
PREFIX = "cluster:"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Channels as a bend lists them, such as 0,3-5; `energy` is their fraction of the site's."""

    channels: str
    energy: float


@dataclass(frozen=True)
class Clusters:
    """The clusters of every site that has some, by name, the most energetic first.

    `why` is the reason, and what to do, where a model has none.
    """

    sites: Mapping[str, Mapping[str, Cluster]] = field(default_factory=dict)
    why: str = "this network was opened without clusters"

    def names(self, site: str) -> list[str]:
        """Return the names of a site's clusters, as a bend writes them."""
        return [PREFIX + name for name in self.sites.get(site, {})]

    def listed(self, site: str, channels: str) -> str:
        """Return a bend's channels at a site: clusters (cluster:c0,c2) become numbers.

        Raises: Refused where the site has no clusters, UnknownName.
        """
        if not channels.startswith(PREFIX):
            return channels
        if not self.sites:
            raise Refused(f"channels = {channels!r}: {self.why}")
        if site not in self.sites:
            raise Refused(f"channels = {channels!r}: {site} has no clusters; livebend sites")
        found = self.sites[site]
        wanted = [name.strip() for name in channels.removeprefix(PREFIX).split(",")]
        for name in wanted:
            if name not in found:
                raise UnknownName(f"cluster of {site}", PREFIX + name, self.names(site))
        return ",".join(found[name].channels for name in wanted)


def read_clusters(model: Model) -> Clusters:
    """Return a model's clusters: the user's own, or those that came with its weights."""
    if not model.places:
        return Clusters(why=f"{model.name} is made anew at every start and has no clusters")
    shipped = model.places[0] / FILE
    make = f"livebend clusters --model {model.name}"
    if not shipped.is_file() and not any(cache_folder().glob(f"*/{FILE}")):
        return Clusters(why=f"{model.name} has no clusters yet: {make}")
    weights = fingerprint(*model.places)
    for file in (own_file(weights), shipped):
        if (found := _read(file, weights)) is not None:
            return Clusters(found)
    stale = "those kept are of other weights" if shipped.is_file() else "no clusters yet"
    return Clusters(why=f"{model.name}: {stale}: {make}")


def own_file(weights: str) -> Path:
    """Return the file of a user's clusters of weights with that fingerprint."""
    return cache_folder() / weights / FILE


def write_clusters(file: Path, clusters: Clusters, weights: str) -> None:
    """Keep clusters of the weights with that fingerprint. Raises: Refused."""
    sites = {
        site: {n: {"energy": round(c.energy, 4), "channels": c.channels} for n, c in found.items()}
        for site, found in clusters.sites.items()
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps({"weights": weights, "sites": sites}, indent=1) + "\n")
    except OSError as why:
        raise Refused(f"{file}: cannot be written: {why.strerror}") from why


def spelled(channels: Iterable[int]) -> str:
    """Return whole numbers as a bend lists them.

    >>> spelled([0, 3, 4, 5, 9])
    '0,3-5,9'
    """
    runs: list[list[int]] = []
    for c in sorted(channels):
        if runs and c == runs[-1][1] + 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _read(file: Path, weights: str) -> dict[str, dict[str, Cluster]] | None:
    """Return a file's clusters of these weights; None where it has none or cannot be read."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        if table["weights"] != weights:
            return None
        sites = {
            site: {n: Cluster(str(c["channels"]), float(c["energy"])) for n, c in found.items()}
            for site, found in table["sites"].items()
        }
        for cluster in (c for found in sites.values() for c in found.values()):
            check_channels(cluster.channels)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LivebendError):
        return None
    return sites
