"""Pairing: a page of the remote plays once it has given the code that the operator's view shows.

Whoever gives the code gets a token, which its browser keeps in a cookie. Code and tokens follow
from one secret key of the show, so that a show that a guard starts again knows its pages again; a
token is good on the machine that it was given to, and in that show alone.
"""

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from livebend.core import limits
from livebend.core.errors import Refused

DIGITS = 6  # of a code
MINUTE = 60.0  # s
KEY = 32  # bytes
NONCE = 16  # bytes that make each token another


class Pairing:
    """Knows the code of a show and its tokens. Used by one thread; `code` by any.

    key: the secret of the show; None makes one.
    now: the steady clock, in s.
    """

    def __init__(self, now: Callable[[], float], key: bytes | None = None) -> None:
        self._key, self._now = key or secrets.token_bytes(KEY), now
        self._tries: deque[float] = deque(maxlen=limits.TRIES)  # when wrong ones were, s
        number = int.from_bytes(self._mac(b"code")[:16], "big") % 10**DIGITS
        self.code = f"{number:0{DIGITS}}"

    def pair(self, code: str, machine: str) -> str:
        """Return a token for a machine, by its address, that gives the code.

        Raises: Refused for a wrong code, and for any where too many were: then nobody learns which
        it is.
        """
        moment = self._now()
        if len(self._tries) == limits.TRIES and moment - self._tries[0] < MINUTE:
            raise Refused("too many codes were tried: wait a minute")
        if not hmac.compare_digest(code.encode(), self.code.encode()):
            self._tries.append(moment)
            raise Refused("this is not the code")
        nonce = secrets.token_bytes(NONCE)
        return (nonce + self._of(nonce, machine)).hex()

    def knows(self, token: str, machine: str) -> bool:
        """Whether a machine has given the code of this show, by the token that it shows."""
        try:
            given = bytes.fromhex(token)
        except ValueError:
            return False
        nonce, mac = given[:NONCE], given[NONCE:]
        return hmac.compare_digest(mac, self._of(nonce, machine))

    def _of(self, nonce: bytes, machine: str) -> bytes:
        return self._mac(b"token", nonce, _plain(machine).encode())

    def _mac(self, *parts: bytes) -> bytes:
        return hmac.digest(self._key, b"\0".join(part.hex().encode() for part in parts), "sha256")


def key_from(text: str) -> bytes | None:
    """Return the key that another process of the same show was given as text; None for none."""
    return hashlib.sha256(text.encode()).digest() if text else None


def _plain(machine: str) -> str:
    """An address in one spelling."""
    try:
        address = ip_address(machine.partition("%")[0])
    except ValueError:
        return machine
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
