"""Black that comes and goes over the picture, in the time that the view sets."""

from livebend.outputs.display import View


class Black:
    """How black the picture is. Owned by one thread.

    opacity: 0 = not at all, 1 = black.
    """

    def __init__(self, moment: float) -> None:
        self.opacity, self._moved = 0.0, moment

    def follow(self, view: View, moment: float) -> bool:
        """Go on to a moment, in s on a steady clock; return whether anything changed."""
        wanted, before = float(view.blackout), self.opacity
        reach = max(moment - self._moved, 0.0) / view.fade if view.fade else 1.0
        self.opacity += min(max(wanted - before, -reach), reach)
        self._moved = moment
        return self.opacity != before

    def level(self, view: View) -> float:
        """Return the factor on the picture, 0..1: its brightness under the black."""
        return view.brightness * (1.0 - self.opacity)
