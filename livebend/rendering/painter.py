"""Scenes as single pictures, in silence: for sheets, strips and figures."""

from livebend.flow import Features, PictureSource, Pixels, Tick
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import offline_renderer
from livebend.scene.values import Prompt, Scene, Walk

SECONDS = 0.1  # between the scenes that a painter is given together
PLAIN = Scene("Plain", prompt=Prompt("mountains at sunset"), walk=Walk(radius=0.0))


class Painter:
    """Paints scenes in silence on one network and its memory: each as the first frame of a show."""

    def __init__(self, network: Network, pictures: PictureSource | None = None) -> None:
        """`pictures` are what painting begins at; without them that is noise."""
        self.network, self._pictures = network, pictures
        self._prompts = Prompts(network.model.encode, network.model.notes)

    def __call__(self, *scenes: Scene) -> Pixels:
        """Paint scenes one after another in a show of their own, SECONDS apart; return the last."""
        render = offline_renderer(self.network, self._prompts, strict=True, pictures=self._pictures)
        self.network.begin_anew()
        ticks = (Tick(n, n * SECONDS, SECONDS if n else 0.0, 0.0) for n in range(len(scenes)))
        frames = [render(s, Features(), tick) for s, tick in zip(scenes, ticks, strict=True)]
        return frames[-1].pixels
