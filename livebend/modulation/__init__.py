"""From features to the values of parameters.

sources (what can drive) · shapes (curves and edges) · follower (attack and release) · gain (AGC) ·
phase (what goes round) · tempo · plan (who drives what) · modulator (all of it, once per frame)
"""

from livebend.modulation.modulator import Modulation, Modulator
from livebend.modulation.phase import Phase, rate_of
from livebend.modulation.sources import SOURCES

__all__ = ["SOURCES", "Modulation", "Modulator", "Phase", "rate_of"]
