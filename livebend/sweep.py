"""Sweeps: one picture for every pair of two parameters' values, on one sheet.

The explorer for finding looks, and what draws the paper's figures. One seed, silence, time 0; only
what differs between neighbouring pictures is computed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from livebend import presets
from livebend.clock import SystemTime
from livebend.errors import OutOfRange
from livebend.flow import Features, Pixels, Tick
from livebend.mailbox import Latest
from livebend.models import load_model
from livebend.network import Network
from livebend.outputs.sheet import write_sheet
from livebend.prompts import Prompts
from livebend.renderer import Renderer
from livebend.scene import Scene, put
from livebend.status import Statistics, Status

STILL = Tick(0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter, or several joined by +, and the values along one side of the sheet."""

    path: str
    values: tuple[object, ...]

    def labels(self) -> list[str]:
        """The values as they stand at the side of the sheet."""
        return [f"{v:g}" if isinstance(v, float) else str(v) for v in self.values]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the command line asks of a sweep; an axis that is empty is the preset's own."""

    preset: str
    output: Path
    rows: str = ""
    columns: str = ""
    model: str = "tiny"
    size: tuple[int, int] | None = None
    steps: int | None = None
    seed: int | None = None
    sets: tuple[tuple[str, object], ...] = field(default_factory=tuple)
    masks: Path | None = None


def sweep(wishes: Sweep, *, quiet: bool = False) -> int:
    """Paint and write a sheet; return the number of its pictures. Raises: LivebendError."""
    scene = presets.opening(wishes.preset, wishes.seed, wishes.steps, wishes.sets)
    rows, columns = _axes(wishes)
    grid = [list(_along(row, columns)) for row in _along(scene, rows)]
    model = load_model(wishes.model)
    drawn = presets.drawn_masks(wishes.preset, wishes.masks)
    network = Network(model, *(wishes.size or (model.native, model.native)), drawn)
    for scene in (scene for row in grid for scene in row):
        network.check(scene)
    prompts = Prompts(model.encode, model.understand)
    with tqdm(total=sum(map(len, grid)), unit="picture", disable=quiet) as progress:
        cells = [[_picture(network, prompts, s, progress) for s in row] for row in grid]
    title = f"{scene.title} · {rows.path} down, {columns.path} across"
    write_sheet(wishes.output, cells, rows.labels(), columns.labels(), title)
    return sum(map(len, grid))


def _axes(wishes: Sweep) -> tuple[Axis, Axis]:
    own = presets.sweep_of(wishes.preset)
    rows, columns = wishes.rows or own.get("rows", ""), wishes.columns or own.get("columns", "")
    if not rows or not columns:
        raise OutOfRange(f"{wishes.preset}: it has no [sweep]; expected --rows and --columns")
    return axis(rows), axis(columns)


def axis(text: str) -> Axis:
    """Read `path=v1,v2,v3`, or `path=low..high/n` for n values from low to high.

    Raises: OutOfRange.
    """
    path, _, given = text.partition("=")
    if not path or not given:
        raise OutOfRange(f"{text!r}: expected path=1,2,3 or path=0..360/9")
    first, dots, rest = given.partition("..")
    if dots:
        return Axis(path, tuple(_spread(text, first, *rest.partition("/")[::2])))
    return Axis(path, tuple(_value(item) for item in given.split(",")))


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


def _along(scene: Scene, side: Axis) -> Iterable[Scene]:
    for value in side.values:
        changed = scene
        for path in side.path.split("+"):
            changed = put(changed, path, value)
        yield changed


def _picture(network: Network, prompts: Prompts, scene: Scene, progress: "tqdm[None]") -> Pixels:
    """Paint one scene with a renderer of its own: no fade from its neighbour, the same memory."""
    render = Renderer(network, prompts, Statistics(SystemTime()), Latest(Status()), strict=True)
    frame = render(scene, Features(), STILL)
    progress.update()
    return frame.pixels
