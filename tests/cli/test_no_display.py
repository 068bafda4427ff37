"""`livebend live`: what it says without a display, and who computes with how many threads."""

import argparse

import torch

from livebend.cli import no_display
from livebend.cli.live_options import LiveOptions
from tests.fakes.live import live


def test_without_a_display_it_says_what_it_records_and_what_else_there_is(capsys):
    options = argparse.Namespace(headless=False, seconds=None, record=None)
    no_display.go_headless(options)
    assert (options.headless, options.seconds, str(options.record)) == (
        True,
        10.0,
        no_display.DEMO_FILE,
    )
    assert capsys.readouterr().out == (
        "no display: recording 10 s into livebend-demo.mp4; --headless plays on without a window\n"
    )


def test_a_show_paints_with_its_networks_threads_whatever_its_text_worker_has(
    three_threads, monkeypatch, model_folder
):
    options = LiveOptions(
        model=str(model_folder("turbo")), backend="torch", size=(64, 64), fps=20.0, headless=True,
        seconds=0.3, osc="127.0.0.1:0",
    )  # fmt: skip
    show, painted = live(options), []
    show.statistics.shown = lambda frame: painted.append(torch.get_num_threads())
    report = show.play()
    assert set(painted) == {3}
    assert report["engine"].endswith(" on cpu, 3 threads")
