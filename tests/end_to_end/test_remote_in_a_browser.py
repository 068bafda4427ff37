"""The page of the remote in Chromium, at the width of a phone and of a desktop.

With REMOTE_PICTURE=FILE the scene that is played on the phone leaves its picture for the README:

    REMOTE_PICTURE=.pictures/remote.png scripts/test --slow -k "end_to_end and phone" \\
        tests/end_to_end/test_remote_in_a_browser.py
"""

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from PIL import Image

from livebend.control.parameters import soft_range, tree_of
from livebend.outputs.display import Display
from livebend.scene.commands import Set
from tests import ROOT
from tests.fakes.browser import DESKTOP, PATIENCE, PHONE, browsing, chromium
from tests.fakes.osc import wait_for
from tests.fakes.played import playing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
TABS = ("play", "scenes", "bends", "routes", "mix", "all")
PICTURE = os.environ.get("REMOTE_PICTURE", "")
TOUCH = 44  # px of what a finger meets


@asynccontextmanager
async def paired(url, code, size=PHONE):
    """The page in a browser, paired, with no fault at its end."""
    async with browsing(size) as page:
        await page.go(f"{url}/remote#{code}")
        await page.until("document.body.dataset.state === 'on'")
        yield page
        assert page.errors == []
        assert not [line for line in page.said if "Content Security" in line]


async def turn(page, tab):
    """Go to a section, which is seen already where the screen is wide."""
    if await page.run(f"Boolean(document.querySelector('nav [data-tab={tab}]').offsetParent)"):
        await page.tap(f"nav [data-tab={tab}]")
    await page.until(f"document.getElementById('{tab}').offsetParent")


# ---- a scene, from the first touch to the crossfade, with the real show --------------------------


class RealShow:
    """A headless show in a process of its own, read by OSCQuery."""

    def __init__(self, process, code, port):
        self.process, self.code, self.url = process, code, f"http://127.0.0.1:{port}"

    def value(self, path):
        """The value of a parameter, None where there is none."""
        address = f"{self.url}/livebend/{path.replace('.', '/')}?VALUE"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                return json.load(answer)["VALUE"][0]
        except urllib.error.HTTPError:
            return None

    async def until(self, condition):
        """Wait until something is true of it."""
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(condition):
                await asyncio.sleep(0.1)


