"""A panel as a show has one, without a show."""

from livebend.core.panel import Fader, Pad, Panel
from livebend.core.ranges import Range

ANGLE = Fader("bend.swirl.angle", "angle", 30.0, Range(-180, 180, "deg", wraps=True))
MIX = Fader("bend.swirl.mix", "mix", 0.5, Range(0, 1))
MANY = tuple(Fader(f"bend.swirl.mask.{n}", f"mask {n}", 0.0, Range(0, 1)) for n in "xy")
HIGH = Fader("route.kick.high", "high", 90.0, Range(-360, 360, "deg"))
DIM = Fader("output.brightness", "brightness", 1.0, Range(0, 1))


def a_panel(*, angle: Fader = ANGLE, learning: str = "", pads: int = 64) -> Panel:
    """The faders of a bend and a route, and slots of which two hold something."""
    return Panel(
        show=(DIM,),
        bends={"swirl": (angle, MIX, *MANY), "glass": (MIX,)},
        routes={"kick": (HIGH,)},
        muted=frozenset({"bend.glass"}),
        pads=tuple(
            Pad(n, "Dub" if n in (1, 5) else "", is_on=n == 5, waits=n == 1)
            for n in range(1, pads + 1)
        ),
        learning=learning,
    )
