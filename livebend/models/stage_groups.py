"""Neighbouring stages that an engine may run as one while nothing is bent between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from livebend.core.sites import LORA
from livebend.models.stages import Stage


def joined(name: str, stages: Sequence[Stage]) -> Stage:
    """Join consecutive stages into one, which writes only what later stages read.

    It reads what they read and do not write themselves, except the factors on their attention,
    which it takes to be ones. The tensors between them never appear, so it can replace them only
    where nothing is bent there. A size to reach is the same for all that need one.
    """
    made = {site for stage in stages for site in stage.writes}
    used = {site for stage in stages for site in stage.reads}
    factors = {site for stage in stages for site in stage.attentions}
    read = dict.fromkeys(r for stage in stages for r in stage.reads)
    reads = tuple(site for site in read if site not in made | factors)
    last = stages[-1].writes
    writes = (*last, *(w for stage in stages[:-1] for w in stage.writes if w not in used))

    def run(*tensors: Tensor, size: tuple[int, ...] | None = None) -> tuple[Tensor, ...]:
        known = dict(zip(reads, tensors, strict=True))
        for stage in stages:
            if stage.attention is not None:
                ones = stage.attention.ones(known[stage.reads[0]])
                known.update(dict.fromkeys(stage.attentions, ones))
            more = {"size": size} if stage.sized_by else {}
            written = stage.run(*(known[read] for read in stage.reads), **more)
            known.update(zip(stage.writes, written, strict=True))
        return tuple(known[site] for site in writes)

    sized_by = next((stage.sized_by for stage in stages if stage.sized_by), None)
    return Stage(name, reads, writes, run, sized_by, owner=stages[0].owner, parts=tuple(stages))


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring stages, and the stage that joins them."""

    stages: tuple[Stage, ...]
    whole: Stage | None  # None where they cannot be joined
    hidden: frozenset[str]  # sites whose tensors do not appear when `whole` runs
    late_loras: frozenset[str]  # strengths that its stages read, but not the first of them


def groups(stages: Sequence[Stage]) -> tuple[Group, ...]:
    """Group the stages of a network: the down and middle blocks, the up blocks, the decoder.

    So bends at unet.mid and on skips are between groups.
    """
    found: dict[str, list[Stage]] = {}
    for stage in stages:
        part = stage.name.split(".")[:2]
        up = part[0] == "unet" and part[1] in ("up", "out")
        name = "vae" if part[0] != "unet" else "unet.tail" if up else "unet.head"
        found.setdefault(name, []).append(stage)
    return tuple(_group(name, tuple(members)) for name, members in found.items())


def _group(name: str, members: tuple[Stage, ...]) -> Group:
    made = {site for stage in members for site in stage.writes}
    sized_by = {stage.sized_by for stage in members if stage.sized_by}
    if len(members) == 1 or len(sized_by) > 1 or sized_by & made:
        return Group(members, None, frozenset(), frozenset())
    whole = joined(name, members)
    inside = {site for stage in members for site in stage.attentions}
    loras = {site for site in whole.reads if site.startswith(LORA)}.difference(members[0].reads)
    hidden = inside | made.difference(whole.writes)
    return Group(members, whole, frozenset(hidden), frozenset(loras))
