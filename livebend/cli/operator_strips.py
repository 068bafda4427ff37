"""A strip of pictures for each operator: without it, and at some values of its main parameter.

The picture has large and fine shapes, no symmetry and several colours, so that any operator shows.
An operator that needs a second prompt gets one, and one with feedback an earlier picture.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from livebend.cli.options import NetworkOptions
from livebend.cli.printing import text_of
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue
from livebend.flow import Pixels
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator
from livebend.outputs.sheet import write_sheet
from livebend.rendering.painter import PLAIN, Painter
from livebend.scene import edit
from livebend.scene.values import Bend, Prompt, Scene

SCENE = replace(PLAIN, prompt=Prompt("forest with river", fade=0.0))
OTHER = replace(PLAIN, prompt=Prompt("flames", fade=0.0))
FINISHED = "latent@1"
POSITIONS = (0.25, 0.5, 0.75, 1.0)  # of the main parameter, see `edit.main_at`
GOAL = 0.12  # mean distance 0..1 from the picture without: clearly changed, and still a picture
# Values for operators that POSITIONS would not show well, at the finished latent.
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


def write_strips(folder: Path, options: NetworkOptions, notify: Notify) -> int:
    """Write FOLDER/OPERATOR.png for every operator; return their number. Raises: LivebendError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise Refused(f"{folder}: cannot be written: {why.strerror}") from why
    paint = Painter(options.network(notify))
    for operator in tqdm(all_operators().values(), unit="strip", disable=None):
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
    """Return the bends of an operator's strip, at a site."""
    if operator.name in SHOWN:
        return [Bend("it", operator.name, site, values) for values in SHOWN[operator.name]]
    return [edit.main_at(Bend("it", operator.name, site), t) for t in POSITIONS]


def scenes(operator: Operator, bend: Bend) -> list[Scene]:
    """Return what is painted to show a bend, the last of them in the strip: with a second prompt
    for an operator that needs one, after another picture for an operator with feedback."""
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
    """Whether the value differs in some other picture of the operator's strip."""
    return any(values.get(name) != value for values in SHOWN[operator.name])


def good_site(operator: Operator, paint: Painter, before: Pixels) -> str:
    """Return the site where the operator, at the second of its values, changes the picture most
    nearly by GOAL; `before` is the picture without it."""

    def miss(site: str) -> float:
        after = paint(*scenes(operator, shown(operator, site)[1]))
        distance = np.abs(after.astype(np.float32) - before).mean() / 255.0
        return abs(float(distance) - GOAL)

    return min(candidates(operator, paint.network.sites), key=miss)


def candidates(operator: Operator, sites: Iterable[str]) -> list[str]:
    """Return the finished latent and the blocks of the unet, without skips; for an operator between
    two prompts, the text."""
    if "toward" in operator.given:
        return ["unet.text"]
    blocks = ("unet.down.", "unet.mid", "unet.up.")
    return [FINISHED, *(site for site in sites if site.startswith(blocks))]
