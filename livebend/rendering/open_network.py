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
from livebend.rendering.network import Network, Setup


def open_network(
    model: str,
    size: tuple[int, int] | None,
    backend: str,
    notify: Notify,
    *,
    dtype: str = AUTO,
    guided: bool = False,
    drawn: DrawnMasks | None = None,
    on_phase: Notify = ignore,
) -> Network:
    """Load a model and return it as a network that is ready to paint.

    `size` (W, H) in pixels; None is the model's own.
    `backend`: `auto` is what `livebend tune` has measured here, and torch where it has not.
    `notify` gets a notice of every fall-back.
    `dtype`: `auto` is the measured one, or the device's best.
    `guided`: prepare frames with guidance as well.
    `drawn` are the drawn masks that bends may name.
    `on_phase` is called once the weights are loaded.

    The calling thread takes the network up; another thread that paints does so itself.
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
    engine = _engine(loaded, backend, choice, notify)
    setup = Setup(
        engine, drawn=drawn or DrawnMasks(), clusters=read_clusters(loaded),
        conditions=choice.conditions if choice else USUAL, off=choice.off if choice else 0.0,
    )  # fmt: skip
    lay_out(loaded, LAYOUTS[setup.conditions.layout])
    network = Network(loaded, width, height, setup)
    take_up(network)
    if engine.prepares:
        network.prepare(guided=guided)
    return network


def take_up(network: Network) -> None:
    """Prepare the calling thread to paint with a network: its number of torch's threads, and a
    stream of its own on a GPU. Before a show."""
    compute_with(network.torch_threads)
    paint_on(network.model.device)


def made_by(network: Network) -> str:
    """Return what a recording notes about how it was made: equal notes mean equal bytes."""
    return f"livebend {__version__}, torch {torch.__version__}, {network.described}"


def store_of(model: Model) -> EngineCache:
    """Return where this model's engines are kept."""
    known = fingerprint(model.folder) if model.folder else model.name.replace(":", "-")
    return EngineCache(cache_folder(), f"{known}-{STAGES_VERSION}")


def _choice(model: Model, size: tuple[int, int], dtype: str) -> Choice | None:
    return read_choice(choice_file(store_of(model), size, dtype))


def _engine(model: Model, backend: str, choice: Choice | None, notify: Notify) -> Engine:
    if choice is not None:
        return Engine(choice.stages, store_of(model), build=False, notify=notify)
    if backend in ("torch", AUTO):
        return Engine()
    notify(f"backend {backend}: what is not in the cache yet is made now")
    return Engine(backend, store_of(model), notify=notify)
