"""What goes on by itself in the time of a show: the walk, the turns of prompts, the fade to a new
prompt. Owned by the render thread."""

from livebend.core.ranges import eased
from livebend.device.memory import Versioned
from livebend.flow import Tick
from livebend.modulation.phase import Phase, rate_of
from livebend.scene.values import Scene


class ShowPhases:
    """Where the walk is on its circle and which prompt has its turn: periods since the show began.

    A hand or a route that changes a period changes the pace, never the place. A scene that is
    loaded with another walk or other turns begins where the time of the show has them.
    """

    def __init__(self) -> None:
        self.walk = self.prompts = 0.0
        self._phases = {"walk": Phase(), "prompt": Phase()}
        self._before = Scene()

    def step(self, scene: Scene, playing: Scene, tick: Tick) -> None:
        """Go on to the tick: `scene` as it was given, `playing` as its routes make it."""
        if scene.loads != self._before.loads:
            for name in self._phases:
                if getattr(scene, name) != getattr(self._before, name):
                    self._phases[name] = Phase()
        self._before = scene
        walk, prompt = rate_of(playing.walk.period), rate_of(playing.prompt.every)
        self.walk = self._phases["walk"].advance(walk, tick.time, tick.dt)
        self.prompts = self._phases["prompt"].advance(prompt, tick.time, tick.dt)


class PromptFade:
    """The crossing from the prompt that was shown to a new one, in the time of the show."""

    def __init__(self) -> None:
        self.shown: Versioned | None = None
        self._origin: Versioned | None = None
        self._target: Versioned | None = None
        self._begin = 0.0

    def step(self, target: Versioned, time: float, fade: float) -> tuple[Versioned, float]:
        """Return (embedding to come from, share 0..1 of the target), eased at both ends."""
        if self._target is None or self.shown is None:
            self._target = self._origin = target
        elif target.version != self._target.version:
            self._origin, self._target, self._begin = self.shown, target, time
        u = min((time - self._begin) / fade, 1.0) if fade > 0 else 1.0
        if self._origin is None or u >= 1.0:
            return target, 1.0
        return self._origin, eased(u)
