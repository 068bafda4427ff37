"""What the pages of the remote show of a show that plays, several times a second: meters, what
bends and routes do, notices. One text for all pages."""

from typing import Any

from livebend.control.readings import METERED, READINGS, driven
from livebend.control.remote.nodes import Nodes, as_json
from livebend.modulation.sources import SOURCES

LIVE = "LIVE"  # the command under which it is told
LEVELS = [name for name, source in SOURCES.items() if source.kind in METERED[:2]]
HITS = {
    "onset": "onset_count", "kick": "kick_count", "snare": "snare_count", "hat": "hat_count",
    "beat": "beat_count", "bar": "bar_count",
}  # fmt: skip
NOTICES = 4  # the newest that are told
DIGITS = 3  # after the point


def live_text(nodes: Nodes, tree: int, slots: int) -> str:
    """Return what there is to show now, as a command of a WebSocket.

    tree, slots: the versions of the tree, see `Descriptions`, and of what the slots hold.
    """
    return as_json({"COMMAND": LIVE, "DATA": {"tree": tree, "slots": slots, **live(nodes)}})


def live(nodes: Nodes) -> dict[str, Any]:
    """Return what there is to show now, ready for JSON."""
    status, scene = nodes.status, nodes.scene
    heard = status.features
    return {
        "time": round(status.time, DIGITS),
        "title": status.title,
        "prompt": status.prompt,
        "engine": status.engine,
        "fps": round(status.fps, 1),
        "ms": round(status.frame_ms.p50, 1),
        "silent": heard.silent,
        "levels": {f"meter.{n}": READINGS[f"meter.{n}"].read(status, heard) for n in LEVELS},
        "phases": [round(p, DIGITS) for p in (heard.beat_phase, heard.bar_phase)],
        "bpm": round(heard.bpm, 1),
        "hits": {name: getattr(heard, count) for name, count in HITS.items()},
        "bends": {
            bend.name: [round(bend.strength, DIGITS), bend.active, bend.site, bend.note]
            for bend in status.bends
        },
        "routes": {
            route.name: [round(route.value, DIGITS), _rounded(route.output)]
            for route in status.routes
        },
        "driven": {path: _rounded(value) for path, value in driven(scene, status).items()},
        "waiting": status.waiting,
        "other": status.other,
        "recording": status.recording,
        "notices": [
            [round(one.time, DIGITS), one.level, one.text] for one in status.notices[-NOTICES:]
        ],
    }


def _rounded(number: float) -> float:
    """To as many digits as can be told apart on a fader."""
    return float(f"{number:.5g}")
