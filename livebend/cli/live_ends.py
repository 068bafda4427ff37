"""The ends of a live show: the sound and the pictures that come in, and where its frames go."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from livebend.audio.feature_sources import HeardSound
from livebend.audio.open_input import hear_sound
from livebend.cli.live_picture import LivePicture
from livebend.cli.live_state import LiveState
from livebend.core.files import film_folder
from livebend.core.sizes import shaped_size
from livebend.flow import Output, Samples
from livebend.outputs.film_take import Film
from livebend.outputs.guarded_output import GuardedOutput
from livebend.outputs.live_recording import LiveRecording
from livebend.outputs.part import PartOutput
from livebend.outputs.strobe_limit import StrobeLimit
from livebend.rendering.network import Network
from livebend.rendering.open_network import made_by

DEFAULT_FILM = "livebend.mp4"


def open_sound(live: LiveState, name: str, tape: Callable[[Samples, float], None]) -> HeardSound:
    """Open the sound that is called so; `tape` is called with what is heard, and when. Raises:
    LivebendError where it cannot be played."""
    return hear_sound(
        name,
        live.time,
        live.statistics.notice,
        monitor=live.options.aloud,
        taps=[tape],
        on_fault=live.notices.report_fault,
        timed=live.statistics.hop,
    )


def open_pictures(live: LiveState) -> LivePicture:
    """Open what painting begins at. Raises: PictureError."""
    size = live.options.size or shaped_size(512, live.shape or (1, 1))
    notices = live.notices
    return LivePicture(live.options.picture, size, live.statistics.notice, notices.report_fault)


def open_recording(
    live: LiveState, network: Network, sound: HeardSound, kept: ExitStack
) -> LiveRecording:
    """Return what writes a film whenever `output/record` is on; `kept` closes it."""
    file = live.options.record or film_folder() / DEFAULT_FILM
    size = live.options.record_size or (network.width, network.height)
    film = Film(file, size, live.options.fps, sound.sample_rate, made_by(network))
    recording = LiveRecording(film, live.display, live.statistics.notice)
    kept.callback(recording.close)
    return recording


def outputs_of(live: LiveState, display: Output, recording: LiveRecording) -> Sequence[Output]:
    """Return what takes the frames: the display its part of them, and films."""
    warn = live.notices.warn
    film = GuardedOutput("recording", recording, warn)
    outputs: list[Output] = [PartOutput(display, live.display), film]
    return [StrobeLimit(outputs, lambda: live.display.view.strobe_limit, warn)]
