"""Streams: the picture as other programs get it, while the show plays on."""

import shutil
import socket
import sys
import threading
from contextlib import ExitStack
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from livebend.cli.doctor import devices
from livebend.cli.streaming import check_streams, open_streams
from livebend.core import extras
from livebend.core.errors import OutOfRange, Refused, UnknownName
from livebend.core.extras import Extra
from livebend.core.mailbox import Latest
from livebend.core.specs import specs_of
from livebend.core.watchdog import KeptWorker
from livebend.flow import Frame
from livebend.outputs.display import Display, View
from livebend.outputs.fitted_picture import as_shown
from livebend.outputs.streams.kinds import KINDS, Kind
from livebend.outputs.streams.stream import AGAIN, Stream
from tests.fakes.osc import wait_for
from tests.fakes.times import ManualTime

RED = np.zeros((64, 64, 3), np.uint8)
RED[:, :] = (200, 40, 0)


def frame(pixels=RED, index=0):
    return Frame(pixels, index, float(index), 0.0, float(index))


class FakeSender:
    """A sender that keeps what it is given."""

    opened: ClassVar[list] = []  # every one, in order

    def __init__(self, title, size, fps):
        self.title, self.size, self.fps = title, size, fps
        self.sent, self.closed, self.fault = [], 0, None
        FakeSender.opened.append(self)

    def send(self, pixels):
        if self.fault:
            raise self.fault
        assert pixels.shape == (self.size[1], self.size[0], 3)
        self.sent.append(pixels)

    def close(self):
        self.closed += 1
        if self.fault:
            raise OSError("stuck")


@pytest.fixture
def sender(monkeypatch):
    """Make NDI a kind that is always there, without a library."""
    FakeSender.opened = []
    monkeypatch.setattr(Kind, "open", lambda kind, size, fps: FakeSender("livebend", size, fps))
    return FakeSender.opened


class Room:
    def __init__(self, size=None, pixels=RED):
        self.frames, self.display, self.said = Latest(None), Display(), []
        self.time = ManualTime()
        if pixels is not None:
            self.frames.put(frame(pixels))
        self.stream = Stream(
            "ndi", self.frames, self.display, size, 1000.0, self.said.append, self.time.now
        )

    def turn(self, seconds=0.0):
        self.time.moment += seconds
        self.stream.turn()


def test_every_kind_has_a_switch_and_a_module():
    assert [name for name in specs_of(View) if name in KINDS] == list(KINDS)
    assert all(type(getattr(View(), name)) is bool for name in KINDS)
    for kind in KINDS.values():
        assert kind.extra.install == f"pip install 'livebend[{kind.extra.name}]'"


def test_a_picture_is_sent_once_and_again_after_a_while(sender):
    room = Room()
    room.turn()
    room.turn()
    assert [len(one.sent) for one in sender] == [1]
    room.turn(AGAIN)
    assert len(sender[0].sent) == room.stream.sent == 2
    assert np.array_equal(sender[0].sent[0], RED)
    assert room.said == ["NDI: livebend, 64x64"]


def test_what_comes_while_another_is_sent_is_left_out_and_counted(sender):
    room = Room()
    room.turn()
    for index in range(1, 5):
        room.frames.put(frame(RED + np.uint8(index), index))
    room.turn()
    assert room.stream.left_out == 3
    assert sender[0].sent[-1][0, 0, 0] == 204


def test_black_brightness_and_freeze_are_sent_as_they_are_shown(sender):
    room = Room()
    room.turn()
    room.display.set("brightness", 0.5)
    room.turn()
    assert sender[0].sent[-1].max() == 100
    room.display.set("freeze", True)
    room.frames.put(frame(np.full_like(RED, 250), 1))
    room.turn()
    assert sender[0].sent[-1].max() == 100
    room.display.set("freeze", False)
    room.frames.put(frame(np.full_like(RED, 250), 2))
    room.turn()
    assert sender[0].sent[-1].max() == 125
    room.display.set("blackout", True)
    room.turn()  # no frame has come: black acts where the network hangs
    assert sender[0].sent[-1].max() == 0


def test_black_fades_in_its_time(sender):
    room = Room()
    room.display.set("fade", 1.0)
    room.turn()
    room.display.set("blackout", True)
    levels = []
    for _ in range(4):
        room.turn(0.25)
        levels.append(int(sender[0].sent[-1].max()))
    assert levels == [150, 100, 50, 0]


def test_nothing_is_sent_before_the_first_picture(sender):
    room = Room(pixels=None)
    room.turn()
    assert sender == []


def test_what_cannot_be_sent_is_switched_off_with_a_line(sender, monkeypatch):
    room = Room()
    room.display.set("ndi", True)
    room.turn()
    sender[0].fault = Refused("NDI: gone")
    room.turn(AGAIN)
    assert not room.stream.is_on
    assert room.said[1:] == ["NDI: cannot be closed: OSError: stuck", "NDI: gone"]
    monkeypatch.undo()
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    room.display.set("ndi", True)
    room.turn(AGAIN)
    assert room.said[-1] == "NDI: needs cyndilib: pip install 'livebend[ndi]'"
    assert not room.stream.is_on


