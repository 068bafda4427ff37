"""The pages of a layout for TouchOSC, of what a scene has in the parameter tree.

Play (presets, black, freeze, tempo), Bends (for each its main parameter, how much, mute), Routes
(their gains), Prompts, Scenes (a grid of slots and the crossfader), Other side and Store (the same
grid). Faders send and receive at /play, in both directions. It needs
py2tosc, which `livebend touchosc` asks for.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from py2tosc import (
    ButtonType,
    Control,
    Conversion,
    Document,
    Partial,
    PartialType,
    Value,
    button,
    fader,
    label,
    to_svg,
    ui,
)

from livebend.control.parameters import Tree, address_of, tree_of
from livebend.core import limits
from livebend.operators.library import find_operator
from livebend.outputs.display import Display
from livebend.scene.values import Bend, Scene

FRAME = (0, 0, 1024, 768)  # points of the layout, which TouchOSC scales to any screen
MARGIN = 24  # points between the pages of a drawing
ACROSS = 8  # strips on a page
AMBER, BLUE, RED, GREEN, GREY = "#e6a23c", "#4a9eda", "#d9534f", "#5cb87a", "#7a8088"
BLACK = "#16181b"
STYLE: dict[str, Any] = {"gap": 8, "pad": 10}
PROMPT_PATHS = ("prompt.blend", "prompt.fade", "walk.radius", "walk.period")
SCENE_FADERS = {"crossfade.position": "A / B", "preset.fade": "fade"}
QUICK = 9  # slots on the page to play
SETTINGS = ("output.brightness", "output.fade")


def layout(scene: Scene) -> Document:
    """Return the layout of a scene."""
    return _document(ui.pager(*_pages(scene), name="pages"))


def drawing(scene: Scene) -> str:
    """Return a picture of the layout of a scene: an SVG with its pages in two columns."""
    pages = _pages(scene)
    width, height = (side + MARGIN for side in FRAME[2:])
    across, down = 2 * width + MARGIN, -(-len(pages) // 2) * height + MARGIN
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}">',
        f'<rect width="{across}" height="{down}" fill="{BLACK}"/>',
    ]
    for place, page in enumerate(pages):
        x, y = MARGIN + place % 2 * width, MARGIN + place // 2 * height
        drawn.append(to_svg(_document(page)).replace("<svg ", f'<svg x="{x}" y="{y}" ', 1))
    return "\n".join([*drawn, "</svg>\n"])


def _document(shown: Control) -> Document:
    document = Document(root=ui.stack(shown, frame=FRAME, name="livebend"))
    document.resolve()
    return document


def _pages(scene: Scene) -> list[Control]:
    tree = tree_of(scene, Display.specs)
    gains = [_fader(tree, f"route.{r.name}.gain", r.name, BLUE) for r in scene.routes]
    return [
        _play(tree, scene),
        *_paged("Bends", [_bend_strip(tree, bend) for bend in scene.bends]),
        *_paged("Routes", gains),
        _prompts(tree),
        _scenes(tree),
        _grid("crossfade.to", "on the other side of the crossfader", BLUE, "Other side"),
        _grid("preset.store", "store the scene in", RED, "Store"),
    ]


# ---- pages ---------------------------------------------------------------------------------------


def _play(tree: Tree, scene: Scene) -> Control:
    switches = (
        _switch("blackout", "black", RED), _switch("freeze", "freeze", BLUE),
        _press("panic", "panic", RED), _press("undo", "undo", GREY),
    )  # fmt: skip
    tempo = tuple(_press(path, path, GREEN) for path in ("tap", "resync", "half", "double"))
    recalls = (_press("preset", str(n), AMBER, float(n)) for n in range(1, QUICK + 1))
    faders = (_fader(tree, path, path.partition(".")[2], GREY) for path in SETTINGS)
    return ui.column(
        ui.row(_shown("title", scene.title), _shown("meter.tempo", "bpm"), sizes=(4, 1), gap=8),
        ui.row(*recalls, gap=8),
        ui.row(ui.column(ui.row(*switches, gap=8), ui.row(*tempo, gap=8), gap=8), *faders,
               sizes=(6, 1, 1), gap=8),
        sizes=(1, 2, 4), name="Play", **STYLE,
    )  # fmt: skip


def _bend_strip(tree: Tree, bend: Bend) -> Control:
    """A bend: its main parameter, how much of it, and its mute."""
    main, stem = find_operator(bend.operator).main, f"bend.{bend.name}"
    faders = [_fader(tree, f"{stem}.mix", "mix", GREY)]
    if main is not None:
        faders.insert(0, _fader(tree, f"{stem}.{main.name}", main.name, AMBER))
    return ui.column(
        _label(bend.name), ui.row(*faders, gap=4), _switch(f"{stem}.mute", "mute", RED),
        sizes=(1, 8, 1), gap=6, name=bend.name,
    )  # fmt: skip


def _prompts(tree: Tree) -> Control:
    mixed = [p for p in tree.parameters if p.startswith("prompt.mix.") and p.endswith(".weight")]
    shown = [p for p in (*PROMPT_PATHS, *mixed) if p in tree.parameters][: 2 * ACROSS]
    faders = [_fader(tree, path, path.removeprefix("prompt."), GREEN) for path in shown]
    return ui.row(*faders, name="Prompts", **STYLE)


def _scenes(tree: Tree) -> Control:
    faders = (_fader(tree, path, caption, GREY) for path, caption in SCENE_FADERS.items())
    back = ui.column(_press("undo", "undo", GREY), _press("redo", "redo", GREY), gap=8)
    return ui.row(
        _slots("preset.recall", AMBER), *faders,
        ui.column(_shown("crossfade.other", "other"), _shown("preset.waiting", "waits"), back,
                  sizes=(1, 1, 4), gap=8),
        sizes=(8, 1, 1, 2), name="Scenes", **STYLE,
    )  # fmt: skip


def _grid(path: str, caption: str, color: str, name: str) -> Control:
    return ui.column(_label(caption), _slots(path, color), sizes=(1, 12), name=name, **STYLE)


def _slots(path: str, color: str) -> Control:
    """A button for every slot, in rows of eight."""
    slots = (float(n) for n in range(1, limits.SLOTS + 1))
    return ui.tiles(*(_press(path, f"{n:g}", color, n) for n in slots), columns=8, gap=8)


def _paged(name: str, strips: Sequence[Control]) -> Iterable[Control]:
    """Yield pages of up to ACROSS strips; one page without a number where they fit."""
    for n in range(0, len(strips), ACROSS):
        several = f" {n // ACROSS + 1}" if len(strips) > ACROSS else ""
        yield ui.row(*strips[n : n + ACROSS], name=f"{name}{several}", **STYLE)


# ---- controls ------------------------------------------------------------------------------------


def _fader(tree: Tree, path: str, caption: str, color: str) -> Control:
    """A fader over the useful part of a parameter, with its name below."""
    parameter = tree.parameters[path]
    if parameter.is_setting and parameter.spec.range:  # those are in their own units
        low, high = parameter.spec.range.soft or (
            parameter.spec.range.low,
            parameter.spec.range.high,
        )
        sent = Partial(PartialType.VALUE, Conversion.FLOAT, "x", low, high)
        message = ui.osc(parameter.address, args=[sent])
    else:
        message = ui.osc(f"{parameter.address}/play")
    return ui.column(
        fader(name=path, color=color, messages=[message]), _label(caption), sizes=(9, 1), gap=2
    )


def _press(path: str, caption: str, color: str, value: float = 1.0) -> Control:
    """A button that does something when it is pressed."""
    sent = Partial(PartialType.CONSTANT, Conversion.FLOAT, f"{value:g}")
    message = ui.osc(address_of(path), args=[sent], on="RISE", receive=False)
    return ui.labelled(
        button(name=f"{path} {caption}", color=color, messages=[message]), caption, size=20
    )


def _switch(path: str, caption: str, color: str) -> Control:
    """A button that stays down, and follows when others switch."""
    message = ui.osc(address_of(path))
    made = button(name=path, color=color, button_type=ButtonType.TOGGLE_PRESS, messages=[message])
    return ui.labelled(made, caption, size=20)


def _label(caption: str) -> Control:
    values = [Value("text", default=caption), Value("touch", default=False)]
    return label(name=caption, values=values, text_size=14, background=False, outline=False)


def _shown(path: str, caption: str) -> Control:
    """A text that shows what a reading or a parameter is, as livebend sends it."""
    heard = Partial(PartialType.VALUE, Conversion.STRING, "text")
    message = ui.osc(address_of(path), args=[heard], send=False, var="text")
    values = [Value("text", default=caption), Value("touch", default=False)]
    return label(name=path, values=values, text_size=24, messages=[message])
