"""The models and the presets that are here.

The name of the default model, which loads torch, is repeated here; a test compares it.
"""

from pathlib import Path

from livebend.cli.doctor.findings import Finding
from livebend.cli.doctor.questions import Ask, NoAnswer, ask
from livebend.models.places import PARTS, TINY, snapshots

ASK_MODELS = """
import json
from livebend.models.catalogue import catalogue
print(json.dumps(dict(models=[(m.name, m.sampled, m.refused) for m in catalogue()])))
"""
TURBO = "stabilityai/sd-turbo"


def tiny_model(folder: Path = TINY) -> Finding:
    """The embedded model."""
    missing = missing_parts(folder)
    if missing:
        advice = "take a fresh copy of livebend, or name another with --model"
        return Finding("model tiny", f"incomplete: no {', '.join(missing)}", False, advice)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Finding("model tiny", f"complete, {size / 1e6:.0f} MB")


def turbo_model(hub: Path | None = None) -> Finding:
    """The default model for a GPU, in the hub's cache on this machine."""
    name = "model sd-turbo"
    complete = [kept for kept in snapshots(TURBO, hub) if not missing_parts(kept)]
    if complete:
        return Finding(name, str(complete[0]))
    advice = f"with a GPU: the first `livebend --model {TURBO}` fetches it"
    return Finding(name, "not on this machine", None, advice)


def other_models(ask: Ask = ask) -> list[Finding]:
    """The other models in the hub's cache, and why one cannot play."""
    try:
        answer = ask(ASK_MODELS)
    except NoAnswer as fault:
        return [Finding("models", str(fault), None, "livebend models")]
    models = answer["models"] if isinstance(answer["models"], list) else []
    return [
        Finding(f"model {name}", refused or sampled, None if refused else True)
        for name, sampled, refused in models
        if name not in ("tiny", TURBO)
    ]


def missing_parts(folder: Path) -> list[str]:
    """Return what is missing in a model's folder: its index, or a part or its weights."""
    missing = [] if (folder / "model_index.json").is_file() else ["model_index.json"]
    for part in PARTS:
        patterns = ("*.safetensors", "*.bin") if part in PARTS[:3] else ("*.json",)
        if not any(file for pattern in patterns for file in (folder / part).glob(pattern)):
            missing.append(part)
    return missing


def presets() -> Finding:
    """The presets, and which of them cannot be read."""
    from livebend.scene.presets import (  # noqa: PLC0415 - needs packages
        built_in_folder,
        list_presets,
        user_folder,
    )

    here, found = built_in_folder(), list_presets()
    if not found:
        return Finding("presets", f"none in {here}", False, "take a fresh copy of livebend")
    if unread := [info.name for info in found if not info.is_readable]:
        return Finding("presets", f"cannot be read: {', '.join(unread)}", None, "livebend presets")
    return Finding("presets", f"{len(found)} in {here}; your own in {user_folder()}")
