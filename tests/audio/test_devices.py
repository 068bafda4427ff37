"""Sound devices: found by name, lost and found again, read in order; and the loudspeaker."""

import builtins
import sys
from dataclasses import asdict

import numpy as np
import pytest

from livebend.audio import capture, open_input, portaudio
from livebend.audio.capture import DeviceKeeper, Ring
from livebend.audio.monitor import Monitor
from livebend.audio.sound import RATE
from livebend.core.clock import SystemTime
from livebend.core.errors import SoundError
from tests.fakes.sound import FakeSoundDevice, sine
from tests.fakes.sound_files import hertz


@pytest.fixture
def library(monkeypatch):
    fake = FakeSoundDevice()
    fake.rates = (44100,)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        time = 0.0

    monkeypatch.setattr(capture, "now", lambda: Clock.time)
    monkeypatch.setattr(capture, "PATIENCE", 0.0)
    return Clock


def test_devices_are_listed_by_name(library):
    devices = portaudio.list_devices()
    assert [d.name for d in devices] == ["Built-in Mic", "USB Interface"]
    assert asdict(devices[0]) == {
        "name": "Built-in Mic",
        "host_api": "FakeAPI",
        "channels": 2,
        "default_rate": 44100,
        "is_default": False,
    }


@pytest.mark.parametrize("name", ["USB Interface", "usb", "FakeAPI:USB Interface"])
def test_a_device_is_found_by_its_name_or_a_part(library, name):
    assert portaudio.find_device(name).name == "USB Interface"


def test_an_unknown_device_names_the_nearest(library):
    with pytest.raises(SoundError, match="did you mean 'USB Interface'"):
        portaudio.find_device("USB Interfaze")


def test_a_device_keeps_its_name_when_its_number_changes(library):
    device = portaudio.find_device("usb")
    assert portaudio.device_index(device) == 2
    library.names = ["New", "Built-in Mic", "USB Interface"]
    assert portaudio.device_index(device) == 3
    library.names = ["New"]
    with pytest.raises(SoundError, match="'USB Interface' is gone"):
        portaudio.device_index(device)


def test_without_portaudio_the_demo_plays_and_the_remedy_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(sys, "platform", "linux")
    notices = []
    heard = open_input.hear_sound("some microphone", SystemTime(), notices.append)
    assert "sudo apt install libportaudio2; the demo plays instead" in notices[0]
    assert heard.sample_rate == 44100


def test_loopback_that_is_not_there_says_what_to_do(library, monkeypatch):
    monkeypatch.setenv("PULSE_SOURCE", "x")
    for platform, remedy in (("linux", "libasound2-plugins"), ("darwin", "blackhole-2ch")):
        monkeypatch.setattr(sys, "platform", platform)
        with pytest.raises(SoundError, match=remedy):
            portaudio.pick_loopback()


def test_a_name_with_an_ending_is_a_file(library):
    with pytest.raises(SoundError, match="no such file"):
        open_input.hear_sound("missing.mp3", SystemTime(), print)


def keeper(notices):
    return DeviceKeeper("usb", lambda: portaudio.pick_device("usb"), 256, notices.append)


def test_a_device_is_read_lost_and_found_again(library, clock):
    notices = []
    keep = keeper(notices)
    assert keep.read() is None
    stream = library.streams[0]
    stream.send(np.full(256, 0.5, np.float32))
    block, age = keep.read()
    assert (block.tolist(), age) == ([[0.5] * 256] * 2, 0.0)
    clock.time, library.broken = 1.5, True
    assert keep.read() is None
    assert stream.closed
    clock.time = 3.0
    assert keep.read() is None
    assert library.restarts == 1
    clock.time, library.broken = 4.5, False
    assert keep.read() is None
    library.streams[1].send(np.ones(256, np.float32))
    assert keep.read()[0].max() == 1
    assert notices == ["usb is lost (no sound arrives): silence until it is back", "usb is back"]


def test_a_device_that_is_gone_at_the_start_is_waited_for(library, clock):
    names, library.names = library.names, []
    notices = []
    keep = keeper(notices)
    assert keep.read() is None
    assert "no sound device 'usb'" in notices[0]
    clock.time, library.names = 2.0, names
    keep.read()
    assert notices[1:] == ["usb is back"]


def test_frames_are_held_against_the_clock(library, clock):
    notices = []
    keep = keeper(notices)
    keep.read()
    for step in range(40):
        clock.time = 0.2 * step
        library.streams[0].send(np.zeros(256, np.float32))
        keep.read()
    assert notices == ["usb loses 97% of its sound"]
    assert keep.overflows >= 1


def test_status_flags_are_counted_and_survive_a_reopening(library, clock):
    keep = keeper([])
    keep.read()
    library.streams[0].send(np.zeros(256, np.float32), status="input overflow")
    assert keep.overflows == 1
    keep.close()
    assert keep.overflows == 1


def test_the_ring_gives_everything_once_and_in_order():
    ring = Ring(1000, 1)
    sent = np.arange(5000, dtype=np.float32).reshape(-1, 100)
    got = []
    for block in sent:
        ring.write(block[:, None])
        got += [b for b in (ring.read(64, 0.0), ring.read(64, 0.0)) if b is not None]
    assert np.array_equal(np.concatenate(got, axis=1)[0], np.arange(len(got) * 64))
    assert ring.overflows == 0


