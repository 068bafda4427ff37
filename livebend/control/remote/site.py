"""The pages of the remote by HTTP, below /remote: files of ours, the code, the tree, pictures and
scenes sent.

Anyone who reaches the port may load the page; what it shows and plays takes a token (`pairing`),
which it keeps in a cookie that no script reads and no other site's page brings along. Everything
comes from here: the page may load nothing from elsewhere, and run nothing that is written in it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from aiohttp import web

from livebend.control.desk import Desk, preset
from livebend.control.door import Door
from livebend.control.parameters import Trees
from livebend.control.remote.descriptions import Descriptions, choices
from livebend.control.remote.gate import Gate
from livebend.control.remote.nodes import Nodes, as_json
from livebend.control.remote.pairing import Pairing
from livebend.control.remote.uploads import Uploads
from livebend.core import limits
from livebend.core.errors import LivebendError, Refused
from livebend.core.mailbox import Latest
from livebend.flow import Frame
from livebend.scene.preset_text import scene_in, text_of

AT = "/remote"
SOCKET = f"{AT}/socket"
INDEX = "index.html"
TYPES = {
    "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}  # fmt: skip
KEPT = 12 * 3600  # s that a browser keeps a token
CODE_BYTES = 200  # of what is sent with a code
POLICY = "; ".join(
    [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:",
        "connect-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    ]
)  # fmt: skip
SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
STRICT = SAFE | {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Material(NamedTuple):
    """What a show gives its pages beside its parameters.

    frames: the newest one.
    sites: where bends can act.
    masks: returns the names of the drawn masks.
    uploads: where pictures go that pages send; None = none are taken.
    """

    frames: Latest[Frame | None]
    sites: Sequence[str] = ()
    masks: Callable[[], Sequence[str]] = tuple
    uploads: Uploads | None = None


class Site:
    """Answers what is asked below AT. Used by the server's thread alone."""

    def __init__(
        self,
        desk: Desk,
        trees: Trees,
        descriptions: Descriptions,
        pairing: Pairing,
        door: Door,
        gate: Gate,
        material: Material,
        port: int,
    ) -> None:
        self._desk, self._trees, self._descriptions = desk, trees, descriptions
        self._pairing, self._door, self._gate, self._material = pairing, door, gate, material
        self._cookie = f"livebend-{port}"  # cookies are not told apart by their port
        self._files = page_files()

    def knows(self, request: Any, host: str) -> bool:
        """Whether a request comes from a page that is paired."""
        token = request.cookies.get(self._cookie, "")
        return self._pairing.knows(token, host) and not self._door.has_dismissed(host)

    async def answer(self, request: Any, host: str) -> web.Response:
        """Answer a request."""
        if not self._gate.spend(host, 1):
            return refusal(429, "too many questions", {"Retry-After": "1"})
        asked = request.method, request.path.removeprefix(AT)
        if request.method == "POST" and not request.headers.get("Origin"):
            return refusal(403, "Origin: expected the page's")
        if request.method == "GET" and (found := self._files.get(asked[1])):
            kind, body = found
            return closing(web.Response(body=body, content_type=kind, headers=STRICT))
        if asked == ("POST", "/pair"):
            return await self._pair(request, host)
        if not self.knows(request, host):
            return refusal(401, "give the code that the operator's view shows")
        return await self._tell(asked, request, host)

    async def _tell(self, asked: tuple[str, str], request: Any, host: str) -> web.Response:
        """Answer a page that is paired."""
        match asked:
            case "GET", "/tree":
                return await self._tree(host)
            case "GET", "/choices":
                return told(as_json(self._choices()))
            case "POST", "/mask":
                return await self._keep(request, host)
            case "GET", "/scene":
                text = text_of(self._desk.scene.get())
                return closing(web.Response(text=text, headers=STRICT))
            case "POST", "/scene":
                return await self._paste(request, host)
        return refusal(404, "there is nothing here")

    async def _pair(self, request: Any, host: str) -> web.Response:
        """Give a token for the code."""
        if request.content_type != "application/json":
            return refusal(415, "expected application/json")
        try:
            given = json.loads(await _body(request, CODE_BYTES))
            code = given["code"]
            if not isinstance(code, str):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError, Refused):
            return refusal(400, 'expected {"code": "123456"}')
        try:
            if self._door.has_dismissed(host):
                raise Refused("the operator has turned this machine away")
            token = self._pairing.pair(code, host)
        except Refused as why:
            self._door.lets_in(host)  # which names a stranger to the operator
            return refusal(403, str(why))
        self._door.pair(host)
        answer = web.Response(status=204, headers=STRICT)
        answer.set_cookie(
            self._cookie, token, max_age=KEPT, httponly=True, samesite="Strict", path="/"
        )
        return closing(answer)

    async def _tree(self, host: str) -> web.Response:
        """Tell the tree, packed."""
        for _ in self._descriptions.make(Nodes(self._desk, self._trees)):
            self._gate.spend(host, 1)
            await asyncio.sleep(0)
        headers, packed = STRICT | {"Content-Encoding": "gzip"}, self._descriptions.packed
        return closing(web.Response(body=packed, content_type="application/json", headers=headers))

    def _choices(self) -> Mapping[str, Any]:
        bank, material = self._desk.bank, self._material
        return choices() | {
            "sites": list(material.sites),
            "masks": list(material.masks()),
            "uploads": material.uploads is not None,
            "presets": list(bank.names()),
            "slots": {slot: [one.name, one.title] for slot, one in bank.slots().items()},
        }

    async def _keep(self, request: Any, host: str) -> web.Response:
        """Keep a picture as a drawn mask."""
        if self._material.uploads is None:
            return refusal(404, "no pictures are taken")
        self._gate.spend(host, limits.TOLD // 4)  # a few in a second, no more
        try:
            data = await _body(request, limits.UPLOAD)
            name = await asyncio.to_thread(self._material.uploads.take, data)
        except Refused as why:
            return refusal(400, str(why))
        return told(as_json({"name": name}))

    async def _paste(self, request: Any, host: str) -> web.Response:
        """Keep a scene in the first empty slot, and recall it."""
        self._gate.spend(host, limits.TOLD // 64)
        try:
            text = (await _body(request, limits.PRESET_BYTES)).decode()
            slot = await asyncio.to_thread(paste, self._desk, text)
        except UnicodeDecodeError:
            return refusal(400, "the pasted text: not UTF-8")
        except LivebendError as why:
            return refusal(400, str(why))
        return told(as_json({"slot": slot}))


def paste(desk: Desk, text: str) -> int:
    """Keep the scene that a text describes in the first empty slot, so that cues can name it, and
    recall it; return the slot. Raises: LivebendError."""
    scene, full = scene_in(text), desk.bank.slots()
    slot = next((n for n in range(1, limits.SLOTS + 1) if n not in full), None)
    if slot is None:
        raise Refused("every slot is full: clear one for the pasted scene")
    desk.bank.expect(slot)
    desk.keep(slot, scene)
    if not desk.send(preset(desk.bank, slot)):
        raise Refused(f"the scene is in slot {slot}, but too much is going on to recall it")
    return slot


def page_files() -> Mapping[str, tuple[str, bytes]]:
    """Return the files of the page by their addresses below AT, with their type: no address ever
    becomes a path."""
    found = {}
    for file in files(__package__).joinpath("page").iterdir():
        kind = TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            found[f"/{file.name}"] = kind, file.read_bytes()
    return found | dict.fromkeys(("", "/"), found[f"/{INDEX}"])


async def _body(request: Any, most: int) -> bytes:
    """Read what a request brings, up to so many bytes. Raises: Refused for more."""
    body = bytearray()
    async for piece in request.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > most:
            raise Refused(f"more than {most} bytes")
    return bytes(body)


def told(text: str) -> web.Response:
    """Answer with JSON."""
    return closing(web.Response(text=text, content_type="application/json", headers=STRICT))


def refusal(status: int, why: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer why not."""
    all_headers = {**STRICT, **(headers or {})}
    return closing(web.Response(status=status, text=f"{why}\n", headers=all_headers))


def closing(answer: web.Response) -> web.Response:
    """Have the connection closed behind an answer."""
    answer.force_close()
    return answer
