"""A scene of one bend that routes drive, and the angle that they give it."""

from livebend.core.specs import ParameterValue
from livebend.flow import Features
from livebend.modulation.modulator import Modulator
from livebend.scene.values import Agc, Bend, Route, Scene

LOUD = Features(rms=0.5, low=0.4, mid=0.2, high=0.1, flux=0.7, silent=False)
DIRECT = Agc(on=False)


def scene(*routes: Route, agc: Agc = DIRECT, **values: ParameterValue) -> Scene:
    """A scene with the bend `b`, a rotation of such values, without automatic gain."""
    return Scene(bends=(Bend("b", "rotate", "latent@0.8", values),), routes=routes, agc=agc)


def route(
    source: str = "rms", target: str = "bend.b.angle", name: str = "r", **changes: object
) -> Route:
    """A route that follows its source at once."""
    return Route(name, source, target, **({"attack": 0.0, "release": 0.0} | changes))


def angle_of(
    played: Scene,
    features: Features = LOUD,
    time: float = 1.0,
    dt: float = 0.05,
    progress: float = 0.0,
) -> ParameterValue:
    """The angle of the bend in the first frame of a show, in degrees."""
    return Modulator().modulate(played, features, time, dt, progress).values["bend.b.angle"]
