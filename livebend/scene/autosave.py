"""The scene of a show, saved every two seconds while it changes, and taken up again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from livebend.core.errors import LivebendError
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.watchdog import Term
from livebend.scene import edit, presets
from livebend.scene.values import Lora, Scene

EVERY = 2.0  # s


class Autosave:
    """Saves the newest scene in a file, which is whole at any time. `work` is a part's body.

    warn: is called where it cannot be saved, once until it can be again.
    """

    def __init__(self, scenes: Latest[Scene], file: Path, warn: Notify) -> None:
        self._scenes, self._file, self._warn = scenes, file, warn
        self._saved: tuple[Scene, Scene | None] | None = None
        self._failed = False

    def work(self, term: Term) -> None:
        """Save every EVERY seconds until stopped, and then once more."""
        while not term.wait(EVERY):
            self.save()
        self.save()

    def save(self) -> None:
        """Save the scene if it has changed."""
        scene = self._scenes.get()
        sides = scene, scene.other
        if sides == self._saved:
            return
        try:
            presets.save(scene, self._file, "Saved by itself during a show.")
        except LivebendError as why:
            if not self._failed:
                self._warn(f"the scene is not saved by itself: {why}")
            self._failed = True
            return
        self._saved, self._failed = sides, False


def resumed(file: Path | None, first: Scene, loras: Sequence[Lora], warn: Notify) -> Scene:
    """Return the scene that was saved in a file, with `first` as what panic returns to; `first`
    itself, with a warning, where there is none that can be read."""
    if file is None:
        warn("--resume: no show has saved a scene; it begins as given")
        return first
    try:
        scene = edit.with_loras(presets.load(file), loras)
        if scene.other is not None:
            scene = replace(scene, other=edit.with_loras(scene.other, loras))
        return replace(scene, home=first)
    except LivebendError as why:
        warn(f"--resume: {why}; the show begins as given")
        return first
