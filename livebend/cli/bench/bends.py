"""What bends add to a frame: four at mixed sites, and every operator at one."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from livebend.bending.apply import apply_bend
from livebend.core.clock import now
from livebend.core.errors import UnknownName
from livebend.core.sites import LATENT, UP, place
from livebend.device.gpu import wait_for
from livebend.device.memory import Versioned
from livebend.operators.library import all_operators
from livebend.operators.registry import Past
from livebend.rendering.network import Network
from livebend.scene import edit
from livebend.scene.values import Bend, Sampling

FOUR = {"latent@1": "rotate", "unet.skip.1": "bands", "unet.mid": "direction", "unet.up.1": "add"}


def time_four(network: Network, frames: int) -> float:
    """Return the milliseconds that four moving bends at mixed sites add to a frame."""
    return sum(
        _bend_ms(edit.main_at(Bend("b", operator, site), 0.7), _tensor(network, site), frames)
        for site, operator in FOUR.items()
    )


def time_operators(network: Network, frames: int, whole: float) -> list[dict[str, Any]]:
    """Return a row for every operator: what it adds at the last block of the way up, whose tensor
    is the largest, in ms and in percent of a whole frame of `whole` ms."""
    site = max(s for s in network.sites if s.startswith(UP))
    x = _tensor(network, site)
    rows = []
    for name in all_operators():
        ms = _bend_ms(edit.main_at(Bend("b", name, site), 0.7), x, frames)
        rows.append({"operator": name, "ms": round(ms, 3), "percent": round(100 * ms / whole, 2)})
    return rows


def _tensor(network: Network, site: str) -> Tensor:
    """Return the tensor at a site in a picture."""
    text = Versioned(-1, network.model.encode([""]))
    with network.unjoined():
        network.paint(network.noise(1)[0], text, (), Sampling("euler", 1))
    if place(site).site == LATENT:
        return network.noise(1)[0].tensor
    for stage in network.stages:
        if site in stage.writes:
            return network.memory.newest(stage.name)[stage.writes.index(site)].tensor
    raise UnknownName("site", site, network.sites)


@torch.inference_mode()
def _bend_ms(bend: Bend, x: Tensor, frames: int) -> float:
    ms = []
    for _ in range(frames + 3):
        wait_for(x.device)
        begin = now()
        apply_bend(bend, x, None, {"past": Past(x, 0.05)})
        wait_for(x.device)
        ms.append((now() - begin) * 1e3)
    return float(np.median(ms[3:]))  # after three to warm up
