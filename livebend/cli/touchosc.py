"""`livebend touchosc`: a layout for TouchOSC of what a preset has, drawn from the parameter tree.

Pages: Play (presets, black, freeze, tempo), Bends (for each its main parameter, how much, mute),
Routes (their gains), Prompts, Scenes. Faders send and receive at /play, in both directions.
"""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from livebend.cli.printing import print_notice
from livebend.control.parameters import Tree, address_of, tree_of
from livebend.core import limits
from livebend.core.errors import Refused
from livebend.core.files import check_place, write_file
from livebend.operators.library import find_operator
from livebend.outputs.display import Display
from livebend.scene import presets
from livebend.scene.values import Bend, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from py2tosc import Control, Document

FRAME = (0, 0, 1024, 768)  # points of the layout, which TouchOSC scales to any screen
ACROSS = 8  # strips on a page
AMBER, BLUE, RED, GREEN, GREY = "#e6a23c", "#4a9eda", "#d9534f", "#5cb87a", "#7a8088"
STYLE: dict[str, Any] = {"gap": 8, "pad": 10}
PROMPT_PATHS = ("prompt.blend", "prompt.fade", "walk.radius", "walk.period")
OUTPUT = "output."
OUTPUTS = ("brightness", "fade")


def run(options: argparse.Namespace) -> int:
    """Write the layout of a preset. Raises: Refused, PresetError."""
    check_place(options.output, "-o")
    document = layout(presets.load(options.preset))
    faults = [issue for issue in document.validate() if issue.severity == "error"]
    if faults:
        raise Refused(f"{options.output}: TouchOSC would not read it: {faults[0]}")
    _write(options.output, document)
    print_notice(
        f"{options.output}: open it in TouchOSC; connection 1: UDP to this computer, send 8000,"
        " receive 9000"
    )
    return 0


def layout(scene: Scene) -> "Document":
    """Return the layout of a scene. Raises: Refused without the library."""
    try:
        from py2tosc import Document, ui  # noqa: PLC0415 - an extra, which may be missing
    except ImportError as why:
        raise Refused("touchosc: needs py2tosc: pip install 'livebend[touchosc]'") from why
    tree = tree_of(scene, Display.specs)
    pages = [
        _play(scene),
        *_paged("Bends", [_bend_strip(bend) for bend in scene.bends]),
        *_paged("Routes", [_fader(f"route.{r.name}.gain", r.name, BLUE) for r in scene.routes]),
        _prompts(tree),
        _scenes(),
    ]
    root = ui.stack(ui.pager(*pages, name="pages"), frame=FRAME, name="livebend")
    document = Document(root=root)
    document.resolve()
    return document


def _write(file: "Path", document: "Document") -> None:
    """Raises: Refused."""
    try:
        write_file(file, lambda part: document.save(str(part)))
    except OSError as why:
        raise Refused(f"-o {file}: cannot be written: {why.strerror}") from why


# ---- pages ---------------------------------------------------------------------------------------


def _play(scene: Scene) -> "Control":
    from py2tosc import ui  # noqa: PLC0415

    switches = (
        _switch("blackout", "black", RED), _switch("freeze", "freeze", BLUE),
        _press("panic", "panic", RED), _press("undo", "undo", GREY),
    )  # fmt: skip
    tempo = tuple(_press(path, path, GREEN) for path in ("tap", "resync", "half", "double"))
    recalls = (_press("preset", str(n), AMBER, float(n)) for n in range(1, limits.SLOTS + 1))
    faders = (_fader(f"output.{name}", name, GREY) for name in OUTPUTS)
    return ui.column(
        ui.row(_shown("title", scene.title), _shown("meter.tempo", "bpm"), sizes=(4, 1), gap=8),
        ui.row(*recalls, gap=8),
        ui.row(ui.column(ui.row(*switches, gap=8), ui.row(*tempo, gap=8), gap=8), *faders,
               sizes=(6, 1, 1), gap=8),
        sizes=(1, 2, 4), name="Play", **STYLE,
    )  # fmt: skip


