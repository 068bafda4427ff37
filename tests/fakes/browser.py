"""A browser without a screen: Chromium, driven by its own protocol over a WebSocket."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 60.0  # s: a busy machine takes its time
NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESKTOP = (390, 844), (1280, 800)


def chromium() -> str | None:
    """Return the browser of this machine, if it has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A page in Chromium. `said` is what its console has said, `errors` its exceptions."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.said: list[str] = []
        self.errors: list[str] = []
        self._is_touched = False
        self._hearing = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        async for frame in self._socket:
            said = json.loads(frame.data)
            if (future := self._waiting.pop(said.get("id", 0), None)) is not None:
                future.set_result(said)
            elif said.get("method") == "Runtime.exceptionThrown":
                details = said["params"]["exceptionDetails"]
                self.errors.append(str(details.get("exception", {}).get("description", details)))
            elif said.get("method") == "Log.entryAdded":
                self.said.append(said["params"]["entry"]["text"])

    async def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Call a method of the protocol; return its result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": given}))
        said = await asyncio.wait_for(self._waiting[number], PATIENCE)
        assert "error" not in said, (method, said["error"])
        found: dict[str, Any] = said["result"]
        return found

    async def size(self, width: int, height: int, *, touch: bool) -> None:
        """Have a screen of so many pixels; `touch` makes it a phone's."""
        self._is_touched = touch
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if touch else 1, mobile=touch,
        )  # fmt: skip
        await self.call("Emulation.setTouchEmulationEnabled", enabled=touch, maxTouchPoints=5)

    async def go(self, url: str) -> None:
        """Load a page."""
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """Return the value of an expression in the page. Raises: AssertionError for its error."""
        said = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in said, (script, said["exceptionDetails"])
        return said["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self.run(f"Boolean({condition})"):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"never true: {condition}; {self.errors} {self.said}") from None

    async def middle(self, selector: str) -> tuple[float, float]:
        """Return the middle of an element, scrolled into view."""
        one = f"document.querySelector({json.dumps(selector)})"
        await self.until(one)
        x, y = await self.run(
            f"(() => {{ const e = {one}; e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return x, y

    async def tap(self, selector: str) -> None:
        """Tap, or click, on an element."""
        await self._press(*await self.middle(selector), [])

    async def drag(self, selector: str, dx: float, dy: float = 0.0) -> None:
        """Drag an element by so many pixels, in steps."""
        x, y = await self.middle(selector)
        steps = [(x + dx * i / 8, y + dy * i / 8) for i in range(1, 9)]
        await self._press(x, y, steps)

    async def _press(self, x: float, y: float, steps: list[tuple[float, float]]) -> None:
        await self._point("down", x, y)
        for at in steps:
            await self._point("move", *at)
            x, y = at
        await self._point("up", x, y)

    async def _point(self, what: str, x: float, y: float) -> None:
        if self._is_touched:
            kind = {"down": "touchStart", "move": "touchMove", "up": "touchEnd"}[what]
            points = [] if what == "up" else [{"x": x, "y": y}]
            await self.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
            return
        kind = {"down": "mousePressed", "move": "mouseMoved", "up": "mouseReleased"}[what]
        await self.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1,
            buttons=0 if what == "up" else 1,
        )  # fmt: skip

    async def write(self, selector: str, text: str) -> None:
        """Write into a field, in place of what is there."""
        await self.tap(selector)
        await self.run(f"document.querySelector({json.dumps(selector)}).select()")
        await self.call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Press a key, such as Enter."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=13 if key == "Enter" else 0, **more,
            )  # fmt: skip

    async def picture(self) -> bytes:
        """Return what is on the screen as a PNG."""
        found = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(found["data"])


@asynccontextmanager
async def browsing(size: tuple[int, int] = PHONE) -> AsyncIterator[Browser]:
    """A browser for the time inside; a narrow one is a phone."""
    program = chromium()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--mute-audio",
             "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port_in(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    (found, *_) = [p for p in await answer.json() if p["type"] == "page"]
                at = found["webSocketDebuggerUrl"]
                async with session.ws_connect(at, max_msg_size=0) as socket:
                    browser = Browser(socket)
                    for domain in ("Page", "Runtime", "Log"):
                        await browser.call(f"{domain}.enable")
                    await browser.size(*size, touch=size[0] < 600)
                    yield browser
                    browser._hearing.cancel()
        finally:
            process.terminate()
            process.wait(PATIENCE)


async def _port_in(file: Path) -> int:
    async with asyncio.timeout(PATIENCE):
        while not file.exists() or not file.read_text():
            await asyncio.sleep(0.05)
    return int(file.read_text().splitlines()[0])
