"""Scenes stored in slots during a show: at once for who recalls them, and then in their files."""

import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from livebend.core.errors import LivebendError
from livebend.core.files import short
from livebend.core.notify import Notify
from livebend.scene.values import Scene

PATIENCE = 0.1  # s between looks at the stop event


class Slots(Protocol):
    """Where scenes are stored: see `PresetBank`."""

    def hold(self, slot: int, scene: Scene) -> None:
        """Have a slot recall a scene from now on."""

    def store(self, slot: int, scene: Scene) -> Path:
        """Write a scene to the file of a slot; return it. Raises: LivebendError."""

    def release(self, slot: int) -> None:
        """Have a slot recall no scene that was stored, from now on. Raises: LivebendError."""

    def clear(self, slot: int) -> None:
        """Remove the file of a slot. Raises: LivebendError."""


class SceneKeeper:
    """Stores scenes, and removes them. The render thread calls `keep` and `clear`, which never
    wait; `work` is a Worker's body.

    notify, warn: report where a scene was stored, and why it was not.
    """

    def __init__(self, slots: Slots, notify: Notify, warn: Notify) -> None:
        self._slots, self._notify, self._warn = slots, notify, warn
        self._waiting: SimpleQueue[tuple[int, Scene | None]] = SimpleQueue()

    def keep(self, slot: int, scene: Scene) -> None:
        """Store a scene in a slot, and in its file soon."""
        self._slots.hold(slot, scene)
        self._waiting.put((slot, scene))

    def clear(self, slot: int) -> None:
        """Remove what was stored in a slot, and its file soon. Raises: LivebendError."""
        self._slots.release(slot)
        self._waiting.put((slot, None))

    def work(self, stop: threading.Event) -> None:
        """Write what is stored until stopped and nothing waits."""
        while True:
            try:
                slot, scene = self._waiting.get(timeout=PATIENCE)
            except Empty:
                if stop.is_set():
                    return
                continue
            try:
                self._notify(f"slot {slot}: {self._done(slot, scene)}")
            except LivebendError as why:
                self._warn(str(why))

    def _done(self, slot: int, scene: Scene | None) -> str:
        """Write or remove a scene; return what was done, in words. Raises: LivebendError."""
        if scene is not None:
            return f"stored as {short(self._slots.store(slot, scene))}"
        self._slots.clear(slot)
        return "cleared"
