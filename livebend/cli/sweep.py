"""`livebend sweep`: one picture for every pair of two parameters' values, on one sheet.

For finding looks; it also draws the paper's figures. Anything can be an axis: a number, a prompt, a
site, a depth, an operator. One seed, silence, time 0. Only what differs between neighbouring
pictures is computed, so the axis that changes earlier stages is the outer loop.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from tqdm import tqdm

from livebend.cli.options import SceneOptions, options_of
from livebend.cli.printing import print_notice, text_of
from livebend.core import sites
from livebend.core.errors import OutOfRange, Refused
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue
from livebend.flow import Pixels
from livebend.models.sampler import LAYERS
from livebend.operators.library import find_operator
from livebend.outputs.sheet import check_sheet, write_sheet
from livebend.rendering.network import Network
from livebend.rendering.painter import PLAIN, Painter
from livebend.scene import edit, paths, presets
from livebend.scene.paths import specs_of_bend
from livebend.scene.values import Bend, Scene

NEW = "new"  # the name of a bend that the command line adds
Change = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter, or several joined by +, and the values along one side of the sheet.

    A path is that of a live parameter, or one of two that only a sweep has: `bend.NAME.operator`,
    and `bend.NAME.main`, 0..1 from the default of the operator's main parameter to the end of its
    soft range.
    """

    path: str
    values: tuple[object, ...]

    @property
    def paths(self) -> list[str]:
        """The parameters that change together."""
        return self.path.split("+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions(SceneOptions):
    """What is varied; without a preset, a plain scene.

    output: file of the sheet.
    rows, columns: see `axis`; empty = as the preset's [sweep] has it.
    bend: OPERATOR@SITE, a bend to add under the name `new`.
    """

    output: Path
    rows: str = ""
    columns: str = ""
    bend: str = ""


def run(options: argparse.Namespace) -> int:
    """Paint a sheet of two parameters' values."""
    pictures = sweep(options_of(SweepOptions, options), print_notice)
    print(f"{pictures} pictures in {options.output}")
    return 0


def sweep(options: SweepOptions, notify: Notify) -> int:
    """Paint and write a sheet; return the number of its pictures. Raises: LivebendError."""
    check_sheet(options.output)
    scene = _base_scene(options)
    rows, columns = _axes(options)
    grid = grid_of(scene, rows, columns)
    cells = [cell for row in grid for cell in row]
    options.check_model(cells, notify)
    source = options.pictures()
    network = options.network(notify, drawn=options.drawn_masks())
    for cell in cells:
        network.check(cell)
    outer = upstream(network, scene, columns) <= upstream(network, scene, rows)
    with tqdm(total=sum(map(len, grid)), unit="picture", disable=None) as progress:
        painter = Painter(network, source)
        pictures = paint(painter, grid, columns_first=outer, on_painted=progress.update)
    title = f"{scene.title} · {rows.path} down, {columns.path} across"
    down, across = _labels([row[0] for row in grid], rows), _labels(grid[0], columns)
    write_sheet(options.output, pictures, down, across, title)
    return sum(map(len, grid))


def grid_of(scene: Scene, rows: Axis, columns: Axis) -> list[list[Scene]]:
    """Return the scene of every cell, row by row."""
    return [[_cell(scene, rows, r, columns, c) for c in columns.values] for r in rows.values]


def paint(
    painter: Painter,
    grid: Sequence[Sequence[Scene]],
    *,
    columns_first: bool,
    on_painted: Callable[[], object],
) -> list[list[Pixels]]:
    """Paint a grid of scenes, a column at a time or a row; call `on_painted` after each picture."""
    cells: Iterator[tuple[int, int]] = product(range(len(grid)), range(len(grid[0])))
    order = sorted(cells, key=lambda cell: cell[::-1]) if columns_first else cells
    made: dict[tuple[int, int], Pixels] = {}
    for row, column in order:
        made[row, column] = painter(grid[row][column])
        on_painted()
    return [[made[r, c] for c in range(len(row))] for r, row in enumerate(grid)]


def upstream(network: Network, scene: Scene, side: Axis) -> float:
    """Return the position along the network of the first thing that an axis changes: what comes
    before it is remembered while only that axis moves. 0 = everything changes."""
    return min(_position(network, scene, path) for path in side.paths)


def _position(network: Network, scene: Scene, path: str) -> float:
    kind, name, leaf = paths.split(path)
    if kind != "bend" or leaf == "site":
        return 0.0
    where = sites.place(scene.bend(name).site)
    if where.site == "latent":
        finished = network.sites.index("vae.in") - 0.5
        return finished if where.depth in (None, 1.0) and where.step is None else where.depth or 0.5
    return float(network.sites.index(where.site))


# ---- options ---------------------------------------------------------------------------------


def _base_scene(options: SweepOptions) -> Scene:
    scene = PLAIN if options.preset is None else presets.load(options.preset)
    scene = edit.with_loras(scene, options.scene_loras())
    if options.bend:
        operator, at, site = options.bend.partition("@")
        if not at or not site:
            raise Refused(f"--bend {options.bend!r}: expected OPERATOR@SITE, such as add@unet.mid")
        bend = Bend(NEW, find_operator(operator).name, site)
        scene = edit.check(replace(scene, bends=(*scene.bends, bend)))
    for path, value in options.changes():
        scene = _changed(scene, path, value)
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


def _labels(scenes: Sequence[Scene], side: Axis) -> list[str]:
    path = side.paths[0]
    return [_label(s, path, value) for s, value in zip(scenes, side.values, strict=True)]


def _label(scene: Scene, path: str, value: object) -> str:
    """Return a value as a label: an angle with its sign, a depth with the paper's layer."""
    if path.endswith((".operator", ".main")):
        return text_of(value)
    limits = paths.find(scene, path).range
    depth = sites.place(text_of(value)).depth if path.endswith(".site") else None
    layer = "" if depth is None else f" · L{depth * LAYERS:g}"
    return text_of(value) + layer + ("°" if limits is not None and limits.unit == "deg" else "")


def _cell(scene: Scene, rows: Axis, row: object, columns: Axis, column: object) -> Scene:
    """Return the scene of a cell. Operators are set first: the other paths depend on them."""
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
        return _with_main(scene, scene.bend(name), path, value)
    wanted = paths.find(scene, path).kind
    if wanted in ("text", "choice"):
        value = text_of(value)
    elif wanted == "bool" and value in ("true", "false"):
        value = value == "true"
    return edit.put(scene, path, value)


def _with_operator(scene: Scene, bend: Bend, name: str) -> Scene:
    """Give the bend another operator, with the values of the parameters that both have."""
    specs = find_operator(name).specs
    same = {n: v for n, v in bend.values.items() if n in specs and _is_kind(specs[n].kind, v)}
    values: dict[str, ParameterValue] = {n: specs[n].fit(v, n) for n, v in same.items()}
    changed = replace(bend, operator=name, values=values)
    if "strength" not in specs_of_bend(changed):
        changed = replace(changed, strength=0.0)
    return edit.swap(scene, changed)


def _is_kind(kind: str, value: ParameterValue) -> bool:
    return isinstance(value, str) == (kind in ("choice", "text"))


def _with_main(scene: Scene, bend: Bend, path: str, value: object) -> Scene:
    if not isinstance(value, float) or not 0.0 <= value <= 1.0:
        raise OutOfRange(f"{path} = {value!r}: expected 0..1")
    return edit.swap(scene, edit.main_at(bend, value))
