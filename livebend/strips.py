"""One strip of pictures per operator: before, and four values of what makes it act most."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from livebend.errors import Refused
from livebend.flow import Pixels
from livebend.opening import Tell, open_network
from livebend.operators import OPERATORS, Operator
from livebend.outputs.sheet import write_sheet
from livebend.scene import Bend
from livebend.sweep import PLAIN, Painter, played

SHARES = (0.25, 0.5, 0.75, 1.0)  # of the usual way of an operator's main parameter
GOAL = 0.12  # mean distance from the picture before, of 1: changed, and still a picture


def write_strips(
    folder: Path,
    model: str,
    size: tuple[int, int] | None = None,
    backend: str = "torch",
    *,
    quiet: bool = False,
    tell: Tell = print,
) -> int:
    """Write FOLDER/OPERATOR.png for every operator; return their number. Raises: LivebendError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise Refused(f"{folder}: cannot be written: {why.strerror}") from why
    paint = Painter(open_network(model, size, backend, tell))
    for operator in tqdm(OPERATORS.values(), unit="strip", disable=quiet):
        _write_strip(folder / f"{operator.name}.png", operator, paint)
    return len(OPERATORS)


def _write_strip(file: Path, operator: Operator, paint: Painter) -> None:
    before = paint(PLAIN)
    site = good_site(operator, paint, before)
    bends = [played(Bend("it", operator.name, site), share) for share in SHARES]
    cells = [before, *(paint(replace(PLAIN, bends=(bend,))) for bend in bends)]
    name = operator.main.name if operator.main else "mix"
    values = [bend.values.get(name, bend.mix) for bend in bends]
    labels = ["before", *(f"{name} {value:g}" for value in values)]
    write_sheet(file, [cells], [site], labels, f"{operator.name}: {operator.summary}")


def good_site(operator: Operator, paint: Painter, before: Pixels) -> str:
    """The site where the operator, played half way, changes the picture clearly and leaves it one:
    its mean distance from the picture before is nearest to GOAL."""

    def miss(site: str) -> float:
        bend = played(Bend("it", operator.name, site), 0.5)
        after = paint(replace(PLAIN, bends=(bend,)))
        distance = np.abs(after.astype(np.float32) - before).mean() / 255.0
        return abs(float(distance) - GOAL)

    return min(candidates(paint.network.sites), key=miss)


def candidates(sites: Iterable[str]) -> list[str]:
    """The finished latent and the way through the network, without skips and the decoder."""
    ways = ("unet.down.", "unet.mid", "unet.up.")
    return ["latent@1", *(site for site in sites if site.startswith(ways))]
