"""OSC from outside: datagrams as other programs build them, and a port to send them to."""

import socket
import threading
from collections.abc import Callable

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

PATIENCE = 10.0  # s that a datagram may take


def message(address: str, *arguments: object) -> OscMessage:
    """A message to an address."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def datagram(address: str, *arguments: object) -> bytes:
    """A message as it is sent."""
    return message(address, *arguments).dgram


def free_port() -> int:
    """A UDP port that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a thread that waits on a socket has come to it; the system decides when it runs.

    Raises: AssertionError after PATIENCE.
    """
    pause = threading.Event()
    for _ in range(round(PATIENCE / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("nothing was heard")
