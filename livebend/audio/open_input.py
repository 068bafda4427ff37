"""From what a performer types after --input to the features of that sound.

demo · loopback · the name of a file · the name of a device
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from livebend.audio.analyzer import Analyzer, hop_for
from livebend.audio.capture import DeviceKeeper
from livebend.audio.demo import demo_sound
from livebend.audio.feature_sources import HeardSound, HopListener, PulledSound
from livebend.audio.inputs import DeviceInput, Input, PlayedInput
from livebend.audio.monitor import Monitor
from livebend.audio.portaudio import Device, find_device, find_loopback, portaudio
from livebend.audio.sound import Sound, read_sound
from livebend.core.clock import Time
from livebend.core.errors import SoundError
from livebend.core.notify import Notify

DEFAULT_RATE = 48_000  # Hz, of a device that is not there yet
FRAME_RATE = 20.0  # Hz, live: the paper's features are over a video frame of this rate


def open_sound(name: str) -> Sound:
    """Return "demo" or the file of that name as samples.

    Raises: SoundError where the file is missing or cannot be decoded.
    """
    return demo_sound() if name == "demo" else read_sound(name)


def pull_sound(sound: Sound, frame_rate: float) -> PulledSound:
    """Return the features of a recording, for offline; `frame_rate` in Hz, of the video."""
    hop = hop_for(sound.sample_rate, frame_rate)
    return PulledSound(sound, Analyzer(sound.sample_rate, hop, frame_rate))


def hear_sound(
    name: str,
    time: Time,
    notify: Notify,
    *,
    monitor: bool = False,
    taps: Sequence[HopListener] = (),
    on_failure: Callable[[BaseException], None] | None = None,
    timed: Callable[[float], None] | None = None,
) -> HeardSound:
    """Return the features of any input, for live; call `start` on it, and `close` at the end.

    A missing device is waited for, in silence and with a notice. Without PortAudio the demo plays
    instead, with a notice. `monitor` plays a file or the demo aloud; `taps`, `on_failure` and
    `timed` are those of HeardSound.
    Raises: SoundError where a file is missing or cannot be decoded, or there is no loopback.
    """
    source: Input
    if (sound := _recording(name, notify)) is not None:
        analyzer = _analyzer(sound.sample_rate)
        aloud = _monitor(sound.sample_rate, notify) if monitor else None
        source = PlayedInput(sound, analyzer.hop, time, aloud)
    else:
        find, rate = _device(name)
        analyzer = _analyzer(rate)
        keeper = DeviceKeeper(name, find, rate, analyzer.hop, notify)
        source = DeviceInput(keeper, rate, analyzer.hop, time)
    return HeardSound(source, analyzer, taps, on_failure, timed)


def _analyzer(sample_rate: int) -> Analyzer:
    return Analyzer(sample_rate, hop_for(sample_rate, FRAME_RATE), FRAME_RATE)


def _recording(name: str, notify: Notify) -> Sound | None:
    """Return the recording that the name means, or None where it means a device."""
    if name == "demo" or _is_file(name):
        return open_sound(name)
    try:
        portaudio()
    except SoundError as fault:
        notify(f"{fault}; the demo plays instead")
        return demo_sound()
    return None


def _device(name: str) -> tuple[Callable[[], Device], int]:
    """Return how to look the device up, and its rate in Hz as far as it is known."""
    if name == "loopback":
        return find_loopback, find_loopback().default_rate
    try:
        return lambda: find_device(name), find_device(name).default_rate
    except SoundError:  # DeviceKeeper looks again, with a notice
        return lambda: find_device(name), DEFAULT_RATE


def _monitor(sample_rate: int, notify: Notify) -> Monitor | None:
    try:
        return Monitor(sample_rate)
    except SoundError as fault:
        notify(f"{fault}; the sound is not played aloud")
        return None


def _is_file(name: str) -> bool:
    """Whether the name means a file: it is one, or it has an extension."""
    path = Path(name)
    return path.exists() or re.fullmatch(r"\.[A-Za-z]\w{1,3}", path.suffix) is not None
