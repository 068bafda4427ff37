"""A leader in full, by its port, and a follower: the same frames, whenever it joins."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from livebend.cli.rig import Followed, opening_of
from livebend.control.rig.following import Following
from livebend.control.rig.key import read_key
from livebend.control.rig.messages import Begin
from livebend.control.rig.receiver import Receiver
from livebend.flow import Features
from livebend.rendering.network import Network
from livebend.scene.values import Scene
from tests.end_to_end.test_live_is_offline import files, options_of
from tests.fakes.live import played
from tests.fakes.osc import wait_for
from tests.fakes.shows import Show
from tests.fakes.times import ManualTime

__all__ = ["files"]
JOINS = 6  # the frame after which it joins


def follower(receiver, messages, network):
    """A follower to which a leader's messages come one by one."""
    show = Show(network, strict=True)
    player = SimpleNamespace(
        scene=Scene(), render=show.render, network=network, prompts=show.prompts,
        take_up=lambda: None, anew=lambda: None, renew=lambda: None,
    )  # fmt: skip
    left = iter(messages)
    inbox = SimpleNamespace(take=lambda _: [next(left)])
    silent = SimpleNamespace(at=lambda time: Features(time=time), until=lambda _: [])
    return Following(
        SimpleNamespace(inbox=inbox, clock=receiver.clock, name="", join=lambda: None),
        Followed(player), ManualTime(), fps=20.0, seconds=None, ends=(silent, silent),
        set_view=lambda *_: None, notify=lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize("joins", [0, JOINS])
def test_a_follower_paints_the_frames_of_its_leader(files, model_folder, model, tmp_path, joins):
    """By a real port, with cues that load, add, undo and panic; from the next frame on."""
    key, met, receivers, messages = tmp_path / "show.key", [], [], []

    def during(show, frame):
        if frame.index == joins:
            receivers.append(Receiver(
                show.rig.leader.address, read_key(key, make=False), met=met.append,
                foreseen=lambda _: None, now=ManualTime().now, notify=print,
            ).start())  # fmt: skip
            wait_for(lambda: show.rig.leader.asked)
        elif receivers:
            before, inbox = len(messages), receivers[0].inbox
            wait_for(lambda: messages.extend(inbox.take(0.0)) or len(messages) > before)

    options = options_of(
        files, model_folder("turbo"), cues=files / "cues.txt", lead="127.0.0.1:0", key=key,
        strobe_limit=False, backend="torch", dtype="float32",
    )  # fmt: skip
    frames, report = played(options, during)
    receivers[0].worker.stop()
    assert report["rig"].startswith("leads")
    assert isinstance(messages[0], Begin)
    network = Network(model, 64, 64)
    assert met[0].size == opening_of(network, SimpleNamespace(files=dict)).size
    following = follower(receivers[0], messages, network)
    ticks = iter(following.going_on(threading.Event()))
    for wanted in frames[joins + 1 :]:
        next(ticks)
        for command in following.until(0.0):
            command.apply(Scene())
        frame = following.render(following.scene, Features(), SimpleNamespace(
            index=0, time=0.0, presentation=0.0))  # fmt: skip
        assert np.array_equal(frame.pixels, wanted), following.painted
    assert len(frames) == 24
