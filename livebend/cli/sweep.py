"""`livebend sweep`: one picture for every pair of two parameters' values, on one sheet.

The explorer for finding looks, and what draws the paper's figures. Anything can lie along an axis:
a number, a prompt, a site, a depth, an operator. One seed, silence, time 0; only what differs
between neighbouring pictures is computed, and what lies further up the network changes less often.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from tqdm import tqdm

from livebend.cli.printing import print_notice, text_of
from livebend.core import sites
from livebend.core.errors import OutOfRange, Refused
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue
from livebend.flow import Pixels
from livebend.models.default_model import model_or_default
from livebend.models.sampler import LAYERS
from livebend.operators.drawn_masks import DrawnMasks
from livebend.operators.library import find_operator
from livebend.outputs.sheet import check_sheet, write_sheet
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from livebend.rendering.painter import PLAIN, Painter
from livebend.scene import edit, paths, presets
from livebend.scene.paths import specs_of_bend
from livebend.scene.values import Bend, Scene

NEW = "new"  # the name of a bend that the command line adds
Change = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter, or several joined by +, and the values along one side of the sheet.

    A path is a live parameter's, or one of two that only a sweep has: `bend.NAME.operator`, and
    `bend.NAME.main`, 0..1 along what makes the operator act most, whichever it is.
    """

    path: str
    values: tuple[object, ...]

    @property
    def paths(self) -> list[str]:
        """The parameters that change together."""
        return self.path.split("+")


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What the command line asks of a sweep; an axis that is empty is the preset's own.

    Without a preset it is a plain scene. `bend` is OPERATOR@SITE, one more bend called `new`.
    """

    preset: str | None
    output: Path
    rows: str = ""
    columns: str = ""
    model: str = "tiny"
    size: tuple[int, int] | None = None
    steps: int | None = None
    seed: int | None = None
    sets: tuple[tuple[str, object], ...] = field(default_factory=tuple)
    masks: Path | None = None
    bend: str = ""
    backend: str = "torch"
    dtype: str = "auto"


def run(options: argparse.Namespace) -> int:
    """Paint a sheet of two parameters' values."""
    options.model, options.sets = model_or_default(options.model), tuple(options.sets)
    pictures = sweep(SweepOptions(**vars(options)), tell=print_notice)
    print(f"{pictures} pictures in {options.output}")
    return 0


def sweep(options: SweepOptions, *, quiet: bool = False, tell: Notify = print) -> int:
    """Paint and write a sheet; return the number of its pictures. Raises: LivebendError."""
    check_sheet(options.output)
    scene = _opening(options)
    rows, columns = _axes(options)
    grid = grid_of(scene, rows, columns)
    drawn = DrawnMasks(presets.mask_folders(options.preset or "", options.masks))
    network = open_network(
        options.model, options.size, options.backend, tell, dtype=options.dtype, drawn=drawn
    )
    for one in (one for row in grid for one in row):
        network.check(one)
    outer = upstream(network, scene, columns) <= upstream(network, scene, rows)
    with tqdm(total=sum(map(len, grid)), unit="picture", disable=quiet) as progress:
        cells = paint(Painter(network), grid, columns_first=outer, painted=progress.update)
    title = f"{scene.title} · {rows.path} down, {columns.path} across"
    down = [_label(row[0], rows.paths[0], v) for row, v in zip(grid, rows.values, strict=True)]
    across = [
        _label(one, columns.paths[0], v) for one, v in zip(grid[0], columns.values, strict=True)
    ]
    write_sheet(options.output, cells, down, across, title)
    return sum(map(len, grid))


def grid_of(scene: Scene, rows: Axis, columns: Axis) -> list[list[Scene]]:
    """Return the scene of every cell, row by row."""
    return [[_cell(scene, rows, r, columns, c) for c in columns.values] for r in rows.values]


def paint(
    painter: Painter,
    grid: Sequence[Sequence[Scene]],
    *,
    columns_first: bool,
    painted: Callable[[], object],
) -> list[list[Pixels]]:
    """Paint a grid of scenes, a column at a time or a row; `painted` hears of every picture."""
    places: Iterator[tuple[int, int]] = product(range(len(grid)), range(len(grid[0])))
    order = sorted(places, key=lambda at: at[::-1]) if columns_first else places
    made: dict[tuple[int, int], Pixels] = {}
    for row, column in order:
        made[row, column] = painter(grid[row][column])
        painted()
    return [[made[r, c] for c in range(len(row))] for r, row in enumerate(grid)]


def upstream(network: Network, scene: Scene, side: Axis) -> float:
    """How far down the network the first thing lies that an axis changes: what is before it can be
    kept while only that axis moves. 0 for what changes everything."""
    return min(_reach(network, scene, path) for path in side.paths)


