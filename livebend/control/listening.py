"""A part of a show that listens at a port: its socket, and the threads that serve it."""

import socket
from typing import Self

from livebend.core.watchdog import KeptWorker


class Listening:
    """Started and stopped as one.

    workers: the threads, which a watchdog looks after.
    """

    def __init__(self, listening: socket.socket, *workers: KeptWorker) -> None:
        """`listening` is a socket that `listen` opened; it is closed at the end."""
        self._socket, self.workers = listening, workers

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port that the system chose if 0 was given."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> Self:
        """Begin to listen; return self."""
        for worker in self.workers:
            worker.start()
        return self

    def stop(self) -> bool:
        """End the threads and close the socket; return whether they have ended."""
        ended = [worker.stop() for worker in self.workers]
        self._socket.close()
        return all(ended)
