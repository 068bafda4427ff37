"""Where a model is found: here, in the hub's cache without dialling, or fetched, which is said."""

import json
import shutil
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from livebend.cli.live_options import LiveOptions
from livebend.cli.main import parser
from livebend.cli.options import ShowOptions, options_of
from livebend.core.errors import ModelError
from livebend.models import checkpoint, default_model
from livebend.models.checkpoint import Wanted, find_model, load_model
from livebend.models.default_model import TURBO, model_or_default
from livebend.models.places import MOVED, PARTS, chosen, hub_name, in_cache
from tests.fakes import checkpoints


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub's library."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def hub(monkeypatch, cache, model_folder):
    """A hub that holds the random turbo model under SD-Turbo's name; returns what it was asked."""
    asked = []
    source = model_folder("turbo")
    files = sorted(f.relative_to(source).as_posix() for f in source.rglob("*") if f.is_file())

    class HfApi:
        def model_info(self, name, files_metadata):
            asked.append(("info", name))
            if name != TURBO:
                raise fake_error("RepositoryNotFoundError")("404 Client Error\nmore lines")
            siblings = [
                SimpleNamespace(rfilename=f, size=(source / f).stat().st_size) for f in files
            ]
            return SimpleNamespace(siblings=siblings, card_data={"license": "other"})

    def snapshot_download(name, allow_patterns):
        asked.append(("download", sorted(allow_patterns)))
        place = cache / f"models--{name.replace('/', '--')}" / "snapshots" / "abc"
        for file in allow_patterns:
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / file, place / file)
        return str(place)

    fake = ModuleType("huggingface_hub")
    fake.HfApi, fake.snapshot_download = HfApi, snapshot_download
    constants = ModuleType("huggingface_hub.constants")
    constants.HF_HUB_OFFLINE = False
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", constants)
    return asked


def fake_error(name):
    return type(name, (Exception,), {})


def kept(cache, name, source, revision="abc"):
    """Put a model into the cache."""
    place = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(source, place / "snapshots" / revision)
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / "main").write_text(revision)
    return place / "snapshots" / revision


def test_what_is_not_here_is_fetched_once_and_said_before(hub):
    said = []
    (place,) = find_model(Wanted(TURBO), said.append)
    assert load_model(TURBO).steps == 1
    assert [kind for kind, _ in hub] == ["info", "download"]  # the second time it was here
    (line,) = said
    assert line.startswith(f"fetching {TURBO}: 0.00 GB; its licence: other")
    assert place.name == "abc"


def test_the_cache_is_read_without_dialling(cache, model_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # an import of it would fail
    place = kept(cache, "somebody/model", model_folder("turbo"))
    assert find_model(Wanted("somebody/model")) == (place,)
    address = "https://huggingface.co/somebody/model/tree/main"
    assert find_model(Wanted(address)) == (place,)


def test_a_download_that_was_not_finished_does_not_count(cache, model_folder, hub):
    place = kept(cache, TURBO, model_folder("turbo"), "old")
    (place / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert find_model(Wanted(TURBO))[0].name == "abc"
    assert in_cache(TURBO, "", checkpoint.check_folder).name == "abc"


def test_a_name_that_was_removed_is_answered_with_the_new_one(hub, cache, model_folder):
    for old, new in MOVED.items():
        with pytest.raises(ModelError, match=f"has been removed from the hub: use {new}"):
            find_model(Wanted(old))
    assert hub == []
    old = "runwayml/stable-diffusion-v1-5"
    assert find_model(Wanted(old)) if kept(cache, old, model_folder("v1")) else None  # still plays


def test_a_name_that_the_hub_has_not_is_refused_in_one_line(hub):
    with pytest.raises(ModelError) as refused:
        find_model(Wanted("some/thing"))
    assert str(refused.value) == (
        "model 'some/thing': some/thing is not on this machine, and the hub has no such model"
    )


def test_offline_it_says_so(hub, monkeypatch):
    monkeypatch.setattr(sys.modules["huggingface_hub.constants"], "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="not on this machine, and HF_HUB_OFFLINE forbids"):
        find_model(Wanted(TURBO))


def test_offline_with_an_empty_cache_a_gpu_machine_plays_tiny(hub, monkeypatch):
    def no_network(*_, **__):
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(sys.modules["huggingface_hub"].HfApi, "model_info", no_network)
    said = []
    assert model_or_default(None, said.append) == "tiny"  # no GPU here
    monkeypatch.setattr(default_model.torch.cuda, "is_available", lambda: True)
    assert model_or_default(None, said.append) == "tiny"
    assert said == [
        f"model '{TURBO}': {TURBO} is not on this machine, and cannot be fetched: OSError:"
        " no route to host; playing tiny, the embedded model"
    ]
    assert model_or_default("x/y", said.append) == "x/y"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothere", "expected tiny, a folder, a file, or a hub id"),
        ("nothere.safetensors", "there is no such file or folder"),
        ("models/nothere.ckpt", "there is no such file or folder"),
        ("./a/b", "there is no such file or folder"),
        ("https://civitai.com/models/1", "download the file, and give its path"),
        ("a/b/c", "expected tiny, a folder"),
    ],
)
def test_what_is_no_name_is_refused_without_dialling(hub, name, said):
    with pytest.raises(ModelError, match=f"unknown model {name!r}; ") as refused:
        find_model(Wanted(name))
    assert said in str(refused.value)
    assert hub == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("stabilityai/sd-turbo", ("stabilityai/sd-turbo", "")),
        ("https://huggingface.co/stabilityai/sd-turbo", ("stabilityai/sd-turbo", "")),
        ("huggingface.co/stabilityai/sd-turbo/", ("stabilityai/sd-turbo", "")),
        (" https://hf.co/a/b/tree/main ", ("a/b", "")),
        ("https://huggingface.co/a/b/resolve/main/x/y.safetensors?download=true",
         ("a/b", "x/y.safetensors")),
        ("a/b/y.ckpt", ("a/b", "y.ckpt")),
        ("~/a", (None, "")),
    ],
)  # fmt: skip
def test_a_hub_id_is_understood_however_it_was_copied(name, found):
    assert hub_name(name) == found


