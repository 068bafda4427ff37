"""Memory that runs out while a frame is painted: frames get lighter step by step, and the show goes
on. Owned by the render thread.

    1  what stages have made is forgotten, and from now on half as much is kept
    2  half the steps
    3  SCALE of the size
"""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace

from livebend.core.errors import OutOfRange
from livebend.device.gpu import release_unused
from livebend.rendering.governor import SCALE
from livebend.rendering.network import Network
from livebend.rendering.small_network import SmallNetwork
from livebend.scene.values import Scene

Step = Callable[[Scene], str]


class MemoryShortage:
    """What is done for lack of memory, until another preset is loaded.

    network: at the size that is shown.
    small: the same at a smaller size; made where it is wanted and there is none.
    """

    def __init__(self, network: Network, small: Network | None) -> None:
        self.small = small
        self.is_small = False  # whether frames are painted by that one
        self._network, self._most = network, network.memory.byte_cap
        self._halved, self._loads = False, 0
        self._steps: Iterator[Step] = iter(())
        self._begin()

    def lightened(self, scene: Scene) -> Scene:
        """Return the scene as there is memory for it. One with another preset is played whole."""
        if scene.loads != self._loads:
            self._loads = scene.loads
            self._begin()
        if not self._halved:
            return scene
        return replace(scene, sampling=replace(scene.sampling, steps=self._half(scene)))

    def step(self, scene: Scene) -> str:
        """Take the next step for a scene whose frame had no memory; return what it is, and "" where
        there is none left."""
        for step in self._steps:
            if said := step(scene):
                return f"memory is short: {said}"
        return ""

    def _begin(self) -> None:
        self._network.memory.byte_cap, self._halved, self.is_small = self._most, False, False
        self._steps = iter((self._forget, self._halve, self._shrink))

    def _half(self, scene: Scene) -> int:
        return max(self._network.calls(scene.sampling) // 2, 1)

    def _forget(self, _: Scene) -> str:
        memory = self._network.memory
        memory.byte_cap = memory.bytes // 2
        self._free()
        return "what stages made is forgotten, and less is remembered"

    def _halve(self, scene: Scene) -> str:
        steps = self._half(scene)
        if steps == self._network.calls(scene.sampling):
            return ""
        self._halved = True
        self._free()
        return f"playing at {steps} step{'s' if steps != 1 else ''}"

    def _shrink(self, _: Scene) -> str:
        self._free()
        try:
            self.small = self.small or SmallNetwork(self._network)
        except OutOfRange:
            return ""
        self.is_small = True
        return f"playing at {SCALE:g} of the size"

    def _free(self) -> None:
        self._network.memory.forget()
        self._network.begin_anew()
        gc.collect()
        release_unused(self._network.model.device)
