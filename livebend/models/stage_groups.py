"""Neighbouring stages that an engine may run as one, where nothing is bent between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from livebend.models.stages import Stage


def joined(name: str, stages: Sequence[Stage]) -> Stage:
    """Join stages that follow one another into one, which writes what is read behind them.

    It reads what they read and do not write themselves, but for the factors on their attention,
    which are ones. What lies between them is never seen, so it stands for them only where nothing
    is bent there. Those that are told a size to reach are told the same.
    """
    made = {site for stage in stages for site in stage.writes}
    used = {site for stage in stages for site in stage.reads}
    even = {site for stage in stages for site in stage.attentions}
    read = dict.fromkeys(r for stage in stages for r in stage.reads)
    reads = tuple(site for site in read if site not in made | even)
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
    return Stage(name, reads, writes, run, sized_by, owner=stages[0].owner)


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring stages, and one stage that is all of them, or None where they cannot be joined;
    `hidden` are the sites that are never seen where that one runs."""

    stages: tuple[Stage, ...]
    whole: Stage | None
    hidden: frozenset[str]


def groups(stages: Sequence[Stage]) -> tuple[Group, ...]:
    """Group the stages of a network: the way down with the middle, the way up, the decoder.

    Bends in the middle and on skips lie between groups.
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
        return Group(members, None, frozenset())
    whole = joined(name, members)
    inside = {site for stage in members for site in stage.attentions}
    return Group(members, whole, frozenset(inside | made.difference(whole.writes)))