def _reach(network: Network, scene: Scene, path: str) -> float:
    kind, name, leaf = paths.split(path)
    if kind != "bend" or leaf == "site":
        return 0.0
    where = sites.place(scene.bend(name).site)
    if where.site == "latent":
        finished = network.sites.index("vae.in") - 0.5
        return finished if where.depth in (None, 1.0) and where.step is None else where.depth or 0.5
    return float(network.sites.index(where.site))


# ---- what the command line says --------------------------------------------------------------


def _opening(options: SweepOptions) -> Scene:
    scene = PLAIN if options.preset is None else presets.load(options.preset)
    if options.bend:
        operator, at, site = options.bend.partition("@")
        if not at or not site:
            raise Refused(f"--bend {options.bend!r}: expected OPERATOR@SITE, such as add@unet.mid")
        bend = Bend(NEW, find_operator(operator).name, site)
        scene = edit.check(replace(scene, bends=(*scene.bends, bend)))
    changes = (("seed", options.seed), ("sampling.steps", options.steps), *options.sets)
    for path, value in changes:
        scene = scene if value is None else _changed(scene, path, value)
    return scene


def _axes(options: SweepOptions) -> tuple[Axis, Axis]:
    own = presets.sweep_of(options.preset) if options.preset else {}
    rows, columns = options.rows or own.get("rows", ""), options.columns or own.get("columns", "")
    if not rows or not columns:
        name = options.preset or "a plain scene"
        raise OutOfRange(f"{name}: it has no [sweep]; expected --rows and --columns")
    return axis(rows), axis(columns)


def axis(text: str) -> Axis:
    """Read `path=v1,v2,v3`, or `path=low..high/n` for n values from low to high; `latent@0..1/6`
    is n depths. Raises: OutOfRange.
    """
    path, _, given = text.partition("=")
    if not path or not given:
        raise OutOfRange(f"{text!r}: expected path=1,2,3 or path=0..360/9")
    first, dots, rest = given.partition("..")
    if not dots:
        return Axis(path, tuple(_value(item) for item in given.split(",")))
    site, at, low = first.rpartition("@")
    values = _spread(text, low, *rest.partition("/")[::2])
    return Axis(path, tuple(f"{site}@{v:g}" if at else v for v in values))


def _spread(text: str, first: str, last: str, count: str) -> Sequence[float]:
    try:
        low, high, n = float(first), float(last), int(count)
    except ValueError:
        n = 0
    if not 1 < n <= 1000:
        raise OutOfRange(f"{text!r}: expected path=low..high/n, with n of 2 to 1000")
    return [low + (high - low) * k / (n - 1) for k in range(n)]


def _value(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _label(scene: Scene, path: str, value: object) -> str:
    """A value as it stands at the side of the sheet: degrees with their sign, a depth with the
    paper's layer."""
    if path.endswith((".operator", ".main")):
        return text_of(value)
    limits = paths.find(scene, path).range
    depth = sites.place(text_of(value)).depth if path.endswith(".site") else None
    layer = "" if depth is None else f" · L{depth * LAYERS:g}"
    return text_of(value) + layer + ("°" if limits is not None and limits.unit == "deg" else "")


def _cell(scene: Scene, rows: Axis, row: object, columns: Axis, column: object) -> Scene:
    """The scene of one cell. Operators come first: they decide which parameters there are."""
    changes: list[Change] = [(path, row) for path in rows.paths]
    changes += [(path, column) for path in columns.paths]
    for path, value in sorted(changes, key=lambda change: not change[0].endswith(".operator")):
        scene = _changed(scene, path, value)
    return scene


def _changed(scene: Scene, path: str, value: object) -> Scene:
    kind, name, leaf = paths.split(path)
    if kind == "bend" and leaf == "operator":
        return _with_operator(scene, scene.bend(name), text_of(value))
    if kind == "bend" and leaf == "main":
        return _played(scene, scene.bend(name), path, value)
    wanted = paths.find(scene, path).kind
    if wanted in ("text", "choice"):
        value = text_of(value)
    elif wanted == "bool" and value in ("true", "false"):
        value = value == "true"
    return edit.put(scene, path, value)


def _with_operator(scene: Scene, bend: Bend, name: str) -> Scene:
    """Put another operator in the bend's place; it keeps the values of parameters it has too."""
    specs = find_operator(name).specs
    same = {n: v for n, v in bend.values.items() if n in specs and _is_kind(specs[n].kind, v)}
    values: dict[str, ParameterValue] = {n: specs[n].fit(v, n) for n, v in same.items()}
    changed = replace(bend, operator=name, values=values)
    if "strength" not in specs_of_bend(changed):
        changed = replace(changed, strength=0.0)
    return edit.swap(scene, changed)


def _is_kind(kind: str, value: ParameterValue) -> bool:
    return isinstance(value, str) == (kind in ("choice", "text"))


def _played(scene: Scene, bend: Bend, path: str, value: object) -> Scene:
    if not isinstance(value, float) or not 0.0 <= value <= 1.0:
        raise OutOfRange(f"{path} = {value!r}: expected 0..1")
    return edit.swap(scene, edit.main_at(bend, value))
