"""A contact sheet of presets: each of them at a few moments of a piece of music."""

from collections.abc import Sequence
from pathlib import Path

from livebend.audio.open_input import open_sound, pull_sound
from livebend.core.clock import OfflineClock, SystemTime
from livebend.core.mailbox import OnDemand
from livebend.core.notify import Notify
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Features, Pixels
from livebend.operators.drawn_masks import DrawnMasks
from livebend.outputs.sheet import check_sheet, write_sheet
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene import presets

FPS = 20.0
MOMENTS = (5.0, 9.5, 13.0, 16.25, 18.0)  # s, of the demo: pad, build, and full


def contact(
    output: Path,
    names: Sequence[str],
    model: str,
    size: tuple[int, int] | None = None,
    backend: str = "torch",
    *,
    dtype: str = "auto",
    drawn: DrawnMasks | None = None,
    sound: str = "demo",
    moments: Sequence[float] = MOMENTS,
    tell: Notify = print,
) -> int:
    """Paint every preset at every moment and write the sheet; return the number of pictures.

    Between the moments only the sound is followed, so envelopes stand where they would in a show.
    Raises: LivebendError.
    """
    check_sheet(output)
    masks = drawn or DrawnMasks(presets.mask_folders())
    network = open_network(model, size, backend, tell, dtype=dtype, drawn=masks)
    prompts = Prompts(network.model.encode, network.model.understand)
    clock = OfflineClock(FPS, max(moments) + 1.0 / FPS)
    heard = pull_sound(open_sound(sound), frame_rate=FPS)
    features = [heard.at(tick.time) for tick in clock]
    chosen = {round(moment * FPS) for moment in moments}
    cells = [_row(name, network, prompts, clock, features, chosen) for name in names]
    write_sheet(output, cells, names, [f"{moment:g} s" for moment in moments])
    return sum(map(len, cells))


def _row(
    name: str,
    network: Network,
    prompts: Prompts,
    clock: OfflineClock,
    features: Sequence[Features],
    chosen: set[int],
) -> list[Pixels]:
    scene = network.check(presets.load(name))
    render = Renderer(
        network, prompts, Statistics(SystemTime()), OnDemand(Status()), duration=clock.seconds
    )
    pictures = []
    for tick in clock:
        if tick.index in chosen:
            pictures.append(render(scene, features[tick.index], tick).pixels)
        else:
            render.follow(scene, features[tick.index], tick)
    return pictures
