"""A network with its engine, as every command opens it: model, size, backend, ready to paint."""

from collections.abc import Callable

import torch

from livebend import __version__
from livebend.backends import BACKENDS, Engine, Store, cache_folder
from livebend.backends.choices import LAYOUTS, USUAL, Conditions, choice_file, read_choice
from livebend.clusters import read_clusters
from livebend.drawn import Drawn
from livebend.errors import UnknownName
from livebend.gpu import paint_on
from livebend.models import LAYOUT, Model, lay_out, load_model
from livebend.models.fingerprint import fingerprint
from livebend.network import Network
from livebend.threads import compute_with

AUTO = "auto"
Tell = Callable[[str], None]


def open_network(
    model: str,
    size: tuple[int, int] | None,
    backend: str,
    tell: Tell,
    *,
    guided: bool = False,
    drawn: Drawn | None = None,
) -> Network:
    """Load a model and return it at a size (None = the model's own), on a backend, prepared for
    frames without and, where `guided`, with guidance; `drawn` are the drawn masks in reach.

    `auto` takes what `livebend tune` has measured here and makes nothing; where nothing was
    measured it is torch. `tell` hears of every fall-back. The calling thread takes the network up;
    another one that is to paint does so itself.
    Raises: LivebendError.
    """
    if backend not in (*BACKENDS, AUTO):
        raise UnknownName("backend", backend, (*BACKENDS, AUTO))
    loaded = load_model(model)
    width, height = size or (loaded.native, loaded.native)
    engine, conditions = _engine(loaded, (width, height), backend, tell)
    lay_out(loaded, LAYOUTS[conditions.layout])
    clusters = read_clusters(loaded)
    network = Network(
        loaded, width, height, engine, drawn, conditions=conditions, clusters=clusters
    )
    take_up(network)
    if engine.prepares:
        network.prepare(guided=guided)
    return network


def take_up(network: Network) -> None:
    """Have the calling thread paint with a network from now on: with its number of torch's threads,
    and on a GPU's stream of frames. Before a show."""
    compute_with(network.conditions.threads)
    paint_on(network.model.device)


def made_by(network: Network) -> str:
    """Return what a recording says of its pictures' making: the same of all of it means the same
    bytes of every frame."""
    return f"livebend {__version__}, torch {torch.__version__}, {network.described}"


def store_of(model: Model) -> Store:
    """Return where this model's engines are kept."""
    known = fingerprint(model.folder) if model.folder else model.name.replace(":", "-")
    return Store(cache_folder(), f"{known}-{LAYOUT}")


def _engine(
    model: Model, size: tuple[int, int], backend: str, tell: Tell
) -> tuple[Engine, Conditions]:
    if backend == "torch":
        return Engine(), USUAL
    store = store_of(model)
    if backend != AUTO:
        tell(f"backend {backend}: what is not in the cache yet is made now")
        return Engine(backend, store, tell=tell), USUAL
    choice = read_choice(choice_file(store, size, model.dtype))
    if choice is None:
        return Engine(), USUAL
    return Engine(choice.stages, store, build=False, tell=tell), choice.conditions
