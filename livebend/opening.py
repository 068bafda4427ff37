"""A network with its engine, as every command opens it: model, size, backend, ready to paint."""

from collections.abc import Callable

from livebend.backends import BACKENDS, Engine, Store, cache_folder
from livebend.backends.choices import choice_file, read_choice
from livebend.clusters import read_clusters
from livebend.drawn import Drawn
from livebend.errors import UnknownName
from livebend.models import Model, load_model
from livebend.models.fingerprint import fingerprint
from livebend.network import Network

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
    measured it is torch. `tell` hears of every fall-back. Raises: LivebendError.
    """
    if backend not in (*BACKENDS, AUTO):
        raise UnknownName("backend", backend, (*BACKENDS, AUTO))
    loaded = load_model(model)
    width, height = size or (loaded.native, loaded.native)
    engine = _engine(loaded, (width, height), backend, tell)
    network = Network(loaded, width, height, engine, drawn, read_clusters(loaded))
    if engine.prepares:
        network.prepare(guided=guided)
    return network


def store_of(model: Model) -> Store:
    """Return where this model's engines are kept."""
    return Store(cache_folder(), fingerprint(model.folder))


def _engine(model: Model, size: tuple[int, int], backend: str, tell: Tell) -> Engine:
    if backend == "torch":
        return Engine()
    store = store_of(model)
    if backend != AUTO:
        tell(f"backend {backend}: what is not in the cache yet is made now")
        return Engine(backend, store, tell=tell)
    choice = read_choice(choice_file(store, size, model.dtype))
    if choice is None:
        return Engine()
    return Engine(choice.stages, store, build=False, tell=tell)
