"""Pictures of other programs, with libraries that play what they are given."""

import importlib
import sys
from itertools import count
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from livebend.core import extras
from livebend.core.errors import PictureError
from livebend.video.camera import Camera
from livebend.video.naming import chosen
from livebend.video.open_picture import play_picture
from livebend.video.streams import kinds
from livebend.video.streams.kinds import KINDS

RED, BLUE = np.zeros((4, 6, 4), np.uint8), np.zeros((8, 6, 4), np.uint8)
RED[..., 0], BLUE[..., 2] = 200, 100


@pytest.fixture
def library(monkeypatch):
    """Return a function that makes a module of given members importable, for a kind read anew."""
    for kind in KINDS.values():
        monkeypatch.delitem(sys.modules, f"livebend.video.streams.{kind.module}", raising=False)

    def add(name, **members):
        module = ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)

    return add


def opened(name, monkeypatch):
    """Import a kind's file, whose clock runs by itself and which never sleeps."""
    module = importlib.import_module(f"livebend.video.streams.{name}")
    ticks = count()
    monkeypatch.setattr(kinds, "now", lambda: next(ticks) * 0.1)
    monkeypatch.setattr(module, "now", kinds.now, raising=False)
    monkeypatch.setattr(kinds, "sleep", lambda _: None)
    return module


def seen(receiver):
    """All pictures until the stream is lost, each as its first pixel and its size."""
    found, frames = [], receiver.decode(video=0)

    def look():
        for frame in frames:
            found.append((frame.to_ndarray()[0, 0, :3].tolist(), (frame.width, frame.height)))

    with receiver, pytest.raises(OSError, match=r"no picture for 5 s|gone, or silent"):
        look()
    return found


SEEN = [([200, 0, 0], (6, 4)), ([0, 0, 100], (6, 8))]


def test_ndi_gives_each_picture_once_and_waits_for_a_sender_to_be_found(library, monkeypatch):
    closed, names = [], [[], ["STAGE (garden)"]]

    class Finder:
        def open(self): ...
        def get_source_names(self):
            return names.pop(0) if len(names) > 1 else names[0]

        def wait_for_sources(self, _): ...
        def get_source(self, name):
            return name

        def close(self):
            closed.append("finder")

    class Frame:
        pixels = np.zeros((0, 0, 4), np.uint8)
        get_resolution = lambda self: self.pixels.shape[1::-1]  # noqa: E731
        get_array = lambda self: self.pixels.reshape(-1)  # noqa: E731
        get_timestamp_posix = lambda self: self.pixels.shape[0]  # noqa: E731

    class Receiver:
        def __init__(self, color_format):
            assert color_format == "rgba"
            self.frame_sync, self.frame = self, None
            self.coming = [Frame.pixels, RED, RED, BLUE, BLUE]

        def set_video_frame(self, frame):
            self.frame = frame

        def connect_to(self, source):
            assert source == "STAGE (garden)"

        def capture_video(self):
            self.frame.pixels = self.coming.pop(0) if len(self.coming) > 1 else self.coming[0]

        def disconnect(self):
            closed.append("receiver")

    library("cyndilib", receiver=SimpleNamespace(Receiver=Receiver))
    library("cyndilib.finder", Finder=Finder)
    library("cyndilib.video_frame", VideoFrameSync=Frame)
    library("cyndilib.wrapper")
    library("cyndilib.wrapper.ndi_recv", RecvColorFormat=SimpleNamespace(RGBX_RGBA="rgba"))
    ndi = opened("ndi", monkeypatch)
    assert seen(ndi.receive("GARDEN")) == SEEN
    assert closed == ["receiver", "finder"]
    names[:] = [["STAGE (garden)"]]
    with pytest.raises(PictureError, match=r"no NDI stream 'house'; there are: STAGE \(garden\)"):
        ndi.receive("house")
    assert closed[2:] == ["finder"]