def test_another_size_of_picture_opens_another_sender(sender):
    room = Room()
    room.turn()
    room.frames.put(frame(np.zeros((32, 64, 3), np.uint8), 1))
    room.turn()
    assert [one.size for one in sender] == [(64, 64), (64, 32)]
    assert sender[0].closed == 1
    fixed = Room(size=(128, 72))
    fixed.turn()
    assert sender[-1].sent[0].shape == (72, 128, 3)


def test_a_thread_sends_while_the_switch_is_on_and_one_that_hangs_holds_nothing_up(sender):
    frames, display = Latest(frame()), Display()
    hangs, goes_on = threading.Event(), threading.Event()
    faults = []

    def keep_going(name, work):
        return KeptWorker(name, work, lambda: 0.0, lambda *fault: faults.append(fault)).start()

    with ExitStack() as ending:
        workers = open_streams(ending, frames, display, None, 1000.0, lambda _: None, keep_going)
        assert [worker.name for worker in workers] == [f"{k.title} stream" for k in KINDS.values()]
        display.set("ndi", True)
        wait_for(lambda: sender and sender[0].sent)

        def hang(_):
            hangs.set()
            goes_on.wait()

        sender[0].send = hang
        frames.put(frame(index=1))
        assert hangs.wait(30.0)
        display.set("virtual_camera", True)
        wait_for(lambda: len(sender) > 1 and sender[1].sent)
        goes_on.set()
        display.set("ndi", False)
        wait_for(lambda: sender[0].closed)
    assert sender[1].closed == 1
    assert faults == []


@pytest.mark.parametrize("fit", ["fit", "fill", "stretch", "mirror"])
@pytest.mark.parametrize("size", [(64, 64), (128, 72), (72, 128), (2, 400), (640, 2)])
def test_a_picture_fits_every_size_whole_or_cut(size, fit):
    pixels = as_shown(RED, size, 1.0, fit)
    assert pixels.shape == (size[1], size[0], 3)
    assert pixels.dtype == np.uint8
    middle = pixels[size[1] // 2, size[0] // 2].astype(int)
    assert np.abs(middle - RED[0, 0]).max() <= 3
    if size == (128, 72):
        assert pixels[36, 0].any() == (fit in ("fill", "stretch"))
        assert np.array_equal(pixels[36, 28], pixels[36, 99])  # bars of the same width
    assert as_shown(RED, size, 0.0, fit).max() == 0


def test_a_picture_of_the_right_size_is_the_very_same():
    assert as_shown(RED, (64, 64), 1.0, "fit") is RED


# ---- what is refused before the show, and what doctor says ---------------------------------------


def test_streams_are_refused_before_the_show(monkeypatch):
    with pytest.raises(UnknownName, match="did you mean 'ndi'"):
        check_streams(["nid"], None)
    other = "spout" if sys.platform != "win32" else "syphon"
    with pytest.raises(Refused, match=f"not on {sys.platform}"):
        check_streams([other], None)
    with pytest.raises(OutOfRange, match="even width"):
        check_streams([], (641, 360))
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(Refused, match=r"pip install 'livebend\[camera\]'"):
        check_streams(["virtual_camera"], None)


def test_doctor_says_what_is_installed_and_what_installs_the_rest():
    libraries = {"a": Extra("A", "json", "x"), "b": Extra("B", "no_such", "y"),
                 "c": Extra("C", "no_such", "z", ("plan9",))}  # fmt: skip
    here = {name: Kind(extra, name, name) for name, extra in libraries.items()}
    finding = devices.streams(here)
    assert (finding.found, finding.ok) == ("A installed", True)
    assert finding.advice == "B: pip install 'livebend[y]'"
    assert devices.streams({"b": here["b"]}).ok is None


# ---- the senders, with libraries that only write down what they are asked ------------------------


@pytest.fixture
def fake_library(monkeypatch):
    """Return a function that has a module's name import as something else, anew."""

    def add(name, **members):
        module = ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)

    modules = [f"livebend.outputs.streams.{kind.module}" for kind in KINDS.values()]
    for module in modules:
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(extras, "find_spec", lambda _: True)
    yield add
    for module in modules:  # made with the fakes
        sys.modules.pop(module, None)


