"""A contact sheet of presets: each of them at a few moments of a piece of music."""

from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from livebend.audio.open_input import open_sound, pull_sound
from livebend.cli.options import SceneOptions
from livebend.core.clock import OfflineClock
from livebend.core.notify import Notify
from livebend.flow import Features, Pixels
from livebend.outputs.sheet import check_sheet, write_sheet
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer, offline_renderer
from livebend.scene import edit, presets
from livebend.scene.values import Scene

FPS = 20.0
MOMENTS = (5.0, 9.5, 13.0, 16.25, 18.0)  # s, of the demo track: its pad, its build-up and its peak


def write_contact_sheet(
    output: Path, names: Sequence[str], options: SceneOptions, notify: Notify
) -> int:
    """Paint each preset at the MOMENTS of the demo track; return the number of pictures.

    The frames between are not painted, but sound and prompts are followed, so that each picture is
    that of a show. Raises: LivebendError.
    """
    check_sheet(output)
    given = options.scene_loras()
    scenes = [edit.with_loras(presets.load(name), given) for name in names]
    options.check_model(scenes, notify)
    network = options.network(notify, drawn=options.drawn_masks())
    clock = OfflineClock(FPS, max(MOMENTS) + 1.0 / FPS)
    sound = pull_sound(open_sound("demo"), frame_rate=FPS)
    features = [sound.at(tick.time) for tick in clock]
    wanted = {round(moment * FPS) for moment in MOMENTS}
    prompts = Prompts(network.model.encode, network.model.notes)

    def row(scene: Scene) -> list[Pixels]:
        network.check(scene)
        render = offline_renderer(network, prompts, duration=clock.seconds)
        return list(painted(render, scene, clock, features, wanted))

    write_sheet(output, list(map(row, scenes)), names, [f"{moment:g} s" for moment in MOMENTS])
    return len(names) * len(MOMENTS)


def painted(
    render: Renderer,
    scene: Scene,
    clock: OfflineClock,
    features: Sequence[Features],
    wanted: Container[int],
) -> Iterator[Pixels]:
    """Yield the pictures of the wanted ticks of a show, by their indices; the ticks between are
    followed without painting."""
    for tick in clock:
        if tick.index in wanted:
            yield render(scene, features[tick.index], tick).pixels
        else:
            render.follow(scene, features[tick.index], tick)
