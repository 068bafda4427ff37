"""The last picture of a show in memory that outlives its process: a guard shows it meanwhile."""

import json
import mmap
import os
import struct
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from livebend.flow import Pixels

HEAD = struct.Struct("<BII")  # which of two slots is whole, and one more; its bytes of state, rows
STATE = 16384  # bytes of a slot for the state


class LastPicture:
    """A picture, or none, and a state that JSON has, in a file without a name.

    Whoever inherits `file`, its descriptor, may make another one of it. One process writes; it may
    be killed at any moment, and what was whole before is still there.

    file: None makes a new one. Raises: OSError where there is no room for it.
    """

    def __init__(self, file: int | None = None) -> None:
        self.file = _nameless() if file is None else file

    def put(self, pixels: Pixels | None, state: Mapping[str, Any]) -> None:
        """Keep a picture uint8 [H, W, 3] and a state, which are at most STATE bytes.

        All pictures of a show are of one size. Raises: OSError.
        """
        shown = np.zeros((0, 0, 3), np.uint8) if pixels is None else pixels
        text = json.dumps({**state, "shape": shown.shape}).encode()
        if len(text) > STATE:
            raise OSError(None, f"a state of {len(text)} bytes")
        slot = 1 - max(self._slot(), 0)
        begin = STATE + slot * (STATE + shown.nbytes)
        if os.fstat(self.file).st_size < (end := STATE + 2 * (STATE + shown.nbytes)):
            os.truncate(self.file, end)
        with mmap.mmap(self.file, end) as memory:
            memory[begin : begin + len(text)] = text
            memory[begin + STATE : begin + STATE + shown.nbytes] = shown.tobytes()
            memory[: HEAD.size] = HEAD.pack(slot + 1, len(text), begin)

    def get(self) -> tuple[Pixels | None, dict[str, Any]] | None:
        """Return what was kept last, None where nothing was."""
        if not self._slot() + 1:
            return None
        with mmap.mmap(self.file, 0, access=mmap.ACCESS_READ) as memory:
            _, length, begin = HEAD.unpack(memory[: HEAD.size])
            state = json.loads(memory[begin : begin + length])
            height, width, _ = shape = state.pop("shape")
            if not height * width:
                return None, state
            found = memory[begin + STATE : begin + STATE + height * width * 3]
        return np.frombuffer(found, np.uint8).reshape(shape), state

    def close(self) -> None:
        """Close the file."""
        os.close(self.file)

    def _slot(self) -> int:
        """The slot that is whole, 0 or 1; −1 where none is."""
        return os.pread(self.file, 1, 0)[0] - 1 if os.fstat(self.file).st_size else -1


def _nameless() -> int:
    if sys.platform == "linux":
        return os.memfd_create("livebend")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