def _bend_strip(bend: Bend) -> "Control":
    """A bend: its main parameter, how much of it, and its mute."""
    from py2tosc import ui  # noqa: PLC0415

    main, stem = find_operator(bend.operator).main, f"bend.{bend.name}"
    faders = [_fader(f"{stem}.mix", "mix", GREY)]
    if main is not None:
        faders.insert(0, _fader(f"{stem}.{main.name}", main.name, AMBER))
    return ui.column(
        _label(bend.name), ui.row(*faders, gap=4), _switch(f"{stem}.mute", "mute", RED),
        sizes=(1, 8, 1), gap=6, name=bend.name,
    )  # fmt: skip


def _prompts(tree: Tree) -> "Control":
    from py2tosc import ui  # noqa: PLC0415

    mixed = [p for p in tree.parameters if p.startswith("prompt.mix.") and p.endswith(".weight")]
    shown = [p for p in (*PROMPT_PATHS, *mixed) if p in tree.parameters][: 2 * ACROSS]
    faders = [_fader(path, path.removeprefix("prompt."), GREEN) for path in shown]
    return ui.row(*faders, name="Prompts", **STYLE)


def _scenes() -> "Control":
    from py2tosc import ui  # noqa: PLC0415

    slots = [float(n) for n in range(1, limits.SLOTS + 1)]
    return ui.column(
        _label("recall"),
        ui.tiles(*(_press("preset", f"{n:g}", AMBER, n) for n in slots), columns=9, gap=8),
        _label("store"),
        ui.tiles(*(_press("store", f"{n:g}", RED, n) for n in slots), columns=9, gap=8),
        sizes=(1, 4, 1, 2), name="Scenes", **STYLE,
    )  # fmt: skip


def _paged(name: str, strips: Sequence["Control"]) -> Iterable["Control"]:
    """Yield pages of up to ACROSS strips; one page without a number where they fit."""
    from py2tosc import ui  # noqa: PLC0415

    for n in range(0, len(strips), ACROSS):
        several = f" {n // ACROSS + 1}" if len(strips) > ACROSS else ""
        yield ui.row(*strips[n : n + ACROSS], name=f"{name}{several}", **STYLE)


# ---- controls ------------------------------------------------------------------------------------


def _fader(path: str, caption: str, color: str) -> "Control":
    """A fader over the useful part of a parameter, with its name below."""
    from py2tosc import Conversion, Partial, PartialType, fader, ui  # noqa: PLC0415

    if path.startswith(OUTPUT):  # settings of the display are in their own units
        reach = Display.specs[path.removeprefix(OUTPUT)].range
        assert reach is not None
        low, high = reach.soft_range.low, reach.soft_range.high
        sent = Partial(PartialType.VALUE, Conversion.FLOAT, "x", low, high)
        message = ui.osc(address_of(path), args=[sent])
    else:
        message = ui.osc(f"{address_of(path)}/play")
    return ui.column(
        fader(name=path, color=color, messages=[message]), _label(caption), sizes=(9, 1), gap=2
    )


def _press(path: str, caption: str, color: str, value: float = 1.0) -> "Control":
    """A button that does something when it is pressed."""
    from py2tosc import Conversion, Partial, PartialType, button, ui  # noqa: PLC0415

    sent = Partial(PartialType.CONSTANT, Conversion.FLOAT, f"{value:g}")
    message = ui.osc(address_of(path), args=[sent], on="RISE", receive=False)
    return ui.labelled(
        button(name=f"{path} {caption}", color=color, messages=[message]), caption, size=20
    )


def _switch(path: str, caption: str, color: str) -> "Control":
    """A button that stays down, and follows when others switch."""
    from py2tosc import ButtonType, button, ui  # noqa: PLC0415

    message = ui.osc(address_of(path))
    made = button(name=path, color=color, button_type=ButtonType.TOGGLE_PRESS, messages=[message])
    return ui.labelled(made, caption, size=20)


def _label(caption: str) -> "Control":
    from py2tosc import Value, label  # noqa: PLC0415

    values = [Value("text", default=caption), Value("touch", default=False)]
    return label(name=caption, values=values, text_size=14, background=False, outline=False)


def _shown(path: str, caption: str) -> "Control":
    """A text that shows what a reading or a parameter is, as livebend sends it."""
    from py2tosc import Partial, PartialType, Value, label, ui  # noqa: PLC0415

    heard = Partial(PartialType.VALUE, "STRING", "text")
    message = ui.osc(address_of(path), args=[heard], send=False, var="text")
    values = [Value("text", default=caption), Value("touch", default=False)]
    return label(name=path, values=values, text_size=24, messages=[message])