def test_a_slow_reader_goes_on_with_the_newest_and_it_is_counted():
    ring = Ring(1000, 2)
    ring.write(np.repeat(np.arange(800, dtype=np.float32)[:, None], 2, axis=1))
    assert ring.read(10, 0.0).tolist() == [list(range(790, 800))] * 2
    assert ring.overflows == 1
    assert ring.read(10, 0.0) is None


def test_a_recording_is_played_aloud_in_order(library):
    monitor = Monitor()
    monitor.play(np.stack((np.arange(200), -np.arange(200))).astype(np.float32))
    out = np.full((150, 2), 9.0, np.float32)
    library.outputs[0].options["callback"](out, 150, None, None)
    assert out.T.tolist() == [list(range(150)), [-k for k in range(150)]]
    library.outputs[0].options["callback"](out, 150, None, None)
    assert out.max() == 0
    monitor.close()
    assert library.outputs[0].closed


def test_without_loudspeakers_the_show_goes_on(library):
    library.broken = True
    notices = []
    heard = open_input.hear_sound("demo", SystemTime(), notices.append, monitor=True)
    assert notices == ["no loudspeaker: device unavailable; the sound is not played aloud"]
    assert heard.sample_rate == 44100


@pytest.mark.parametrize("rate", [8000, 48000, 96000, 192000])
def test_a_device_with_one_rate_only_is_heard_at_ours(library, clock, rate):
    library.rates = (rate,)
    keep = keeper([])
    keep.read()
    stream = library.streams[-1]
    tone, got = sine(440, 1.0, 0.5, rate), []
    chunk = stream.options["blocksize"]
    for start in range(0, rate, chunk):
        stream.send(tone[start : start + chunk])
        while (heard := keep.read()) is not None:
            got.append(heard[0])
    signal = np.concatenate(got, axis=1)
    assert {block.shape for block in got} == {(2, 256)}
    assert signal.shape[1] == pytest.approx(RATE, abs=600)
    assert hertz(signal[0], RATE) == pytest.approx(440, abs=2)


def test_a_device_that_does_not_open_at_its_own_rate_is_tried_at_usual_ones(library, clock):
    library.rates, library.own_rate = (48000,), 11025
    keep = keeper([])
    keep.read()
    assert library.streams[-1].options["samplerate"] == 48000


def test_a_device_that_comes_back_with_another_rate_is_heard(library, clock):
    notices = []
    keep = keeper(notices)
    keep.read()
    clock.time = 4.0
    keep.read()  # no sound: lost
    library.rates, clock.time = (96000,), 6.0
    keep.read()
    assert library.streams[-1].options["samplerate"] == 96000
    assert notices[-1] == "usb is back"


def test_channels_are_chosen_behind_a_colon(library, clock):
    library.names, library.channels = ["Xone:DB4"], 12
    pick = portaudio.pick_device("Xone:DB4:11,12")
    assert (pick.device.name, pick.channels) == ("Xone:DB4", (10, 11))
    assert portaudio.pick_device("xone").channels == (0, 1)
    keep = DeviceKeeper("x", lambda: portaudio.pick_device("xone:12, 3"), 256, print)
    keep.read()
    stream = library.streams[0]
    assert stream.options["channels"] == 12
    stream.send(np.tile(np.arange(12, dtype=np.float32), (256, 1)))
    assert keep.read()[0][:, 0].tolist() == [11, 2]


@pytest.mark.parametrize(("numbers", "wrong"), [("13", 13), ("0", 0), ("1,9999", 9999)])
def test_a_channel_that_is_not_there_is_refused_before_the_show(library, numbers, wrong):
    library.names, library.channels = ["Xone"], 12
    with pytest.raises(SoundError, match=f"no channel {wrong}; expected 1 to 12, such as Xone:1,2"):
        open_input.hear_sound(f"xone:{numbers}", SystemTime(), print)


def test_a_colon_and_numbers_may_be_part_of_a_name(library):
    library.names = ["HDA Intel PCH: ALC257 Analog (hw:0,0)", "other (hw:1,0)"]
    assert portaudio.pick_device("hw:1,0").device.name == "other (hw:1,0)"
    assert portaudio.pick_device("hw:1,0").channels == (0, 1)
    with pytest.raises(SoundError, match="no sound device 'none:1,x'"):
        portaudio.pick_device("none:1,x")


def test_a_default_that_gives_only_zeros_is_looked_up_again(library, clock):
    notices = []
    keep = DeviceKeeper(
        "default", lambda: portaudio.pick_device("default"), 256, notices.append, follows=True
    )
    library.default.device[0] = 1
    keep.read()
    assert library.streams[0].options["device"] == 1
    library.default.device[0] = 2
    for second in range(1, 9):
        clock.time = float(second)
        library.streams[0].send(np.zeros(44100, np.float32))
        keep.read()
        if len(library.streams) > 1:
            break
    assert clock.time == 6.0
    assert library.streams[1].options["device"] == 2
    assert notices == ["default is now USB Interface"]


def test_a_loudspeaker_with_one_rate_only_is_played_at_it(library):
    library.rates = (48000,)
    monitor = Monitor()
    for block in np.split(sine(440, 0.2), 36):
        monitor.play(block[None])
    out = np.zeros((8000, 2), np.float32)
    library.outputs[-1].options["callback"](out, 8000, None, None)
    assert library.outputs[-1].options["samplerate"] == 48000
    assert hertz(out[500:, 0], 48000) == pytest.approx(440, abs=5)
