"""Cameras, played by devices at PyAV's level: what is read, lost and found."""

import queue
import sys
import threading
from types import SimpleNamespace

import av
import numpy as np
import pytest

from livebend.core.errors import PictureError
from livebend.core.watchdog import KeptWorker
from livebend.video import camera, devices
from livebend.video.camera import Camera
from livebend.video.devices import VideoDevice, find_camera, find_screen, list_cameras
from livebend.video.open_picture import play_picture
from tests.fakes.pictures import garden

SIZE = (64, 64)
CAM = VideoDevice("HD Webcam", "v4l2", "/dev/video0")


class Device:
    """An open device: gives what is put into it, and fails on None."""

    def __init__(self) -> None:
        self.frames: queue.Queue = queue.Queue()
        self.closed = threading.Event()

    def put(self, level: int, size=(64, 48)) -> None:
        pixels = np.full((*size[::-1], 3), level, np.uint8)
        self.frames.put(av.VideoFrame.from_ndarray(pixels, "rgb24"))

    def decode(self, video: int):
        while (frame := self.frames.get()) is not None:
            yield frame
        raise av.error.OSError(19, "No such device")

    def close(self) -> None:
        self.closed.set()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def plugged(monkeypatch):
    """The devices that are opened, in turn; None is one that is not there."""
    turns: list[Device | None] = []

    def opened(device):
        if not turns or (found := turns.pop(0)) is None:
            raise PictureError(f"{device.name}: cannot be opened: No such file or directory")
        return found

    monkeypatch.setattr(devices, "open_device", opened)
    monkeypatch.setattr(camera, "RETRY", 0.01)
    return turns


def level(shot) -> int:
    return int(shot.pixels.mean())


def until(done) -> None:
    """Wait for a thread to have come so far."""
    moment = threading.Event()
    for _ in range(6000):
        if done():
            return
        moment.wait(0.01)
    raise AssertionError("it never came")


def test_the_newest_picture_wins(plugged):
    device = Device()
    plugged.append(device)
    device.put(10)
    seen = Camera(lambda: CAM, SIZE, print)
    first = seen.at(0.0)
    assert level(first) == 10
    worker = KeptWorker("camera", seen.work, lambda: 0.0, lambda *_: None).start()
    for value in (20, 30, 40):
        device.put(value)
    until(lambda: level(seen.at(0.0)) == 40)
    assert seen.at(0.0).number > first.number
    assert seen.at(0.0) is seen.at(9.0)
    device.put(50)
    device.put(50)
    assert worker.stop()
    assert device.closed.is_set()


def test_a_lost_camera_keeps_its_last_picture_and_comes_back(plugged):
    said: list[str] = []
    first, second = Device(), Device()
    plugged += [first, None, None, second]
    first.put(10)
    seen = Camera(lambda: CAM, SIZE, said.append)
    worker = KeptWorker("camera", seen.work, lambda: 0.0, lambda *_: None).start()
    first.frames.put(None)
    until(lambda: not plugged)
    assert level(seen.at(0.0)) == 10
    second.put(77)
    until(lambda: level(seen.at(0.0)) == 77)
    until(lambda: len(said) == 2)
    second.put(78)
    assert worker.stop()
    assert said == [
        "HD Webcam is lost (No such device): the last picture stays until it is back",
        "HD Webcam is back",
    ]


def test_a_camera_that_is_not_there_is_refused(monkeypatch, plugged):
    monkeypatch.setattr(devices, "list_cameras", lambda: [CAM])
    with pytest.raises(PictureError, match="no camera 'Nikon'; there are: HD Webcam"):
        play_picture("camera:Nikon", SIZE, print)
    with pytest.raises(PictureError, match="did you mean 'HD Webcam'"):
        play_picture("camera:HD Webkam", SIZE, print)
    with pytest.raises(PictureError, match="HD Webcam: cannot be opened"):
        play_picture("camera", SIZE, print)
    monkeypatch.setattr(devices, "list_cameras", list)
    with pytest.raises(PictureError, match="no camera is there"):
        play_picture("camera", SIZE, print)
    silent = Device()
    silent.frames.put(None)
    plugged.append(silent)
    with pytest.raises(PictureError, match="lost"):
        Camera(lambda: CAM, SIZE, print)
    assert silent.closed.is_set()


def test_cameras_are_found_by_name_part_file_and_index(monkeypatch):
    other = VideoDevice("Cam Link 4K", "v4l2", "/dev/video2")
    monkeypatch.setattr(devices, "list_cameras", lambda: [CAM, other])
    assert find_camera("") == find_camera("0") == find_camera("hd webcam") == CAM
    assert find_camera("1") == find_camera("link") == find_camera("/dev/video2") == other


@pytest.mark.parametrize(
    ("platform", "name", "file"),
    [
        ("linux", "/dev/video0", "/dev/video0"),
        ("darwin", "0", "0:none"),
        ("win32", "Cam", "video=Cam"),
    ],
)
def test_what_is_opened_on_each_system(monkeypatch, platform, name, file):
    found = [
        SimpleNamespace(name=name, description="Cam", media_types=["video"]),
        SimpleNamespace(name="mic", description="Mic", media_types=["audio"]),
    ]
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(av, "enumerate_input_devices", lambda kind: found)
    (only,) = list_cameras()
    assert (only.name, only.file) == ("Cam", file)


def test_a_system_that_cannot_say_has_no_cameras(monkeypatch):
    def refuse(kind):
        raise av.error.OSError(38, "Function not implemented")

    monkeypatch.setattr(av, "enumerate_input_devices", refuse)
    assert list_cameras() == []


def test_a_device_is_asked_for_less_and_less(monkeypatch):
    asked = []

    def refuse(file, format, options):
        asked.append(options)
        if options:
            raise av.error.OSError(5, "Input/output error")
        return "open"

    monkeypatch.setattr(av, "open", refuse)
    assert devices.open_device(CAM) == "open"
    assert [len(one) for one in asked] == [2, 1, 0]


def test_screens(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(PictureError, match="no screen"):
        find_screen("")
    assert find_screen(":1.0").file == ":1.0"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert find_screen("1").file == "Capture screen 1:none"
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_screen("") == VideoDevice("screen", "gdigrab", "desktop")


def test_the_fake_gives_pictures_of_the_right_size(plugged):
    device = Device()
    plugged.append(device)
    device.frames.put(av.VideoFrame.from_ndarray(garden(240, 320), "rgb24"))
    assert Camera(lambda: CAM, SIZE, print).at(0.0).pixels.shape == (64, 85, 3)