def test_of_every_part_one_kind_of_weights_is_fetched(model_folder, tmp_path):
    """And what is chosen is enough to play."""
    folder = shutil.copytree(model_folder("v1"), tmp_path / "m")
    checkpoints.as_shards(folder)
    names = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
    more = [
        "README.md",
        "v1-5-pruned.ckpt",
        "unet/model.onnx",
        "safety_checker/model.safetensors",
        "vae/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
    ]
    wanted = chosen([*names, *more])
    assert not set(wanted) & set(more)
    assert set(wanted) == {n for n in names if n.split("/")[0] in (*PARTS, "model_index.json")}
    half = ["vae/diffusion_pytorch_model.fp16.safetensors"]
    assert [n for n in chosen([*names, *half]) if n.startswith("vae/diff")] == half


def test_a_decoder_by_name_is_taesds(cache, model_folder, tmp_path):
    from tests.models.test_checkpoint import small  # noqa: PLC0415 - of another file of tests

    place = kept(cache, "madebyollin/taesd", small(tmp_path)[0])
    model = load_model(Wanted(str(model_folder("v1")), vae="taesd"), torch.device("cpu"))
    assert model.places[1] == place
    assert json.loads((place / "config.json").read_text())["_class_name"] == "AutoencoderTiny"


def test_live_takes_the_small_decoder_instead_of_a_full_one(cache, model_folder, tmp_path):
    from tests.models.test_checkpoint import small  # noqa: PLC0415 - of another file of tests

    options = options_of(LiveOptions, parser().parse_args(["live", "--model", "x"]))
    offline = options_of(ShowOptions, parser().parse_args(["render", "x.wav", "--model", "x"]))
    assert (options.wanted.vae, offline.wanted.vae) == ("auto", "own")
    place, said = kept(cache, "madebyollin/taesd", small(tmp_path)[0]), []
    full, tiny = model_folder("v1"), model_folder("turbo")
    assert find_model(Wanted(str(full), vae="auto"), said.append) == (full, place)
    assert said == ["pictures are decoded by the small decoder taesd; --vae own = the model's own"]
    assert find_model(Wanted(str(tiny), vae="auto"), said.append) == (tiny,)
    assert find_model(Wanted(str(full)), said.append) == (full,)
    assert len(said) == 1
    model = load_model(Wanted(str(full), vae="auto"), torch.device("cpu"))
    assert (type(model.vae).__name__, model.scaling) == ("AutoencoderTiny", 1.0)


def test_live_keeps_the_full_decoder_where_the_small_one_cannot_be_had(hub, model_folder):
    full, said = model_folder("v1"), []
    assert find_model(Wanted(str(full), vae="auto"), said.append) == (full,)
    assert "by the model's own decoder, which is slow: " in said[-1]


def test_weights_that_are_cut_short_in_the_cache_are_fetched_again(cache, model_folder, hub):
    """They are found without being loaded."""
    place = kept(cache, TURBO, model_folder("turbo"), "old")
    file = place / "text_encoder" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert find_model(Wanted(TURBO))[0].name == "abc"
