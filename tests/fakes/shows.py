"""A show without a window: a renderer that is asked for one frame after another."""

from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Features, Pixels, Tick
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene.values import Prompt, Scene, Walk
from tests.fakes.times import ManualTime

SILENCE = Features()
STILL = Scene(prompt=Prompt("a red orb"), walk=Walk(radius=0.0))


class Show:
    """A renderer with what it reports; `index` is that of its next frame."""

    def __init__(
        self, network: Network, *, prompts: Prompts | None = None, **options: object
    ) -> None:
        """`options` are the renderer's."""
        self.network, self.index = network, 0
        self.statistics, self.status = Statistics(ManualTime()), OnDemand(Status())
        model = network.model
        self.prompts = prompts or Prompts(model.encode, model.notes)
        self.render = Renderer(network, self.prompts, self.statistics, self.status, **options)

    def frame(
        self,
        scene: Scene,
        time: float | None = None,
        features: Features = SILENCE,
        *,
        dt: float = 0.1,
    ) -> Pixels:
        """Paint the next frame, at `time` or at as many `dt` as there were frames, in seconds."""
        moment = self.index * dt if time is None else time
        tick = Tick(self.index, moment, dt, moment)
        self.index += 1
        return self.render(scene, features, tick).pixels
