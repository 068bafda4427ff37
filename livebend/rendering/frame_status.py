"""A frame's part of the status, put together only when somebody looks: hardly any frame is looked
at, and a status takes as long as a bend.
"""

from collections.abc import Mapping
from typing import NamedTuple

from livebend.core.statistics import Statistics
from livebend.core.status import BendStatus, RouteStatus, Status
from livebend.flow import Features, Tick
from livebend.modulation.modulator import Modulation
from livebend.rendering.reuse import labels
from livebend.scene.values import Bend, Route, Scene


class FrameStatus(NamedTuple):
    """One frame: what was played, from what was heard, and the result.

    `prompt` is the one whose turn it was, or those that were mixed.
    `strength` is the d of every bend that acted, by name.
    `returning` is the moment, in s, at which each bend that was left out comes back.
    `painted` (W, H) is the size that the frame was enlarged from; None where it was not.
    `other` is the title of the scene on the other side of the crossfader, "" where there is none.
    """

    scene: Scene
    tick: Tick
    features: Features
    modulation: Modulation
    prompt: str
    strength: Mapping[str, float]
    returning: Mapping[str, float]
    painted: tuple[int, int] | None
    other: str

    def status(self, statistics: Statistics) -> Status:
        """Return the state of the show, with its statistics as they are now."""
        scene = self.scene
        size = () if self.painted is None else ("painted at {}x{}".format(*self.painted),)
        return statistics.status(
            self.features,
            scene.title,
            self.prompt,
            [self._bend(bend) for bend in scene.bends],
            [self._route(route) for route in scene.routes],
            (*labels(scene), *size),
            self.other,
        )

    def _bend(self, bend: Bend) -> BendStatus:
        back = self.returning.get(bend.name)
        note = "" if back is None else "left out after a fault"
        if back is not None and self.tick.time > back:
            note = "coming back after a fault"
        return BendStatus(
            bend.name,
            bend.operator,
            bend.site,
            bend.values,
            bend.mix,
            self.strength.get(bend.name, 0.0),
            bend.name in self.strength,
            note,
            bend.strength,
        )

    def _route(self, route: Route) -> RouteStatus:
        value = self.modulation.sources.get(route.name, 0.0)
        output = self.modulation.added.get(route.name, 0.0)
        return RouteStatus(route.name, route.source, value, route.target, output)
