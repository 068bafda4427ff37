"""The two sides of the crossfader: `scene`, which is edited, and `scene.other`.

The scene is always the side that the fader is nearer to, so all that edits, stores, recalls and
undoes acts on what is seen most. A hand that moves the fader over the middle swaps the two; a route
or a loop that moves it plays the other side, and what is edited stays.
"""

from livebend.scene.copy import altered
from livebend.scene.show_values import Crossfade, Recall, Tempo
from livebend.scene.values import Scene

POSITION = "crossfade.position"
MIDDLE = 0.5
SHOWS = {"tempo": Tempo(), "preset": Recall(), "crossfade": Crossfade()}  # not a side's
KEPT = (*SHOWS, "past", "future")


def moved(scene: Scene, position: float) -> Scene:
    """Return the scene with its fader at a position 0..1, the sides swapped where the other one is
    nearer now."""
    made = altered(scene, {"crossfade": Crossfade(position)})
    stays = end(position) == end(scene.crossfade.position)
    return made if stays or scene.other is None else _swapped(made)


def end(position: float) -> float:
    """Return the end of the fader, 0 or 1, that a position is nearer to; the middle is of 0."""
    return float(position > MIDDLE)


def share(scene: Scene, position: float | None = None) -> float:
    """Return how much of the other side is played, 0..1; nothing where there is none.

    position: of the fader as it is played, by default as it is set.
    """
    if scene.other is None:
        return 0.0
    set_to = scene.crossfade.position
    return abs((set_to if position is None else position) - end(set_to))


def alone(scene: Scene) -> Scene:
    """Return the scene without its other side and what undo and redo return to."""
    return altered(scene, {"other": None, "past": (), "future": ()})


def _swapped(scene: Scene) -> Scene:
    assert scene.other is not None
    kept = {name: getattr(scene, name) for name in KEPT}
    return altered(scene.other, {**kept, "other": beside(scene)})


def beside(scene: Scene) -> Scene:
    """Return a scene as the other side, without what is the show's: wherever the fader has been
    meanwhile, it is the same."""
    return altered(alone(scene), SHOWS)