def test_spout_makes_room_for_a_sender_of_another_size(library, monkeypatch):
    told = []

    class Receiver:
        coming = [None, RED, RED, BLUE, None]  # noqa: RUF012

        def createOpenGL(self):  # noqa: N802 - the library's spelling
            return True

        def setReceiverName(self, name):  # noqa: N802
            told.append(name)

        def receiveImage(self, picture, *_):  # noqa: N802
            self.now = self.coming.pop(0) if len(self.coming) > 1 else None
            self.resized = self.now is not None and (
                picture is None or picture.shape != self.now.shape
            )
            if self.now is not None and not self.resized:
                picture[:] = self.now
            elif self.resized:
                self.coming.insert(0, self.now)
            return self.now is not None

        def isUpdated(self):  # noqa: N802
            return self.resized

        def isFrameNew(self):  # noqa: N802
            return self.now is not None

        def getSenderHeight(self):  # noqa: N802
            return self.now.shape[0]

        def getSenderWidth(self):  # noqa: N802
            return self.now.shape[1]

        def releaseReceiver(self):  # noqa: N802
            told.append("released")

        def closeOpenGL(self):  # noqa: N802
            told.append("closed")

    library("SpoutGL", SpoutReceiver=Receiver)
    spout = opened("spout", monkeypatch)
    assert seen(spout.receive("Resolume")) == [SEEN[0], *SEEN]
    assert told == ["Resolume", "released", "closed"]
    monkeypatch.setattr(Receiver, "createOpenGL", lambda _: False)
    with pytest.raises(PictureError, match="OpenGL does not begin"):
        spout.receive("")


def test_syphon_gives_what_is_new_until_the_server_is_gone(library, monkeypatch):
    told = []

    class Client:
        def __init__(self, server):
            told.append(server.name)
            self.coming = [None, RED, None, BLUE]

        @property
        def is_valid(self):
            return bool(self.coming)

        @property
        def has_new_frame(self):
            self.new_frame_image = self.coming.pop(0)
            return self.new_frame_image is not None

        def stop(self):
            told.append("stopped")

    class Directory:
        servers = (SimpleNamespace(app_name="Resolume", name="Composition"),)

    library("syphon", SyphonMetalClient=Client, SyphonServerDirectory=Directory)
    library("syphon.utils")
    library("syphon.utils.numpy", copy_mtl_texture_to_image=lambda texture: texture)
    syphon = opened("syphon", monkeypatch)
    assert seen(syphon.receive("resolume")) == SEEN
    assert told == ["Composition", "stopped"]
    with pytest.raises(PictureError, match="no Syphon server 'OBS'; there are: Resolume"):
        syphon.receive("OBS")


def test_a_stream_is_opened_by_its_name_as_a_camera_is(library, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda _: True)
    wanted = []

    class Receiver(SimpleNamespace):
        def decode(self, video):
            import av  # noqa: PLC0415

            yield av.VideoFrame.from_ndarray(RED, format="rgba")

    def receive(which):
        wanted.append(which)
        return Receiver(close=lambda: wanted.append("closed"))

    library("livebend.video.streams.ndi", receive=receive)
    played = play_picture("ndi:STAGE (garden)", (6, 4), print)
    assert isinstance(played, Camera)
    assert played.at(0.0).pixels[0, 0].tolist() == [200, 0, 0]
    played.close()
    assert wanted == ["STAGE (garden)", "closed"]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_missing_says_what_installs_it(monkeypatch, name):
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    monkeypatch.setattr(extras.sys, "platform", "win32" if name == "spout" else "darwin")
    with pytest.raises(PictureError, match=rf"pip install 'livebend\[{name}\]'"):
        play_picture(f"{name}:x", (64, 64), print)


def test_a_name_is_matched_whole_before_in_part():
    names = ["STAGE (garden 2)", "STAGE (garden)", "HOUSE (tree)"]
    assert chosen("stream", "stage (GARDEN)", names) == names[1]
    assert chosen("stream", "tree", names) == names[2]
    assert chosen("stream", "", names) == names[0]
    with pytest.raises(PictureError, match="no stream is there"):
        chosen("stream", "", [])
