"""What a page is told once about everything that it can play: the tree, and what can be added.

The tree is told again where its structure changes, which `version` says; values are followed by
WebSocket. It is made once for all pages, piece by piece, and packed: a phone reads it in a moment.
"""

import gzip
from collections.abc import Iterator
from typing import Any

from livebend.control.parameters import described
from livebend.control.remote.nodes import Nodes, as_json
from livebend.core import limits
from livebend.modulation.curves import CURVES
from livebend.modulation.sources import SOURCES
from livebend.operators.library import all_operators
from livebend.scene.values import FIELDS

PIECE = 16  # parameters that are described before others have their turn
STEPS = 24  # of a curve as it is drawn
QUICK = 1  # the level of packing that takes the least time


class Descriptions:
    """The tree as pages have it. Used by the server's thread alone."""

    def __init__(self) -> None:
        self._version, self._of = 0, tuple[object, ...]()
        self._made: tuple[int, bytes] = 0, b""

    def version(self, nodes: Nodes) -> int:
        """Return the number of the structure that there is now."""
        scene = nodes.scene
        now = nodes.tree, tuple(route.target for route in scene.routes), _parts(nodes)
        if not self._of or self._of[0] is not now[0] or self._of[1:] != now[1:]:
            self._version, self._of = self._version + 1, now
        return self._version

    @property
    def packed(self) -> bytes:
        """The tree as it was made last."""
        return self._made[1]

    def make(self, nodes: Nodes) -> Iterator[None]:
        """Make the tree, unless it is; yield wherever others may have their turn."""
        version, scene = self.version(nodes), nodes.scene
        if self._made[0] == version:
            return
        rows: list[dict[str, Any]] = []
        for index, parameter in enumerate(nodes.tree.parameters.values()):
            row = described(scene, parameter, None)
            row["wraps"] = (parameter.spec.range and parameter.spec.range.wraps) or None
            rows.append({key: value for key, value in row.items() if value is not None})
            if index % PIECE == PIECE - 1:
                yield
        text = as_json({"version": version, "parts": _parts(nodes), "parameters": rows})
        yield
        self._made = version, gzip.compress(text.encode(), QUICK)


def _parts(nodes: Nodes) -> dict[str, list[str]]:
    """The names of the parts of each kind, in order, and the operators of the bends."""
    scene = nodes.scene
    found = {kind: [part.name for part in scene.parts(kind)] for kind in FIELDS}
    return found | {"operators": [bend.operator for bend in scene.bends]}


def choices() -> dict[str, Any]:
    """Return what may be added to a scene, ready for JSON."""
    return {
        "operators": [
            {"name": name, "family": one.family, "about": one.summary,
             "main": one.main.name if one.main else "mix"}
            for name, one in all_operators().items()
        ],
        "sources": [
            {"name": name, "kind": one.kind, "about": one.doc} for name, one in SOURCES.items()
        ],
        "curves": {
            name: [round(curve.shape(step / STEPS), 3) for step in range(STEPS + 1)]
            for name, curve in CURVES.items()
        },
        "most": {"slots": limits.SLOTS},
    }  # fmt: skip
