"""One strip of pictures per operator: before, and some values of what makes it act most.

The picture has large shapes and fine ones, is not symmetrical and has several colours, so that
there is something to see of whatever an operator does. An operator that asks for a second prompt
gets one, and one that leaves a trail a picture before this one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from livebend.cli.printing import text_of
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue
from livebend.flow import Pixels
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator
from livebend.outputs.sheet import write_sheet
from livebend.rendering.open_network import open_network
from livebend.rendering.painter import PLAIN, Painter
from livebend.scene import edit
from livebend.scene.values import Bend, Prompt, Scene

SCENE = replace(PLAIN, prompt=Prompt("forest with river", fade=0.0))
OTHER = replace(PLAIN, prompt=Prompt("flames", fade=0.0))
FINISHED = "latent@1"
SHARES = (0.25, 0.5, 0.75, 1.0)  # of the usual way of an operator's main parameter
GOAL = 0.12  # mean distance from the picture before, of 1: changed, and still a picture
# What a share of its main parameter would hardly show, or not all of, at the finished latent.
SHOWN: Mapping[str, tuple[Mapping[str, ParameterValue], ...]] = {
    "flip": tuple({"along": along} for along in ("sides", "height", "both")),
    "bands": ({"high": 0.0}, {"high": 4.0}, {"middle": 0.0}, {"low": 0.3}),
    "clamp": tuple({"limit": limit} for limit in (1.5, 1.0, 0.5, 0.25)),
    "log": tuple({"scale": scale} for scale in (2.0, 1.0, 0.5, 0.1)),
    "couple": tuple({"amount": amount} for amount in (0.5, 1.0, 1.5, 2.0)),
    "ablate": tuple(
        {"over": over, "amount": 1.0} for over in ("elements", "channels", "rows", "columns")
    ),
    "feedback": tuple({"trail": trail} for trail in (0.1, 0.2, 0.5, 2.0)),
    "matrix_exp": tuple({"amount": amount} for amount in (-4.0, -2.0, 2.0, 4.0)),
    "subtract_mean": tuple(
        {"axis": axis, "amount": 1.0} for axis in ("all", "channel", "row", "column")
    ),
    "transform": ({"angle": 30.0}, {"angle": -90.0}, {"zoom": 1.5}, {"x_shift": 0.25}),
}


def write_strips(
    folder: Path,
    model: str,
    size: tuple[int, int] | None = None,
    backend: str = "torch",
    *,
    dtype: str = "auto",
    quiet: bool = False,
    tell: Notify = print,
) -> int:
    """Write FOLDER/OPERATOR.png for every operator; return their number. Raises: LivebendError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise Refused(f"{folder}: cannot be written: {why.strerror}") from why
    paint = Painter(open_network(model, size, backend, tell, dtype=dtype))
    for operator in tqdm(all_operators().values(), unit="strip", disable=quiet):
        _write_strip(folder / f"{operator.name}.png", operator, paint)
    return len(all_operators())


def _write_strip(file: Path, operator: Operator, paint: Painter) -> None:
    before = paint(SCENE)
    site = FINISHED if operator.name in SHOWN else good_site(operator, paint, before)
    bends = shown(operator, site)
    cells = [before, *(paint(*scenes(operator, bend)) for bend in bends)]
    labels = ["before", *(_label(operator, bend) for bend in bends)]
    write_sheet(file, [cells], [site], labels, f"{operator.name}: {operator.summary}")


def shown(operator: Operator, site: str) -> list[Bend]:
    """The bends of an operator's strip, at a site."""
    if operator.name in SHOWN:
        return [Bend("it", operator.name, site, values) for values in SHOWN[operator.name]]
    return [edit.main_at(Bend("it", operator.name, site), share) for share in SHARES]


def scenes(operator: Operator, bend: Bend) -> list[Scene]:
    """What is painted to show a bend: the picture with it, after another one for what has a past,
    and with a second prompt for what goes towards it."""
    prompt = replace(SCENE.prompt, to=OTHER.prompt.text if "toward" in operator.given else "")
    bent = replace(SCENE, prompt=prompt, bends=(bend,))
    return [replace(OTHER, bends=(bend,)), bent, bent] if "past" in operator.given else [bent]


def _label(operator: Operator, bend: Bend) -> str:
    if operator.name in SHOWN:
        named = bend.values.items()
        return ", ".join(f"{n} {text_of(v)}" for n, v in named if _varies(operator, n, v))
    name = operator.main.name if operator.main else "mix"
    return f"{name} {bend.values.get(name, bend.mix):g}"


def _varies(operator: Operator, name: str, value: ParameterValue) -> bool:
    """Whether some picture of the operator's strip has another value there."""
    return any(values.get(name) != value for values in SHOWN[operator.name])


def good_site(operator: Operator, paint: Painter, before: Pixels) -> str:
    """The site where the operator, at the second of its values, changes the picture clearly and
    leaves it one: its mean distance from the picture before is nearest to GOAL."""

    def miss(site: str) -> float:
        after = paint(*scenes(operator, shown(operator, site)[1]))
        distance = np.abs(after.astype(np.float32) - before).mean() / 255.0
        return abs(float(distance) - GOAL)

    return min(candidates(operator, paint.network.sites), key=miss)


def candidates(operator: Operator, sites: Iterable[str]) -> list[str]:
    """The finished latent and the way through the network, without skips and the decoder; the text
    for what goes from prompt to prompt."""
    if "toward" in operator.given:
        return ["unet.text"]
    ways = ("unet.down.", "unet.mid", "unet.up.")
    return [FINISHED, *(site for site in sites if site.startswith(ways))]
