"""What a frame costs besides its network and its bends: sound, hands, modulation, hand-over.

The frames are those of a show: the renderer itself, four routes that drive four bends at mixed
sites, a walking noise, two messages of hands a frame.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from livebend.cli.bench.bends import FOUR
from livebend.cli.bench.senses import HOP, RATE
from livebend.control.command_queue import CommandQueue
from livebend.core.clock import SystemTime, now
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.sites import place
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Features, Frame, Tick
from livebend.modulation.modulator import Modulator
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene import edit
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Prompt, Route, Sampling, Scene, Walk

BENDS = ("bend", "mask")
ARITHMETIC = ("sampler", "noise", "walk", "guidance", "text")  # round the network's calls


def time_overhead(network: Network, steps: int, frames: int, hop_us: float) -> list[dict[str, Any]]:
    """Return rows of median µs and percent of a whole frame; `hop_us` is what a hop of sound takes,
    of which each frame has several. A row is one part; together they are what is neither network
    nor bend."""
    show = _Show(network, steps)
    taken = [show.frame(k) for k in range(frames + 3)][3:]
    whole = float(np.median([one["whole"] for one in taken]))
    parts = {
        name: float(np.median([one[name] for one in taken])) for name in taken[0] if name != "whole"
    }
    return [
        {"part": name, "us": round(us, 1), "percent": round(100.0 * us / whole, 2)}
        for name, us in {"sound": hop_us * whole * RATE / HOP / 1e6, **parts}.items()
    ]


class _Show:
    """A show without ends: hands, renderer and the slot that the window reads."""

    def __init__(self, network: Network, steps: int) -> None:
        self._network = network
        self._scene = network.check(_scene(network, steps))
        statistics = Statistics(SystemTime())
        self._render = Renderer(
            network, Prompts(network.model.encode), statistics, OnDemand(Status())
        )
        self._queue = CommandQueue(notify=statistics.notice, check=network.check)
        self._modulator = Modulator()
        self._shown: Latest[Frame | None] = Latest(None)

    def frame(self, k: int) -> dict[str, float]:
        """Play one frame; return µs of each part and of the whole."""
        tick = Tick(k, k * 0.05, 0.05, k * 0.05)
        features = Features(tick.time, rms=0.2 + 0.1 * (k % 7), flux=0.1 * (k % 5), silent=False)
        begin = now()
        self._queue.give(Set("walk.radius", 0.5 + 0.01 * (k % 9)))
        self._queue.give(Set("bend.b0.mix", 0.9 + 0.01 * (k % 9)))
        for command in self._queue.until(tick.time):
            self._scene = command.apply(self._scene)
        commanded = now()
        moved = self._modulator.modulate(self._scene, features, tick.time, tick.dt)
        edit.with_values(self._scene, moved.values)
        modulating = now()
        frame = self._render(self._scene, features, tick)
        painted = now()
        self._shown.put(frame)
        given = now()
        seconds = self._network.memory.ran.seconds
        names = {stage.name for stage in self._network.stages} | {"unet.time"}
        names |= self._network.groups.keys()
        arithmetic = _sum(seconds, ARITHMETIC)
        computed = sum(s for n, s in seconds.items() if n in names) + _sum(seconds, BENDS)
        modulation, render = modulating - commanded, painted - modulating
        rest = render - computed - arithmetic - modulation
        return {
            "commands": (commanded - begin) * 1e6,
            "modulation": modulation * 1e6,
            "noise, sampler": arithmetic * 1e6,
            "keys, status, read-back": rest * 1e6,
            "hand-over": (given - painted) * 1e6,
            "whole": (commanded - begin + given - modulating) * 1e6,
        }


def _scene(network: Network, steps: int) -> Scene:
    sites = [site for site in FOUR if place(site).site in network.sites]
    bends = tuple(
        edit.main_at(Bend(f"b{n}", FOUR[site], site), 0.7) for n, site in enumerate(sites)
    )
    routes = tuple(Route(f"r{n}", "rms", f"bend.b{n}.mix", high=-0.2) for n in range(len(bends)))
    return Scene(
        prompt=Prompt("a floating orb"),
        walk=Walk(0.5, 7.0),
        sampling=Sampling("euler", steps),
        bends=bends,
        routes=routes,
    )


def _sum(seconds: Mapping[str, float], heads: Iterable[str]) -> float:
    return sum(s for name, s in seconds.items() if name.partition(".")[0] in heads)
