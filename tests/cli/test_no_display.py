"""What the commands say and do before anything heavy is loaded."""

import argparse

from livebend.cli import live


def test_without_a_display_it_says_what_it_records_and_what_else_there_is(capsys):
    options = argparse.Namespace(headless=False, seconds=None, record=None)
    live.go_headless(options)
    assert (options.headless, options.seconds, str(options.record)) == (True, 10.0, live.DEMO_FILE)
    assert capsys.readouterr().out == (
        "no display: recording 10 s into livebend-demo.mp4; --headless plays on without a window\n"
    )
