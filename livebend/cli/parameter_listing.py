"""`livebend parameters`: list everything that can be played or watched, by its path."""

import argparse
from dataclasses import replace

from livebend.cli.printing import Row, markdown_table, print_rows, text_of
from livebend.control.parameters import Parameter, described, node_of, soft_range, tree_of
from livebend.core.specs import ParameterValue, Spec
from livebend.outputs.display import Display
from livebend.scene import paths, presets
from livebend.scene.values import Scene

HEADS = ("path", "what it is", "what it takes (what a fader goes over)", "default")
TITLES = {"trigger": "triggers", "reading": "readings"}


def run(options: argparse.Namespace) -> int:
    """List the parameters of a preset."""
    scene = presets.load(options.preset)
    if options.markdown:
        print(parameter_tables(scene))
        return 0
    rows = parameter_rows(scene)
    if not options.json:
        rows = [{key: row[key] or "" for key in ("path", "type", "unit", "about")} for row in rows]
    print_rows(rows, as_json=options.json)
    return 0


def parameter_rows(scene: Scene) -> list[Row]:
    """Return a row for every parameter of a scene; the display and what is measured have no value
    before a show."""
    return [described(scene, p, _value(scene, p)) for p in _every(scene)]


def parameter_tables(scene: Scene) -> str:
    """Return Markdown tables of every parameter of a scene, one for each node of the tree; what a
    bend or a route has as the first of its kind has it is not said again."""
    nodes: dict[str, list[Parameter]] = {}
    for parameter in _every(scene):
        title = TITLES.get(parameter.access) or node_of(parameter.path) or "scene"
        nodes.setdefault(title, []).append(parameter)
    firsts: dict[str, str] = {}  # the first node of each kind
    sections = []
    for node, parameters in nodes.items():
        kind, is_part, _ = node.partition(".")
        first = firsts.setdefault(kind, node) if is_part else node
        known = {_leaf(p): _plain(p) for p in nodes[first]} if first != node else {}
        rows = [_cells(scene, p) for p in parameters if known.get(_leaf(p)) != _plain(p)]
        lines = [f"## {node}", *([f"As {first}, and"] if known else [])]
        sections += [*lines, markdown_table(HEADS, rows)] if rows else [lines[0], f"As {first}."]
    return "\n\n".join(sections)


def _leaf(parameter: Parameter) -> str:
    path = parameter.path
    return path.rpartition(".")[2] if parameter.is_setting else paths.split(path)[2]


def _plain(parameter: Parameter) -> Spec:
    """Its declaration, whose name says nothing more than its leaf."""
    return replace(parameter.spec, name=_leaf(parameter))


def _every(scene: Scene) -> list[Parameter]:
    return list(tree_of(scene, Display.specs).parameters.values())


def _value(scene: Scene, parameter: Parameter) -> ParameterValue | None:
    is_of_scene = parameter.access == "value" and not parameter.is_setting
    return paths.get(scene, parameter.path) if is_of_scene else None


def _cells(scene: Scene, parameter: Parameter) -> tuple[str, ...]:
    spec = parameter.spec
    if parameter.access == "trigger":
        return f"`{parameter.path}`", spec.doc, parameter.form, ""
    soft = soft_range(scene, parameter)
    allowed = spec.allowed.removeprefix("one of ")
    if soft is not None and spec.range is not None and soft != spec.range:
        unit = f" {soft.unit}" if soft.unit != spec.unit else ""
        allowed += f" ({soft.low:g}..{soft.high:g}{unit})"
    return f"`{parameter.path}`", spec.doc, allowed, _default(parameter)


def _default(parameter: Parameter) -> str:
    if parameter.access != "value":
        return ""
    default = parameter.spec.default
    return str(default).lower() if isinstance(default, bool) else text_of(default)
