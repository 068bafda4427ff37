"""The engines of the last start, imported by a thread while Python imports torch and the rest.

OpenVINO takes a second to import the files of the embedded model, and needs neither torch nor
Python's lock for it. Which files those were is kept beside them, in a list for every combination of
the options that choose a network. An engine is handed out for the file and the settings that its
backend asks for, and for no other; everything else is left to the backend.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from livebend.core.files import write_text
from livebend.device.openvino_import import import_openvino

OPTIONS = ("model", "family", "vae", "picture", "encoder", "size", "backend", "device", "dtype")
Key = tuple[str, str, str]  # file, device, settings
Config = Mapping[str, Any]


class ReadAhead:
    """Engines that are being imported. The main thread starts and stops it; a backend's threads
    take engines, and the thread that loads the network keeps the list for the next start."""

    def __init__(self, folder: Path, options: Mapping[str, object]) -> None:
        """`options`: a start's options by name; those in OPTIONS count. Nothing is read yet."""
        asked = [str(options.get(name)) for name in OPTIONS] + [os.environ.get("OMP_NUM_THREADS")]
        digest = hashlib.blake2b(json.dumps(asked).encode(), digest_size=8).hexdigest()
        self._list = folder / "starts" / f"{digest}.json"
        self._read: dict[Key, Future[Any]] = {}
        self._used: list[Key] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> "ReadAhead":
        """Begin with the engines that the last start with these options used; return self."""
        self._read = {key: Future() for key in self._listed()}
        if self._read:
            reading = (dict(self._read),)
            self._thread = threading.Thread(target=self._work, args=reading, name="read ahead")
            self._thread.start()  # no daemon: see `stop`
        return self

    def stop(self) -> None:
        """Read no more, and wait for the file that is being read: Python cannot end meanwhile."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def take(self, file: Path, device: str, config: Config) -> Any:
        """Return the compiled model of a file, or None where it was not read ahead; the second time
        it is None. Waits for the one that is being read."""
        key = _key(file, device, config)
        self._used.append(key)
        waiting = self._read.pop(key, None)
        return None if waiting is None else waiting.result()

    def made(self, file: Path, device: str, config: Config) -> None:
        """Remember that this start made an engine, which the next can read."""
        self._used.append(_key(file, device, config))

    def keep(self) -> None:
        """Write the list of what this start used, and let go of the rest. A list that cannot be
        written costs the next start a second, no more."""
        self._stopping.set()
        self._read.clear()
        used = list(dict.fromkeys(self._used))
        if set(used) == set(self._listed()):
            return
        try:
            self._list.parent.mkdir(parents=True, exist_ok=True)
            write_text(self._list, json.dumps(used, indent=0) + "\n")
        except OSError:
            return

    def _listed(self) -> list[Key]:
        try:
            entries = json.loads(self._list.read_text(encoding="utf-8"))
            keys = [(str(file), str(device), str(config)) for file, device, config in entries]
            return [key for key in keys if isinstance(json.loads(key[2]), dict)]
        except (OSError, ValueError, TypeError):
            return []

    def _work(self, reading: Mapping[Key, Future[Any]]) -> None:
        try:
            self._import(reading)
        finally:  # a backend reads the rest itself
            for waiting in reading.values():
                if not waiting.done():
                    waiting.set_result(None)

    def _import(self, reading: Mapping[Key, Future[Any]]) -> None:
        try:
            core = import_openvino().Core()
        except ImportError:
            return
        for (file, device, config), waiting in reading.items():
            if self._stopping.is_set():
                return
            try:
                engine = core.import_model(Path(file).read_bytes(), device, json.loads(config))
            except (RuntimeError, OSError, TypeError):
                engine = None  # the backend reads it again, and says why
            waiting.set_result(engine)


def _key(file: Path, device: str, config: Config) -> Key:
    return str(file), device, json.dumps(config, sort_keys=True)