def test_ndi_gets_uyvy_in_the_limited_range(fake_library):
    told = []

    class Told(SimpleNamespace):
        def __getattr__(self, name):
            return lambda *values: told.append((name, *values))

    fake_library("cyndilib")
    fake_library("cyndilib.sender", Sender=lambda title, clock_video: Told(t=(title, clock_video)))
    fake_library("cyndilib.video_frame", VideoSendFrame=Told)
    fake_library("cyndilib.wrapper")
    fake_library("cyndilib.wrapper.ndi_structs", FourCC=SimpleNamespace(UYVY="uyvy"))
    sender = KINDS["ndi"].open((66, 64), 29.97)
    assert ("set_resolution", 66, 64) in told
    assert ("set_fourcc", "uyvy") in told
    white = np.full((64, 66, 3), 255, np.uint8)
    sender.send(white)
    name, data = told[-1]
    assert name == "write_video_async"
    assert data.shape == (64 * 66 * 2,)
    assert set(data[1::2]) == {235}  # luma of white
    assert set(data[::2]) == {128}
    sender.close()
    assert told[-1] == ("close",)
    with pytest.raises(Refused, match="even width"):
        KINDS["ndi"].open((65, 64), 30.0)


def test_a_virtual_camera_that_is_not_there_says_what_to_do(fake_library):
    sent = []

    class Camera:
        def __init__(self, width, height, fps):
            if width > 64:
                raise RuntimeError("no device")
            self.send, self.close = sent.append, lambda: sent.append("closed")

    fake_library("pyvirtualcam", Camera=Camera)
    with pytest.raises(Refused, match="virtual camera: "):
        KINDS["virtual_camera"].open((128, 64), 30.0)
    sender = KINDS["virtual_camera"].open((64, 64), 30.0)
    sender.send(RED[::-1])
    sender.close()
    assert sent[0].flags.c_contiguous
    assert sent[1] == "closed"


def test_spout_and_syphon_get_four_channels(fake_library, monkeypatch):
    told = []

    class SpoutSender:
        ready, taken = True, True

        def __getattr__(self, name):
            return lambda *values: told.append((name, *values))

        def createOpenGL(self):  # noqa: N802 - the library's name
            return self.ready

        def sendImage(self, picture, *rest):  # noqa: N802 - the library's name
            told.append((picture.copy(), *rest))
            return self.taken

    fake_library("SpoutGL", SpoutSender=SpoutSender)
    monkeypatch.setattr(sys, "platform", "win32")
    sender = KINDS["spout"].open((64, 64), 30.0)
    sender.send(RED)
    picture, *rest = told[1]
    assert (picture[0, 0].tolist(), rest) == ([200, 40, 0, 255], [64, 64, 0x1908, False, 0])
    SpoutSender.taken = False
    with pytest.raises(Refused, match="shares no textures"):
        sender.send(RED)
    sender.close()
    SpoutSender.ready = False
    with pytest.raises(Refused, match="OpenGL"):
        KINDS["spout"].open((64, 64), 30.0)

    class Server:
        device = "gpu"

        def __init__(self, title):
            told.append(title)

        def publish_frame_texture(self, texture, is_flipped):
            told.append((texture, is_flipped))

        def stop(self):
            told.append("stopped")

    copied = []
    fake_library("syphon", SyphonMetalServer=Server)
    fake_library("syphon.utils")
    fake_library("syphon.utils.numpy", copy_image_to_mtl_texture=lambda *both: copied.append(both))
    fake_library("syphon.utils.raw", create_mtl_texture=lambda *made: made)
    monkeypatch.setattr(sys, "platform", "darwin")
    sender = KINDS["syphon"].open((64, 64), 30.0)
    sender.send(RED)
    sender.close()
    assert copied[0][0][0, 0].tolist() == [200, 40, 0, 255]
    assert told[-2:] == [(("gpu", 64, 64), True), "stopped"]


# ---- the real thing ------------------------------------------------------------------------------


def has_avahi():
    """Whether Avahi's daemon answers, without which NDI finds nothing on Linux."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect("/run/avahi-daemon/socket")
    except OSError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(not has_avahi(), reason="no avahi-daemon runs here")
def test_ndi_receives_what_was_sent():
    pytest.importorskip("cyndilib")
    from cyndilib.finder import Finder  # noqa: PLC0415 - an extra
    from cyndilib.receiver import Receiver  # noqa: PLC0415 - an extra
    from cyndilib.video_frame import VideoFrameSync  # noqa: PLC0415 - an extra
    from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat  # noqa: PLC0415 - an extra

    room = Room(size=(320, 180))
    room.display.set("fit", "fill")
    room.turn()
    finder = Finder()
    finder.open()

    def source():
        room.turn(AGAIN)
        finder.wait_for_sources(0.1)
        return next((name for name in finder.get_source_names() if "(livebend)" in name), None)

    wait_for(source)
    receiver = Receiver(color_format=RecvColorFormat.RGBX_RGBA, bandwidth=RecvBandwidth.highest)
    video = VideoFrameSync()
    receiver.frame_sync.set_video_frame(video)
    receiver.set_source(finder.get_source(source()))

    def received():
        room.turn(AGAIN)
        receiver.frame_sync.capture_video()
        return video.xres == 320

    wait_for(received)
    pixels = np.frombuffer(video.get_array(), np.uint8).reshape(180, 320, 4)[:, :, :3]
    assert np.abs(pixels.astype(int) - RED[0, 0]).max() <= 4
    room.stream.close()
    assert shutil.which("avahi-daemon")
