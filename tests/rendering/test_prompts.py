"""Prompts are encoded once, off the render thread, and a bad one holds nothing up."""

import threading

import torch

from livebend.rendering.prompts import Prompts


class Encoder:
    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        if "bad" in texts:
            raise ValueError("no such thing")
        return torch.full((1, 2, 3), float(len(texts[0])))


def test_a_text_is_encoded_once():
    encoder = Encoder()
    prompts = Prompts(encoder)
    first = prompts.value("orb")
    assert prompts.value("orb") is first
    assert prompts.ready("orb")
    assert encoder.asked == ["orb"]
    assert first.version < 0
    assert prompts.value("sea").version != first.version


def test_the_oldest_is_forgotten():
    prompts = Prompts(Encoder(), kept=2)
    for text in ("a", "b", "a", "c"):
        prompts.value(text)
    assert [prompts.ready(t) for t in "abc"] == [True, False, True]


def test_as_many_turns_as_a_message_can_name_are_ready_at_once():
    prompts = Prompts(lambda texts: torch.zeros(1, 1, 1))
    texts = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"]
    for text in texts:
        prompts.value(text)
    assert len(" |".join(texts)) > 2000
    assert all(prompts.ready(text) for text in texts)


def test_what_is_not_understood_is_reported():
    notices = []
    encoder = Encoder()
    prompts = Prompts(encoder, lambda text: [f"{text}: unknown"], notices.append)
    prompts.value("dragon")
    prompts.value("dragon")
    assert (encoder.asked, notices) == (["dragon"], ["dragon: unknown"])


def test_the_worker_encodes_what_is_asked_for_and_survives_what_cannot_be():
    notices = []
    prompts = Prompts(Encoder(), notify=notices.append)
    stop = threading.Event()
    for text in ("bad", "orb"):
        prompts.request(text)
    worker = threading.Thread(target=prompts.work, args=(stop,))
    worker.start()
    pause = threading.Event()
    while not prompts.ready("orb"):
        pause.wait(0.01)
    stop.set()
    worker.join()
    assert torch.equal(prompts.value("bad").tensor, prompts.value("").tensor)
    assert "'bad' cannot be encoded" in notices[0]
