"""A network with its engine, as every command opens it: model, size, backend, ready to paint."""

from dataclasses import replace
from importlib.metadata import version

from livebend import __version__
from livebend.bending.clusters import read_clusters
from livebend.core.errors import UnknownName
from livebend.core.files import cache_folder
from livebend.core.notify import Notify, ignore
from livebend.core.sizes import painted_size, shaped_size
from livebend.device.devices import AUTO, EMBEDDED, device_of, on_torch
from livebend.device.gpu import paint_on
from livebend.device.torch_threads import compute_with, usual
from livebend.models.backends.engine import BACKENDS, USUAL, Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Target
from livebend.models.backends.read_ahead import ReadAhead
from livebend.models.backends.tuned_choice import Choice, choice_file, read_choice
from livebend.models.checkpoint import Model, Wanted, load_model
from livebend.models.fingerprint import fingerprint
from livebend.models.precision import best_dtype, dtype_of
from livebend.models.stages import STAGES_VERSION
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.network import Network, Setup


def open_network(
    model: str | Wanted,
    size: tuple[int, int] | None,
    backend: str,
    notify: Notify,
    *,
    device: str = AUTO,
    dtype: str = AUTO,
    guidance: float = 1.0,
    drawn: DrawnMasks | None = None,
    ahead: ReadAhead | None = None,
    threads: int | None = None,
    on_phase: Notify = ignore,
    shape: tuple[int, int] | None = None,
) -> Network:
    """Load a model and return it as a network that is ready to paint.

    `size` (W, H) in pixels, moved to the nearest that the model paints; None is its own, with the
    shape of `shape` (W, H) where that is given; the embedded model's is square.
    `backend`: `auto` is what `livebend tune` has chosen here, or else the device's usual one.
    `notify` gets a notice of every fall-back.
    `device` as `--device` names it; `auto` is the usual one for this model.
    `dtype`: `auto` is the measured one, or the device's best.
    `guidance`: above 1 prepares frames with guidance as well; 0 = the model's.
    `drawn` are the drawn masks that bends may name.
    `ahead` has engines that were read before.
    `threads` compute on the processor; None is the measured number, or the usual one.
    `on_phase` is called once the weights are loaded.

    The calling thread takes the network up; another thread that paints does so itself.
    Raises: LivebendError.
    """
    if backend not in (*BACKENDS, AUTO):
        raise UnknownName("backend", backend, (*BACKENDS, AUTO))
    asked = Wanted(model) if isinstance(model, str) else model
    # Small weights are copied in moments: threads would only wait for one another.
    compute_with(1 if asked.name == EMBEDDED else usual())
    wanted, found = dtype_of(dtype), device_of(device, asked.name)
    loaded = load_model(asked, on_torch(found), wanted or best_dtype(found), notify=notify)
    width, height = _size_of(loaded, size, None if asked.name == EMBEDDED else shape, notify)
    plain = Choice(USUAL.get(found, "torch"), Target(found, usual()), loaded.precision)
    tuned = _tuned(loaded, (width, height), device, dtype) or plain
    choice = tuned if backend == AUTO else replace(plain, backend=backend)
    if threads is not None:
        choice = replace(choice, target=choice.target._replace(threads=threads))
    if choice.dtype != loaded.precision or on_torch(choice.target.device) != loaded.device:
        loaded = load_model(asked, on_torch(choice.target.device), dtype_of(choice.dtype))
    on_phase("weights")
    for note in loaded.sampled.notes:
        notify(f"model {loaded.name}: {note}")
    engine = Engine(choice.backend, store_of(loaded, ahead), choice.target, notify=notify)
    masks, clusters = drawn or DrawnMasks(), read_clusters(loaded)
    setup = Setup(engine, drawn=masks, clusters=clusters, off=choice.off)
    network = Network(loaded, width, height, setup)
    take_up(network)
    if engine.prepares:
        network.prepare(guided=(guidance or loaded.guidance) > 1.0)
    return network


def _size_of(
    loaded: Model, size: tuple[int, int] | None, shape: tuple[int, int] | None, notify: Notify
) -> tuple[int, int]:
    """The (W, H) that is painted; said where it is not the one that was asked for. All that the
    embedded model learnt from is square: a wide picture of it would be a stretched one."""
    if size is not None:
        return painted_size(size, loaded.factor, notify)
    return painted_size(shaped_size(loaded.native, shape or (1, 1)), loaded.factor, ignore)


def _tuned(loaded: Model, size: tuple[int, int], device: str, dtype: str) -> Choice | None:
    """What `livebend tune` has measured to be the fastest for a model of that size, if it has."""
    stores = (store_of(loaded), store_of(loaded, loras=False))  # tuned with its LoRAs, or without
    files = (choice_file(store, size, device, dtype) for store in stores)
    return next(filter(None, map(read_choice, files)), None)


def take_up(network: Network) -> None:
    """Prepare the calling thread to paint with a network: its number of torch's threads, and a
    stream of its own on a GPU. Before a show."""
    compute_with(network.engine.torch_threads)
    paint_on(network.model.device)


def made_by(network: Network) -> str:
    """Return what a recording notes about how it was made: equal notes mean equal bytes."""
    packages = ("torch", *network.engine.packages)
    with_ = ", ".join(f"{package} {version(package)}" for package in packages)
    return f"livebend {__version__}, {with_}, {network.described}"


def store_of(model: Model, ahead: ReadAhead | None = None, *, loras: bool = True) -> EngineCache:
    """Return where this model's engines are kept, those with its LoRAs or those without; `ahead`
    has some that were read before."""
    files = [lora.file for lora in model.wanted.loras] if loras else []
    known = fingerprint(*model.places) if model.places else model.name.replace(":", "-")
    known += f"-{fingerprint(*files)}" if files else ""
    return EngineCache(cache_folder(), f"{known}-{STAGES_VERSION}", ahead)
