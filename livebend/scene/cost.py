"""How much of a frame a preset computes again by itself, estimated without loading a network.

Only what changed is computed again: everything where the noise or the prompt moves, otherwise the
stages after the bends that routes drive; less where the preset reuses results. The costs are those
of the embedded model at 256×256, measured stage by stage in one run on one thread; for another
model or machine they give the order only.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from livebend.core.sites import LATENT, MID, SKIP, UP, Place, deep_span, own_block, place
from livebend.core.specs import specs_of
from livebend.scene.values import Echo, Reuse, Walk

# ms in eager torch, by stage: the minimum of 30 frames.
UNET = {
    "unet.in": 0.1, "unet.down.0": 0.4, "unet.down.1": 0.5, "unet.down.2": 1.4, "unet.down.3": 1.1,
    "unet.mid": 1.6, "unet.up.0": 3.2, "unet.up.1": 3.8, "unet.up.2": 1.6, "unet.up.3": 1.1,
    "unet.out": 0.1,
}  # fmt: skip
DECODER = {"vae.in": 1.0, "vae.up.0": 2.0, "vae.up.1": 4.0, "image": 1.6, "pixels": 0.2}
SKIPS_PER_BLOCK = 2  # that each block of the way up reads, the deepest first

Table = Mapping[str, Any]


def cost_of(preset: Table) -> float:
    """Return the fraction 0..1 of a full frame that a preset computes again while it plays by
    itself, without controllers and new prompts; where it reuses results, the mean of many frames.
    """
    sampling = preset.get("sampling", {})
    calls = max(int(sampling.get("steps", 0)), 1)
    depths = {place(bend["site"]).depth for bend in _bends(preset)}
    inserted = len(depths - {None, 0.0, 1.0}) if sampling.get("depth") == "insert" else 0
    unet, decoder = (calls + inserted) * sum(UNET.values()), sum(DECODER.values())
    deep, level, tween, hold = _reuse(preset)
    costs = [_cost_after(site, calls, inserted) for site in _driven_sites(preset)]
    tail = min(max(costs, default=0.0), unet + decoder)
    if _moves_everything(preset) or _walks(preset):
        every = tween if _moves_everything(preset) else max(tween, hold)
        fresh = unet * (1.0 - _deep_fraction(level) * (1.0 - 1.0 / deep))
        again = max(tail - decoder, 0.0) * (1.0 / tween - 1.0 / every)
        return (fresh / every + again + decoder) / (unet + decoder)
    return (tail - max(tail - decoder, 0.0) * (1.0 - 1.0 / tween)) / (unet + decoder)


def _reuse(preset: Table) -> tuple[int, ...]:
    """Return (frames between refreshes of the deep stages, where deep begins, frames between
    pictures of the network, frames that a noise is held)."""
    reuse, walk = _group(preset, "reuse", Reuse), _group(preset, "walk", Walk)
    often = (reuse["deep"], reuse["level"], reuse["tween"], walk["hold"])
    return tuple(max(int(n), 1) for n in often)


def _deep_fraction(level: int) -> float:
    """The fraction of the unet's cost that its deep stages have."""
    costs = list(UNET.values())
    return sum(costs[slice(*deep_span(list(UNET), level))]) / sum(costs)


def _group(preset: Table, name: str, group: type) -> Table:
    """A group's values: those of the preset, or their defaults."""
    return {n: s.default for n, s in specs_of(group).items()} | dict(preset.get(name, {}))


def _bends(preset: Table) -> Iterator[Table]:
    for bend in preset.get("bend", {}).values():
        if isinstance(bend, Mapping) and isinstance(bend.get("site"), str):
            yield bend


def _walks(preset: Table) -> bool:
    walk = _group(preset, "walk", Walk)
    return bool(walk["radius"] and walk["period"])


def _moves_everything(preset: Table) -> bool:
    """Whether a route moves what the network reads: seed, prompt, walk, sampling or picture; a
    LoRA, which may be on any of its layers; or the last frame is fed back."""
    targets = [route.get("target", "") for route in preset.get("route", {}).values()]
    heads = {str(target).partition(".")[0] for target in targets}
    fed_back = _group(preset, "echo", Echo)["decay"]
    moving = {"seed", "prompt", "walk", "sampling", "picture", "echo", "lora"}
    return bool(fed_back or heads & moving)


def _driven_sites(preset: Table) -> Iterator[str]:
    """The sites of the bends that routes drive."""
    bends = preset.get("bend", {})
    for route in preset.get("route", {}).values():
        kind, _, rest = str(route.get("target", "")).partition(".")
        bend = bends.get(rest.rpartition(".")[0])
        if kind == "bend" and bend is not None:
            yield bend["site"]


def _cost_after(site: str, calls: int, inserted: int) -> float:
    """Milliseconds of all that depends on a site, in all calls and the decoder."""
    call, decoder = sum(UNET.values()), sum(DECODER.values())
    where = place(site)
    if where.site == LATENT:
        return max(calls + inserted - _calls_before(where, calls, inserted), 0) * call + decoder
    if where.site in DECODER:
        return _sum_after(DECODER, where.site)
    later = calls + inserted - 1 - (where.step or 0)
    if later < 0:  # there is no such call, and the bend never acts
        return 0.0
    return _sum_after(UNET, _last_kept(where.site)) + later * call + decoder


def _calls_before(where: Place, calls: int, inserted: int) -> int:
    """The network calls before a bend of the latent."""
    if where.step is not None:
        return where.step
    depth = 1.0 if where.depth is None else where.depth
    return math.ceil(depth * calls) if inserted and depth < 1.0 else round(depth * calls)


def _last_kept(site: str) -> str:
    """The last stage that does not run again when the tensor at a site changes: the one that makes
    it or, of a skip or of what a single block reads, the one before the block that reads it."""
    names = list(UNET)
    if (block := own_block(site)) is not None:
        return names[names.index(block) - 1]
    if not site.startswith(SKIP):
        return site if site in UNET else "unet.in"
    blocks = sum(stage.startswith(UP) for stage in UNET)
    number = blocks - 1 - int(site.removeprefix(SKIP)) // SKIPS_PER_BLOCK
    return f"{UP}{number - 1}" if number > 0 else MID


def _sum_after(costs: Mapping[str, float], name: str) -> float:
    names = list(costs)
    return sum(list(costs.values())[names.index(name) + 1 :])