@contextmanager
def real_show(tmp_path):
    homes = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")}
    command = [sys.executable, "-m", "livebend.cli.main", "live", "--headless", "--osc",
               "127.0.0.1:0", "--midi", "off", "--preset", "storm", "--size",
               "128" if PICTURE else "64"]  # fmt: skip
    process = subprocess.Popen(
        command, env={**os.environ, **homes, "OMP_NUM_THREADS": "1"}, cwd=ROOT,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        for line in process.stderr:
            if found := re.search(r"remote: http://127.0.0.1:(\d+) .* code (\d+)", line):
                yield RealShow(process, found[2], int(found[1]))
                break
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stderr.close()


@SIZES
def test_a_scene_is_played_from_end_to_end(size, tmp_path):
    seen = []
    with real_show(tmp_path) as show:
        asyncio.run(play(show, size, seen))
    if PICTURE and size == PHONE:
        side_by_side(seen).save(PICTURE, optimize=True)


def side_by_side(pictures):
    """Screens of the phone beside one another, in few colours: a small file."""
    (width, height), gap = PHONE, 16
    whole = Image.new("RGB", (len(pictures) * (width + gap) - gap, height), (40, 44, 48))
    for index, data in enumerate(pictures):
        with Image.open(io.BytesIO(data)) as one:
            whole.paste(one.convert("RGB").resize(PHONE), (index * (width + gap), 0))
    return whole.quantize(160)


async def play(show, size, seen):
    """Play by hand; `seen` gets a few pictures of the screen."""
    async with browsing(size) as page:
        await page.go(show.url)  # as somebody types it
        await page.until("document.body.dataset.state === 'pair'")
        await page.write("#code", show.code)
        await page.press("Enter")
        await page.until("document.body.dataset.state === 'on'")
        await page.until("document.querySelector('#preview canvas').width < 256")  # a picture

        await turn(page, "play")
        await page.write("#play .prompt input", "aurora")
        await page.press("Enter")
        await show.until(lambda: show.value("prompt.text") == "aurora")
        await asyncio.sleep(2.0 if PICTURE else 0.0)
        seen.append(await page.picture())

        await turn(page, "bends")
        await page.tap("[aria-label='Add a bend']")
        await page.tap(".pick[data-value=swirl]")
        await page.tap(".pick[data-value='vae.in']")
        await page.until("document.querySelector('[data-bend=swirl-2], [data-bend=swirl]')")
        name = await page.run("[...document.querySelectorAll('.bend')].at(-1).dataset.bend")
        await page.drag(f"[data-path='bend.{name}.angle']", 60)
        await show.until(lambda: (show.value(f"bend.{name}.angle") or 0) > 10)
        await page.tap(f"[aria-label='{name} earlier']")

        await turn(page, "routes")
        await page.tap("[aria-label='Add a route']")
        await page.tap(".pick[data-value='kick.pulse']")
        await page.tap(f".pick[data-value='bend.{name}.angle']")
        await show.until(lambda: show.value("route.kick.target") == f"bend.{name}.angle")
        await page.until("document.querySelector('[data-route=kick] circle')?.getAttribute('cx')")

        seen.append(await page.picture())

        await turn(page, "scenes")
        await page.tap(".pages button:nth-child(2)")  # 17 to 32
        await page.tap(".modes [value='preset.store']")
        await page.tap(".slot[data-slot='20']")
        await page.until("!document.querySelector('.slot[data-slot=\"20\"]').matches('.empty')")

        await page.run("document.querySelector('[data-path=\"preset.unit\"]').focus()")
        await page.run(
            "(() => { const s = document.querySelector('[data-path=\"preset.unit\"]');"
            " s.value = 'beats'; s.dispatchEvent(new Event('change')); })()"
        )
        await show.until(lambda: show.value("preset.unit") == "beats")
        await page.drag("[data-path='preset.fade']", 45)
        await show.until(lambda: show.value("preset.fade") > 2)
        await page.tap(".slot[data-slot='17']")  # Tide, over four beats
        await show.until(lambda: show.value("title") == "Tide")

        await page.tap(".modes [value='crossfade.to']")
        await page.tap(".slot[data-slot='20']")
        await show.until(lambda: show.value("crossfade.other") not in (None, ""))
        await page.drag("[data-path='crossfade.position']", 120)
        await show.until(lambda: show.value("crossfade.position") > 0.2)

        seen.append(await page.picture())

        await page.tap("#blackout")
        await show.until(lambda: show.value("output.blackout"))
        await page.until("document.getElementById('over').textContent === 'black'")
        await page.tap("#blackout")
        await show.until(lambda: not show.value("output.blackout"))
        assert page.errors == []


# ---- how it feels --------------------------------------------------------------------------------


SMALL = """
[...document.querySelectorAll('button, input, select, .fader, .pad, .upload')].filter(
  e => e.offsetParent && e.closest('.current, header, nav, dialog')).map(e => {
  const b = (e.type === 'file' ? e.parentElement : e).getBoundingClientRect();
  return [e.id || e.getAttribute('aria-label') || e.textContent, b.width, b.height];
}).filter(([, w, h]) => w < %d || h < %d)
"""
WRITTEN = """
[...document.querySelectorAll('input, select')].filter(
  e => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 16).map(e => e.outerHTML)
"""
TOO_WIDE = """
[...document.querySelectorAll('main > section')].filter(
  e => e.offsetParent && e.scrollWidth > e.clientWidth).map(e => e.id)
"""


@SIZES
def test_everything_is_large_enough_for_a_finger(size):
    async def look(show):
        async with paired(show.url, show.pairing.code, size) as page:
            for tab in TABS:
                await turn(page, tab)
                await page.until(f"document.querySelector('#{tab}').children.length")
                for more in range(2):
                    await page.run(
                        f"document.querySelectorAll('#{tab} [aria-expanded=false]')"
                        f"[{more}]?.click()"
                    )
                assert await page.run(SMALL % (TOUCH, TOUCH)) == [], tab
                assert await page.run(WRITTEN) == [], tab
                assert await page.run(TOO_WIDE) == [], tab
            await turn(page, "bends")
            await page.tap("[aria-label='Add a bend']")
            assert await page.run(SMALL % (TOUCH, TOUCH)) == []
            await page.tap("#blackout")  # in reach above any sheet
            await asyncio.to_thread(wait_for, lambda: show.display.view.blackout)

    with playing() as show:
        asyncio.run(look(show))


def test_nothing_jumps_while_the_show_goes_on():
    async def look(show):
        async with paired(show.url, show.pairing.code) as page:
            for tab in TABS:
                await turn(page, tab)
                await asyncio.sleep(2.0)  # until it has been filled
                await page.run(
                    "window.shift = 0; window.seer?.disconnect();"
                    "window.seer = new PerformanceObserver(l => l.getEntries().forEach("
                    "e => { if (!e.sources.every(s => s.node?.closest?.('#notices')))"
                    " shift += e.value; })); seer.observe({type: 'layout-shift'}); 0"
                )
                show.warn(f"something about {tab}")
                show.desk.give(Set("walk.radius", 0.123))
                show.scenes.put(replace(show.scene, title="A much longer title than there was"))
                await asyncio.sleep(0.7)
                assert await page.run("shift") < 0.01, tab

    with playing() as show:
        asyncio.run(look(show))


def test_a_fader_under_a_finger_is_left_alone_and_then_says_where_it_is():
    async def touch(show):
        fader = "#play [data-path='walk.radius']"
        shown = f"document.querySelector(\"{fader}\").getAttribute('aria-valuenow')"
        async with paired(show.url, show.pairing.code) as page:
            x, y = await page.middle(fader)
            await page._point("down", x, y)
            for step in range(1, 6):
                await page._point("move", x + 8 * step, y)
            await page.until(f"Number({shown}) > 0.48")  # the last move is drawn
            held = await page.run(shown)
            await asyncio.to_thread(wait_for, lambda: show.scene.walk.radius == float(held))
            show.desk.give(Set("walk.radius", 0.05))  # somebody else
            await asyncio.sleep(0.6)
            assert await page.run(shown) == held
            await page._point("up", x + 40, y)
            await page.until(f"Number({shown}) === 0.05")
            show.desk.give(Set("walk.radius", 0.9))
            await page.until(f"Number({shown}) === 0.9")

    with playing() as show:
        asyncio.run(touch(show))


@pytest.mark.parametrize(("dx", "dy"), [(90, 0), (0, 60)])
def test_a_tap_right_after_a_flick_counts(dx, dy):
    """Blackout, a blink after a fader or a pad is let go in full flight."""

    async def touch(show):
        async with paired(show.url, show.pairing.code) as page:
            flicked = "#play [data-path='walk.radius']" if dx else "#play .pad"
            await page.middle("#blackout")
            await page.drag(flicked, dx, dy)
            await page.tap("#blackout")
            await asyncio.to_thread(wait_for, lambda: show.display.view.blackout)

    with playing() as show:
        asyncio.run(touch(show))


def test_two_taps_are_the_default_and_further_away_is_finer():
    async def touch(show):
        fader = "#play [data-path='walk.radius']"
        async with paired(show.url, show.pairing.code) as page:
            show.desk.give(Set("walk.radius", 0.0))
            await asyncio.sleep(0.3)
            await page.drag(fader, 100)
            await asyncio.to_thread(wait_for, lambda: show.scene.walk.radius > 0.1)
            coarse = show.scene.walk.radius
            show.desk.give(Set("walk.radius", 0.0))
            await asyncio.sleep(1.2)
            x, y = await page.middle(fader)
            await page._point("down", x, y)
            for step in range(1, 5):  # sideways first: no scrolling from here on
                await page._point("move", x + 10 * step, y)
            for step in range(5, 11):
                await page._point("move", x + 10 * step, y - 120)
            await page._point("up", x + 100, y - 120)
            await asyncio.sleep(0.5)
            assert 0.3 * coarse < show.scene.walk.radius < 0.75 * coarse
            await page.tap(fader)
            await page.tap(fader)
            await asyncio.to_thread(wait_for, lambda: show.scene.walk.radius == 0.3)

    with playing() as show:
        asyncio.run(touch(show))


def test_it_comes_back_by_itself_when_the_show_does():
    async def stay(keys):
        with playing(key=keys[0]) as show:
            port, opened = show.port, paired(show.url, show.pairing.code)
            page = await opened.__aenter__()
        await page.until("document.body.dataset.state === 'lost'")
        with playing(port=port, key=keys[1]) as again:
            state = "on" if keys[0] == keys[1] else "pair"
            await page.until(f"document.body.dataset.state === '{state}'")
            if keys[0] == keys[1]:
                await page.drag("#play [data-path='walk.radius']", 60)
                await asyncio.to_thread(wait_for, lambda: again.scene.walk.radius > 0.3)
        await opened.__aexit__(None, None, None)

    asyncio.run(stay((b"a" * 32, b"a" * 32)))
    asyncio.run(stay((b"a" * 32, b"b" * 32)))


def test_a_position_is_the_same_value_here_and_there():
    """The page reckons with ranges itself, so that a fader moves at once: as Python does."""

    async def reckon(show):
        async with paired(show.url, show.pairing.code) as page:
            rows = await page.run(
                "Promise.all([import('/remote/show.js'), import('/remote/ranges.js')]).then("
                "([s, r]) => [...s.params.values()].filter(p => p.soft && p.access === 'value')"
                ".map(p => [p.path, [0, 0.23, 0.46, 0.81, 1].map(t => [t, r.fromUnit(p, t),"
                " r.toUnit(p, r.fromUnit(p, t))])]))"
            )
            tree = tree_of(show.scene, Display.specs)
            assert len(rows) > 50
            for path, points in rows:
                soft = soft_range(show.scene, tree.parameters[path])
                for position, value, back in points:
                    near = (soft.high - soft.low) * 1e-3
                    assert value == pytest.approx(soft.from_unit(position), abs=near), path
                    assert back == pytest.approx(soft.to_unit(value), abs=1e-6), path

    with playing() as show:
        asyncio.run(reckon(show))
