"""Who belongs to a rig: all who know its key. Each side shows that without saying it.

    leader     MAGIC, 32 random bytes
    follower   32 random bytes, HMAC(key, "follow", both)
    leader     HMAC(key, "lead", both)

Then every message is signed by a key of this connection and its direction, and numbered: one that
is changed, repeated, left out or from another connection is refused.
"""

import hmac
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from livebend.core import limits
from livebend.core.errors import Refused
from livebend.core.files import short

VARIABLE = "LIVEBEND_KEY"
MAGIC = b"livebend rig 1\n\0"
NONCE = MAC = 32  # bytes
SHORTEST = 16  # bytes of a key
MADE = 32  # random bytes of a key that is made


def read_key(file: Path | None, *, make: bool) -> bytes:
    """Return the key in a file, or without one that of the environment.

    make: write a new one where there is no such file.
    Raises: Refused.
    """
    if file is None:
        return _checked(os.environ.get(VARIABLE, "").encode(), VARIABLE)
    try:
        if make and not file.exists():
            _write_new(file)
        with file.open("rb") as opened:
            found = opened.read(limits.RIG_KEY + 1)
    except OSError as why:
        raise Refused(f"--key {short(file)}: {why.strerror}") from why
    return _checked(found, f"--key {short(file)}")


def _write_new(file: Path) -> None:
    """Write a random key that no other user of the machine may read."""
    made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(made, "w", encoding="ascii") as opened:
        opened.write(secrets.token_hex(MADE) + "\n")


def _checked(found: bytes, where: str) -> bytes:
    key = found.strip()
    if not key and where == VARIABLE:
        raise Refused(f"a rig needs a key: --key FILE, or {VARIABLE}; the leader makes the file")
    if not SHORTEST <= len(key) <= limits.RIG_KEY:
        allowed = f"{SHORTEST} to {limits.RIG_KEY}"
        raise Refused(f"{where}: a key of {len(key)} bytes; expected {allowed}")
    return key


def nonce() -> bytes:
    """Return random bytes that no other connection has."""
    return secrets.token_bytes(NONCE)


class Handshake(NamedTuple):
    """What both sides have to show each other: the key, and the random bytes of both."""

    key: bytes
    leaders: bytes
    followers: bytes

    def proof(self, side: str) -> bytes:
        """Return what the "lead" or the "follow" side shows that it knows the key by."""
        return self._of(side)

    def proves(self, side: str, given: bytes) -> bool:
        """Whether that is what it shows."""
        return hmac.compare_digest(given, self._of(side))

    def seal(self, side: str) -> "Seal":
        """Return what signs the messages of a side."""
        return Seal(self._of(f"{side} message"))

    def _of(self, what: str) -> bytes:
        said = what.encode() + b"\0" + self.leaders + self.followers
        return hmac.digest(self.key, said, "sha256")


class Seal:
    """Signs the messages of one side of a connection, or checks them, in their order."""

    def __init__(self, key: bytes) -> None:
        self._key, self._number = key, 0

    def sealed(self, message: bytes) -> bytes:
        """Return a message with its length and its signature in front of it."""
        return len(message).to_bytes(4, "big") + self._next(message) + message

    def opened(self, signature: bytes, message: bytes) -> bytes:
        """Return the next message. Raises: Refused for one that is not."""
        number = self._number
        if not hmac.compare_digest(signature, self._next(message)):
            raise Refused(f"message {number} is changed, repeated or of somebody else")
        return message

    def _next(self, message: bytes) -> bytes:
        numbered = self._number.to_bytes(8, "big") + message
        self._number += 1
        return hmac.digest(self._key, numbered, "sha256")
