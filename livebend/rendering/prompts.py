"""Prompts as embeddings, encoded by a worker and remembered.

The command queue holds a prompt back until it is encoded (`ready`), so the render thread finds
every prompt of its scene in the cache and a new prompt never stalls a frame.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue

from torch import Tensor

from livebend.core.errors import one_line
from livebend.core.notify import Notify, ignore
from livebend.device.memory import Versioned

Encode = Callable[..., Tensor]
Notes = Callable[[str], Sequence[str]]


def no_notes(_: str) -> Sequence[str]:
    """Return no notes: a text is read as it is written."""
    return ()


class Prompts:
    """A bounded cache of embeddings. Any thread may call any method; `work` is a Worker's body."""

    def __init__(
        self,
        encode: Encode,
        notes: Notes = no_notes,
        notify: Notify = ignore,
        kept: int = 1024,
    ) -> None:
        """`encode` turns texts into embeddings [n, T, C], at strengths of LoRAs by name.
        `notes` returns what the model reads of a text otherwise than it is written.
        `notify` gets those notes, and texts that cannot be encoded: they count as the empty prompt.
        `kept` embeddings stay: more than one message can name, since a command waits until all of
        its texts are there at once.
        """
        self._encode = encode
        self._notes = notes
        self._notify = notify
        self._kept = kept
        self._lock = threading.Lock()  # short: guards the cache
        self._encoding = threading.Lock()  # long: one encoding at a time
        self._values: OrderedDict[str, Versioned] = OrderedDict()
        self._versions = 0
        self._requests: SimpleQueue[str] = SimpleQueue()
        self._trying: str | None = None  # what the worker encodes now

    def ready(self, text: str) -> bool:
        """Whether the text is encoded."""
        with self._lock:
            return text in self._values

    def request(self, text: str) -> None:
        """Have the worker encode the text; return at once."""
        self._requests.put(text)

    def value(self, text: str) -> Versioned:
        """Return the embedding [1, T, C] of a text, encoded now where it is not yet.

        Versions are negative, so that they never equal one that a Memory has given.
        """
        if (found := self._find(text)) is not None:
            return found
        with self._encoding:
            if (found := self._find(text)) is not None:
                return found
            embedding = self._encode([text])
        for note in self._notes(text):
            self._notify(note)
        return self._keep(text, embedding)

    def adapted(self, text: str, strengths: Mapping[str, float]) -> Tensor:
        """Return the embedding [1, T, C] of a text that is ready, with LoRAs of the text encoder at
        these strengths: encoded now."""
        with self._encoding:
            return self._encode([text], strengths)

    def work(self, stop: threading.Event) -> None:
        """Encode requested texts until stopped."""
        while not stop.is_set():
            try:
                text = self._requests.get(timeout=0.1)
            except Empty:
                continue
            self._try(text)

    def renew(self) -> None:
        """Let another thread take the worker's place where that hangs: the text that it encodes
        counts as the empty prompt, if that is known."""
        text, self._trying = self._trying, None
        self._encoding = threading.Lock()
        if text is not None and (empty := self._find("")) is not None and not self.ready(text):
            self._notify(f"prompt {text[:40]!r} cannot be encoded: the encoder does not answer")
            self._keep(text, empty.tensor)

    def _try(self, text: str) -> None:
        """Encode a text; one that fails must not hold up the commands that wait for it."""
        self._trying = text
        try:
            self.value(text)
        except Exception as fault:  # noqa: BLE001 - reported, whatever an encoder raises
            self._notify(f"prompt {text[:40]!r} cannot be encoded: {one_line(fault)}")
            self._keep(text, self.value("").tensor)
        self._trying = None

    def _find(self, text: str) -> Versioned | None:
        with self._lock:
            if text in self._values:
                self._values.move_to_end(text)
            return self._values.get(text)

    def _keep(self, text: str, embedding: Tensor) -> Versioned:
        with self._lock:
            self._versions -= 1
            self._values[text] = Versioned(self._versions, embedding)
            while len(self._values) > self._kept:
                self._values.popitem(last=False)
            return self._values[text]
