"""From what a performer types after --input to the features of that sound.

demo · silence · loopback · the name of a file · the name of a device · that name:channels
"""

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from livebend.audio.analyzer import Analyzer, hop_for
from livebend.audio.bands import HAT
from livebend.audio.capture import DeviceKeeper
from livebend.audio.demo import demo_sound
from livebend.audio.feature_sources import HeardSound, Hearing, HopListener, PulledSound
from livebend.audio.inputs import DeviceInput, Input, PlayedInput
from livebend.audio.look_ahead import LookAhead, hear_whole
from livebend.audio.monitor import Monitor
from livebend.audio.portaudio import NoChannel, Pick, pick_device, pick_loopback, portaudio
from livebend.audio.sound import RATE, MemorySound, Sound
from livebend.audio.sound_file import SoundFile
from livebend.core.clock import Time
from livebend.core.errors import SoundError
from livebend.core.notify import Notify, ignore
from livebend.core.watchdog import OnFault

FRAME_RATE = 20.0  # Hz, live: the paper's features are over a video frame of this rate


def open_sound(name: str, notify: Notify = ignore) -> Sound:
    """Return the recording of that name: "demo", "silence" or a file. A rate that cannot hold every
    band is reported.

    Raises: SoundError where the file is missing, cannot be decoded or is too short.
    """
    if name == "demo":
        return demo_sound()
    if name == "silence":
        return MemorySound(np.zeros(RATE, np.float32), name)
    sound = SoundFile(name)
    if sound.sample_rate < 2 * HAT[1]:
        rate = sound.sample_rate
        notify(f"{name}: {rate} samples a second hold nothing above {rate / 2:g} Hz: less is high")
    return sound


def pull_sound(sound: Sound, frame_rate: float) -> PulledSound:
    """Return the features of a recording, for offline; `frame_rate` in Hz, of the video."""
    return PulledSound(sound, _analyzer(frame_rate))


def look_ahead(sound: Sound, frame_rate: float) -> LookAhead:
    """Return the same features with the beats and the loudness of the whole recording, which is
    heard to its end first. Raises: SoundError."""
    return LookAhead(pull_sound(sound, frame_rate), hear_whole(sound))


def hear_sound(
    name: str,
    time: Time,
    notify: Notify,
    *,
    monitor: bool = False,
    taps: Sequence[HopListener] = (),
    on_fault: OnFault = lambda *_: None,
    timed: Callable[[float], None] | None = None,
) -> HeardSound:
    """Return the features of any input, for live; call `start` on it, and `close` at the end.

    A missing device is waited for, in silence and with a notice. Without PortAudio the demo plays
    instead, with a notice. `monitor` plays a file or the demo aloud; `taps`, `on_fault` and
    `timed` are those of HeardSound.
    Raises: SoundError where a file is missing or cannot be decoded, a device does not have the
        channels, or there is no loopback.
    """
    opened: Callable[[int], Input]
    if (sound := _recording(name, notify)) is not None:
        opened = partial(_played, sound, time, notify, monitor=monitor)
    else:
        opened = partial(_captured, name, _find(name), time, notify)

    def hearing() -> Hearing:
        analyzer = _analyzer(FRAME_RATE)
        return opened(analyzer.hop), analyzer

    return HeardSound(*hearing(), taps, on_fault, timed, again=hearing, now=time.now)


def _played(sound: Sound, time: Time, notify: Notify, hop: int, *, monitor: bool) -> Input:
    aloud = _monitor(notify) if monitor else None
    return PlayedInput(sound, hop, time, notify, aloud)


def _captured(name: str, find: Callable[[], Pick], time: Time, notify: Notify, hop: int) -> Input:
    keeper = DeviceKeeper(name, find, hop, notify, follows=name in ("default", "loopback"))
    return DeviceInput(keeper, hop, time)


def _analyzer(frame_rate: float) -> Analyzer:
    return Analyzer(hop_for(frame_rate), frame_rate)


def _recording(name: str, notify: Notify) -> Sound | None:
    """Return the recording that the name means, or None where it means a device."""
    if name in ("demo", "silence") or _is_file(name):
        return open_sound(name, notify)
    try:
        portaudio()
    except SoundError as fault:
        notify(f"{fault}; the demo plays instead")
        return demo_sound()
    return None


def _find(name: str) -> Callable[[], Pick]:
    """Return how to look the device up, after a first attempt. Raises: SoundError for what no
    later attempt can mend."""
    if name == "loopback":
        pick_loopback()
        return pick_loopback
    try:
        pick_device(name)
    except NoChannel:
        raise
    except SoundError:  # DeviceKeeper looks again, with a notice
        pass
    return lambda: pick_device(name)


def _monitor(notify: Notify) -> Monitor | None:
    try:
        return Monitor()
    except SoundError as fault:
        notify(f"{fault}; the sound is not played aloud")
        return None


def _is_file(name: str) -> bool:
    """Whether the name means a file: it is one, or it has an extension."""
    suffix = Path(name).suffix
    return os.path.exists(name) or re.fullmatch(r"\.[A-Za-z]\w{1,3}", suffix) is not None
