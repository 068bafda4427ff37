"""The loaded network of a live show and what paints with it, and the encoding of its prompts."""

from functools import partial

from livebend.cli.live_state import LiveState
from livebend.control.command_queue import texts_of
from livebend.core.priority import step_back
from livebend.core.watchdog import Term
from livebend.device.torch_threads import compute_with
from livebend.flow import PictureSource
from livebend.models.backends.read_ahead import ReadAhead
from livebend.modulation.beats import Beats
from livebend.rendering.open_network import take_up
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.rendering.small_network import SmallNetwork, open_small_network


class Player:
    """The loaded network and what paints with it: what the render thread runs."""

    def __init__(
        self, live: LiveState, pictures: PictureSource | None, ahead: ReadAhead | None
    ) -> None:
        """Load the model; slow. Raises: LivebendError where it cannot play the scene.

        pictures: what painting begins at; None = noise.
        ahead: engines that are being read meanwhile.
        """
        options, guidance = live.options, live.scene.sampling.guidance
        self.network = options.network(
            live.statistics.notice, guidance=guidance, drawn=live.drawn, ahead=ahead,
            on_phase=live.on_phase, shape=live.shape,
        )  # fmt: skip
        model = self.network.model
        self.scene = self.network.check(live.scene)
        self.prompts = Prompts(model.encode, model.notes, live.notices.warn)
        for text in texts_of(self.scene):
            self.prompts.value(text)
        self._painter = partial(
            Renderer,
            prompts=self.prompts,
            statistics=live.statistics,
            status=live.status,
            duration=options.seconds,
            target_ms=options.target_ms,
            pictures=pictures,
        )
        self._small = self._small_network() if options.target_ms else None
        self.render = self._painter(self.network, small=self._small)
        if ahead:
            ahead.keep()
        live.on_phase("engine, first prompt")

    def take_up(self) -> None:
        """Prepare the calling thread to paint."""
        take_up(self.network)

    def anew(self) -> None:
        """Forget what earlier frames left."""
        self.network.memory.forget()
        self.network.begin_anew()

    def beats(self) -> Beats:
        """Return where the beat was in the last frame."""
        return self.render.beats

    def renew(self) -> None:
        """Paint with a renderer and a network of their own from now on, on the same model and
        engine: the thread before may still hold the others."""
        self.network = self.network.twin()
        self._small = SmallNetwork(self.network) if self._small else None
        self.render = self._painter(self.network, small=self._small)

    def encode(self, term: Term) -> None:
        """Encode prompts as they are asked for: the work of a thread of its own."""
        if term.number:
            self.prompts.renew()
        compute_with(1)  # the other cores are for the render thread
        step_back()
        self.prompts.work(term)

    def _small_network(self) -> SmallNetwork | None:
        guided = self.network.sampled(self.scene.sampling).guidance > 1.0
        return open_small_network(self.network, guided=guided)
