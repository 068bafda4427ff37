"""Questions that a Python process of its own answers.

What is heavy or may crash (torch, PortAudio, SDL) is tried there: a broken library costs a line,
not the whole report, and this process stays free of torch.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable

TIMEOUT = 120.0  # s, for one question
Answer = dict[str, object]
Ask = Callable[[str], Answer]


class NoAnswer(Exception):
    """The Python process of a question failed; the message is the last line of its output."""


def ask(question: str, timeout: float = TIMEOUT) -> Answer:
    """Run Python code in a process of its own for up to `timeout` seconds; return the JSON object
    of its last line.

    Raises: NoAnswer.
    """
    quiet = {**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    command = [sys.executable, "-c", question]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout, env=quiet
        )
    except subprocess.TimeoutExpired as late:
        raise NoAnswer(f"no answer within {timeout:.0f} s") from late
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode or not lines:
        raise NoAnswer(lines[-1] if lines else f"ended with status {done.returncode}")
    answer: Answer = json.loads(lines[-1])
    return answer
