"""What two machines know the same model by, and where it is looked for."""

import hashlib

import pytest

from livebend.core.errors import ModelError
from livebend.models.model_hash import Weights, is_name, model_weights, place_of, weights_of


def test_the_hash_of_a_file_is_that_which_others_print(tmp_path):
    file = tmp_path / "ink.safetensors"
    file.write_bytes(b"weights")
    assert weights_of(file) == Weights("ink.safetensors", hashlib.sha256(b"weights").hexdigest(), 7)


def test_the_hash_of_a_folder_is_of_its_weights_alone_wherever_it_lies(tmp_path, model_folder):
    turbo = model_folder("turbo")
    moved = tmp_path / "other"
    moved.symlink_to(turbo)
    assert weights_of(moved, "x") == weights_of(turbo, "x")
    assert weights_of(turbo).sha256 != weights_of(model_folder("v1")).sha256
    assert weights_of(turbo).size > 100_000
    with pytest.raises(ModelError, match="has no weights"):
        weights_of(tmp_path)


def test_a_name_that_leads_somewhere_is_none():
    assert all(map(is_name, ("tiny", "stabilityai/sd-turbo", "a/b/x.ckpt", "ink (v2).safetensors")))
    for name in ("", ".", "..", "../x", "/etc/passwd", "~/x", "a/b/../../x.ckpt", "a\\b", "x\n",
                 "./x", "https://evil.example/x", "x" * 999, "../b"):  # fmt: skip
        assert not is_name(name), name


def test_a_local_model_is_called_by_the_end_of_its_path(model_folder, tmp_path, monkeypatch):
    turbo = model_folder("turbo")
    assert model_weights(str(turbo)).name == turbo.name
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "turbo").symlink_to(turbo)
    assert model_weights("some/turbo") == weights_of(turbo, "turbo")


def test_what_is_not_here_has_no_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert model_weights("some/turbo") == Weights("some/turbo")
    assert model_weights("random:sd-turbo") == Weights("random:sd-turbo")
    assert place_of(Weights("some/turbo"), []) == (None, False)


def test_a_file_is_found_by_its_hash_whatever_it_is_called(tmp_path):
    for name, data in (("a.safetensors", b"same size"), ("b.safetensors", b"the right")):
        (tmp_path / name).write_bytes(data)
    wanted = Weights("ink.safetensors", hashlib.sha256(b"the right").hexdigest(), 9)
    assert place_of(wanted, [tmp_path / "missing", tmp_path]) == (tmp_path / "b.safetensors", True)
    assert place_of(Weights("a.safetensors"), [tmp_path]) == (None, False)


def test_the_embedded_model_is_here():
    tiny = model_weights("tiny")
    assert place_of(tiny, [])[1]
    assert not place_of(Weights("tiny", "0" * 64, tiny.size), [])[1]
