"""What the commands say and do before anything heavy is loaded."""

import argparse

from livebend import verbs


def test_without_a_display_it_says_what_it_records_and_what_else_there_is(capsys):
    wishes = argparse.Namespace(headless=False, seconds=None, record=None)
    verbs._go_headless(wishes)
    assert (wishes.headless, wishes.seconds, str(wishes.record)) == (True, 10.0, verbs.DEMO_FILE)
    assert capsys.readouterr().out == (
        "no display: recording 10 s into livebend-demo.mp4; --headless plays on without a window\n"
    )
