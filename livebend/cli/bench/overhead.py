"""What a frame costs besides its network and its bends: sound, commands, modulation, hand-over.

The frames are those of a show: the renderer itself, four routes that drive four bends at mixed
sites, a noise walk, two commands a frame.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from livebend.cli.bench.bends import FOUR
from livebend.cli.bench.inputs import HOPS
from livebend.control.command_queue import CommandQueue
from livebend.core.clock import now
from livebend.core.mailbox import Latest
from livebend.core.notify import ignore
from livebend.core.sites import place
from livebend.flow import Features, Frame, Tick
from livebend.modulation.modulator import Modulator
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import offline_renderer
from livebend.scene import edit
from livebend.scene.commands import Set
from livebend.scene.values import Bend, Prompt, Route, Sampling, Scene, Walk

BENDS = ("bend", "mask")
ARITHMETIC = ("sampler", "noise", "walk", "guidance", "text")  # between the network's calls


def time_overhead(network: Network, steps: int, frames: int, hop_us: float) -> list[dict[str, Any]]:
    """Return a row for each part of a frame that is neither network nor bend: its median in µs and
    in percent of a whole frame. `hop_us` is what a hop of sound takes; a frame has several."""
    loop = _FrameLoop(network, steps)
    samples = [loop.frame(k) for k in range(frames + 3)][3:]
    medians = {name: float(np.median([us[name] for us in samples])) for name in samples[0]}
    whole = medians.pop("whole")
    return [
        {"part": name, "us": round(us, 1), "percent": round(100.0 * us / whole, 2)}
        for name, us in {"sound": hop_us * whole * HOPS / 1e6, **medians}.items()
    ]


class _FrameLoop:
    """The loop of a show without sound and window: commands, renderer, the mailbox for frames."""

    def __init__(self, network: Network, steps: int) -> None:
        self._network = network
        self._scene = network.check(_scene(network, steps))
        self._render = offline_renderer(network, Prompts(network.model.encode))
        self._queue = CommandQueue(notify=ignore, check=network.check)
        self._modulator = Modulator()
        self._shown: Latest[Frame | None] = Latest(None)

    def frame(self, k: int) -> dict[str, float]:
        """Play a frame; return the µs of each part and of the whole."""
        tick = Tick(k, k * 0.05, 0.05, k * 0.05)
        features = Features(tick.time, rms=0.2 + 0.1 * (k % 7), flux=0.1 * (k % 5), silent=False)
        begin = now()
        self._queue.give(Set("walk.radius", 0.5 + 0.01 * (k % 9)))
        self._queue.give(Set("bend.b0.mix", 0.9 + 0.01 * (k % 9)))
        for command in self._queue.until(tick.time):
            self._scene = command.apply(self._scene)
        commanded = now()
        modulation = self._modulator.modulate(self._scene, features, tick.time, tick.dt)
        edit.with_values(self._scene, modulation.values)
        modulated = now()
        frame = self._render(self._scene, features, tick)
        painted = now()
        self._shown.put(frame)
        handed_over = now()
        seconds = self._network.memory.ran.seconds
        names = {stage.name for stage in self._network.stages} | {"unet.time"}
        names |= self._network.groups.keys()
        arithmetic = _sum(seconds, ARITHMETIC)
        computed = sum(s for n, s in seconds.items() if n in names) + _sum(seconds, BENDS)
        modulating, rendering = modulated - commanded, painted - modulated
        rest = rendering - computed - arithmetic - modulating
        return {
            "commands": (commanded - begin) * 1e6,
            "modulation": modulating * 1e6,
            "noise, sampler": arithmetic * 1e6,
            "keys, status, read-back": rest * 1e6,
            "hand-over": (handed_over - painted) * 1e6,
            "whole": (commanded - begin + handed_over - modulated) * 1e6,
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
