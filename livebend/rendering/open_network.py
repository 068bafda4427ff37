"""A network with its engine, as every command opens it: model, size, backend, ready to paint."""

import torch

from livebend import __version__
from livebend.bending.clusters import read_clusters
from livebend.core.errors import UnknownName
from livebend.core.files import cache_folder
from livebend.core.notify import Notify, ignore
from livebend.device.gpu import paint_on
from livebend.device.torch_threads import compute_with
from livebend.models.backends.engine import BACKENDS, Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.tuned_choice import LAYOUTS, USUAL, Choice, choice_file, read_choice
from livebend.models.checkpoint import Model, lay_out, load_model
from livebend.models.fingerprint import fingerprint
from livebend.models.precision import AUTO, dtype_of
from livebend.models.stages import STAGES_VERSION
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.network import Network


def open_network(
    model: str,
    size: tuple[int, int] | None,
    backend: str,
    tell: Notify,
    *,
    dtype: str = AUTO,
    guided: bool = False,
    drawn: DrawnMasks | None = None,
    on_phase: Notify = ignore,
) -> Network:
    """Load a model and return it as a network that is ready to paint.

    `size` (W, H) in pixels; None = the model's own. `backend`: `auto` takes what `livebend tune`
    has measured here and makes nothing; where nothing was measured it is torch.
    `tell` hears of every fall-back. `dtype`: of auto, the measured one or the device's best.
    `guided`: prepare frames with guidance as well. `drawn`: the drawn masks in reach.
    `on_phase` hears when the weights are loaded.

    The calling thread takes the network up; another one that is to paint does so itself.
    Raises: LivebendError.
    """
    if backend not in (*BACKENDS, AUTO):
        raise UnknownName("backend", backend, (*BACKENDS, AUTO))
    loaded = load_model(model, dtype=dtype_of(dtype))
    width, height = size or (loaded.native, loaded.native)
    choice = _choice(loaded, (width, height), dtype) if backend == AUTO else None
    if choice is not None and choice.dtype != loaded.precision:
        loaded = load_model(model, dtype=dtype_of(choice.dtype))
    on_phase("weights")
    engine = _engine(loaded, backend, choice, tell)
    conditions = choice.conditions if choice else USUAL
    lay_out(loaded, LAYOUTS[conditions.layout])
    clusters = read_clusters(loaded)
    network = Network(
        loaded,
        width,
        height,
        engine,
        drawn,
        conditions=conditions,
        clusters=clusters,
        off=choice.off if choice else 0.0,
    )
    take_up(network)
    if engine.prepares:
        network.prepare(guided=guided)
    return network


def take_up(network: Network) -> None:
    """Have the calling thread paint with a network from now on: with its number of torch's threads,
    and on a GPU's stream of frames. Before a show."""
    compute_with(network.torch_threads)
    paint_on(network.model.device)


def made_by(network: Network) -> str:
    """Return what a recording says of its pictures' making: the same of all of it means the same
    bytes of every frame."""
    return f"livebend {__version__}, torch {torch.__version__}, {network.described}"


def store_of(model: Model) -> EngineCache:
    """Return where this model's engines are kept."""
    known = fingerprint(model.folder) if model.folder else model.name.replace(":", "-")
    return EngineCache(cache_folder(), f"{known}-{STAGES_VERSION}")


def _choice(model: Model, size: tuple[int, int], dtype: str) -> Choice | None:
    return read_choice(choice_file(store_of(model), size, dtype))


def _engine(model: Model, backend: str, choice: Choice | None, tell: Notify) -> Engine:
    if choice is not None:
        return Engine(choice.stages, store_of(model), build=False, tell=tell)
    if backend in ("torch", AUTO):
        return Engine()
    tell(f"backend {backend}: what is not in the cache yet is made now")
    return Engine(backend, store_of(model), tell=tell)
