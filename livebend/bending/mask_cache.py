"""The masks of a network's bends: checked before they play, made once, kept while in use."""

from collections.abc import Callable, Hashable

from torch import Tensor

from livebend.core import sites
from livebend.core.errors import Refused
from livebend.device.memory import Memory, Versioned
from livebend.flow import TRACE_LENGTH
from livebend.operators import masks
from livebend.operators.drawn_masks import DrawnMasks
from livebend.scene.values import Bend

Trace = Callable[[str, float], tuple[float, ...]]


def silence(name: str, span: float) -> tuple[float, ...]:  # noqa: ARG001 - what a Trace takes
    """The history of silence."""
    return (0.0,) * TRACE_LENGTH


class MaskCache:
    """Owned by the render thread. `drawn` are the drawn masks that bends may name."""

    def __init__(self, memory: Memory, drawn: DrawnMasks) -> None:
        self._memory, self._drawn = memory, drawn
        self.image: Versioned | None = None  # [1, 3, H, W] in −1..1, that came into this frame

    def check(self, bend: Bend) -> None:
        """Raises: Refused for a site without height and width, or an unknown drawn mask."""
        chosen = masks.settings(bend.mask)
        if chosen is None:
            return
        if not sites.is_picture(sites.place(bend.site).site):
            raise Refused(
                f"bend.{bend.name}.mask.kind = {chosen['kind']!r}: {bend.site} has no height and"
                " width; expected none"
            )
        if "picture" in chosen:
            self._drawn.get(str(chosen["picture"]))

    def mask(self, bend: Bend, x: Tensor, trace: Trace, where: Hashable) -> Versioned | None:
        """Return a bend's mask [H, W] for x [..., H, W], or None where it has none.

        `trace(feature, span)` gives a feature's recent history; `where` is the place of the bend.
        """
        chosen = masks.settings(bend.mask)
        if chosen is None:
            return None
        drawn = self._drawn.get(str(chosen["picture"])) if "picture" in chosen else None
        history: tuple[float, ...] = ()
        version = None
        if chosen["kind"] == "incoming" and self.image is not None:
            drawn, version = masks.brightness(self.image.tensor), self.image.version
        if "listen" in chosen:
            history = trace(str(chosen["listen"]), float(chosen["span"]))
        size = (x.shape[-2], x.shape[-1])
        key = (*chosen.values(), history, version, size)
        (made,) = self._memory.recall(
            "mask",
            key,
            lambda: (masks.build(chosen, size, x.device, drawn=drawn, trace=history),),
            step=where,
        )
        return made
