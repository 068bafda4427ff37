"""The cards of the operator's view: each function draws one and returns its height, in units.

CARDS has the most important ones first, because a small window shows only as many as fit.
"""

import math
from collections.abc import Mapping

from livebend.core.status import Level
from livebend.flow import Features
from livebend.outputs.card_area import BODY, LARGE, ROW, SMALL, Card, CardArea
from livebend.outputs.drawing import (
    ACCENTS,
    AMBER,
    BLUE,
    DIM,
    FAINT,
    GROUND,
    INK,
    PINK,
    RED,
    TEAL,
    VIOLET,
    Colour,
    mixed,
)
from livebend.outputs.key_table import KEYS
from livebend.outputs.operator_faders import bends, buttons, routes, scenes

LEVEL_COLOURS: Mapping[Level, Colour] = {"info": TEAL, "warning": AMBER, "error": RED}


def header(at: CardArea) -> float:
    """Title, prompt, rates, and the state of the display."""
    status, canvas, y = at.status, at.canvas, at.y + 26
    title = canvas.fitted(status.title or "livebend", LARGE, at.inner - 110)
    canvas.text(at.left, y, title, LARGE, INK)
    canvas.text(at.right, y + 3, "fps", SMALL, DIM, align="right")
    canvas.number(at.right - 32, y, f"{status.fps:.1f}", LARGE, TEAL)
    y += 28
    colour = mixed(INK, VIOLET, 0.5) if status.prompt else FAINT
    for line in canvas.wrapped(status.prompt or "no prompt", BODY, at.inner, 2):
        canvas.text(at.left, y, line, BODY, colour)
        y += ROW
    return buttons(at, _chips(at, _remote(at, _film(at, y + 2))) - 4) - at.y


def _remote(at: CardArea, y: float) -> float:
    """Where the page of the remote is, and the code that pairs a phone; return the next free
    height."""
    where, code = at.shown.remote
    if not where:
        return y
    at.canvas.text(at.left, y, at.canvas.fitted(where, SMALL, at.inner - 120), SMALL, DIM)
    at.canvas.text(at.right - 66, y, "code", SMALL, FAINT, align="right")
    at.canvas.number(at.right, y, f"{code[:3]} {code[3:]}", BODY, TEAL)
    return y + ROW + 2


def _film(at: CardArea, y: float) -> float:
    """The film that is being written, with a red lamp; return the next free height."""
    if not at.shown.recording:
        return y
    at.canvas.lamp(at.left + 5, y - 1, 5, RED, 1.0)
    at.canvas.text(at.left + 18, y, f"recorded {at.shown.recording}", SMALL, INK)
    return y + ROW + 2


def _chips(at: CardArea, y: float) -> float:
    """How bright the picture is, where it is not; return the next free height."""
    if at.view.brightness >= 1:
        return y
    text = f"BRIGHTNESS {at.view.brightness:.0%}"
    wide = at.canvas.text(-9999, 0, text, SMALL, GROUND) + 18
    at.canvas.box(at.left, y - 8, wide, 20, AMBER, radius=10)
    at.canvas.text(at.left + 9, y + 2, text, SMALL, GROUND)
    return y + ROW + 4


def speed(at: CardArea) -> float:
    """Times of frames, of sound to picture, and of stages."""
    canvas, status = at.canvas, at.status
    y = at.heading("TIME")
    for place, label in enumerate(("p50", "p95", "p99")):
        canvas.text(at.right - 120 + 60 * place, at.y + 17, label, SMALL, FAINT, align="right")
    rows = (("frame", status.frame_ms), ("sound to picture", status.latency_ms))
    for label, taken in rows:
        canvas.text(at.left, y, label + "  ms", SMALL, DIM)
        for place, value in enumerate((taken.p50, taken.p95, taken.p99)):
            x = at.right - 120 + 60 * place
            canvas.number(x, y, f"{value:.1f}", SMALL, DIM if place else INK)
        y += ROW
    for line in filter(None, (status.engine, status.rig)):
        canvas.text(at.left, y, canvas.fitted(line, SMALL, at.inner), SMALL, FAINT)
        y += ROW
    return (_stages(at, y) if status.stage_ms else y) - at.y


def _stages(at: CardArea, y: float) -> float:
    """The stages' parts of the frame in one bar, and the slowest by name."""
    canvas, stages = at.canvas, at.status.stage_ms
    total = sum(stages.values()) or 1.0
    colours = {name: ACCENTS[place % len(ACCENTS)] for place, name in enumerate(stages)}
    x = at.left
    for name, taken in stages.items():
        wide = at.inner * taken / total
        canvas.box(x, y - 4, max(wide - 1, 0), 9, colours[name], radius=1)
        x += wide
    y += ROW
    for name in sorted(stages, key=stages.__getitem__, reverse=True)[:4]:
        canvas.lamp(at.left + 4, y - 1, 4, colours[name], 1.0)
        canvas.text(at.left + 16, y, name, SMALL, DIM)
        canvas.number(at.right, y, f"{stages[name]:.1f}", SMALL, INK)
        y += ROW
    canvas.text(at.left, y, "stages run again", SMALL, DIM)
    canvas.number(at.right, y, f"{at.status.rerun:.0%}", SMALL, INK)
    y = _memory(at, y + ROW)
    for label in at.status.reused:
        y += ROW
        canvas.text(at.left, y, label, SMALL, AMBER)
    return y + ROW


def _memory(at: CardArea, y: float) -> float:
    """How full the memory of the stages is, and how many outputs it had to forget."""
    canvas, memory = at.canvas, at.status.memory
    canvas.text(at.left, y, "remembered  MB", SMALL, DIM)
    full = f"{memory.mb:.0f} of {memory.cap_mb:.0f}"
    canvas.number(at.right, y, full, SMALL, AMBER if memory.evicted else INK)
    if memory.evicted:
        y += ROW
        canvas.text(at.left, y, f"{memory.evicted} outputs forgotten", SMALL, AMBER)
    return y


def sound(at: CardArea) -> float:
    """Every feature: levels as bars, onsets and beats as lamps."""
    canvas, heard, y = at.canvas, at.status.features, at.heading("SOUND")
    beat = (1.0 - heard.beat_phase) ** 2 if heard.bpm > 0 else 0.0
    onset = math.exp(-max(at.status.time - heard.onset_time, 0.0) / 0.12) * bool(heard.onset_count)
    canvas.lamp(at.right - 7, at.y + 17, 6, PINK, onset)
    canvas.text(at.right - 18, at.y + 17, "onset", SMALL, mixed(FAINT, INK, onset), align="right")
    canvas.lamp(at.right - 75, at.y + 17, 6, AMBER, beat)
    canvas.text(at.right - 86, at.y + 17, "beat", SMALL, mixed(FAINT, INK, beat), align="right")
    if heard.silent:
        canvas.text(at.right - 140, at.y + 17, "silence", SMALL, AMBER, align="right")
    for label, value, colour, number, unit in _levels(heard):
        canvas.text(at.left, y, label, SMALL, DIM)
        canvas.bar(at.left + 82, y, at.inner - 82 - 86, value, colour)
        canvas.number(at.right - 32, y, number, SMALL, INK)
        canvas.text(at.right - 28, y, unit, SMALL, FAINT)
        y += ROW
    return y - at.y


def _levels(heard: Features) -> list[tuple[str, float, Colour, str, str]]:
    """Label, 0..1, colour, number and unit of every row of the sound."""
    loud = 20 * math.log10(max(heard.rms, 1e-4))
    pitch = math.log(max(heard.pitch, 50) / 50) / math.log(40)
    tempo = heard.beat_phase if heard.bpm else 0.0
    return [
        ("rms", 1 + loud / 60, TEAL, f"{loud:.1f}", "dB"),
        ("flux", heard.flux, PINK, f"{heard.flux:.2f}", ""),
        ("low", heard.low, TEAL, f"{heard.low:.2f}", ""),
        ("mid", heard.mid, BLUE, f"{heard.mid:.2f}", ""),
        ("high", heard.high, VIOLET, f"{heard.high:.2f}", ""),
        ("centroid", heard.brightness, BLUE, f"{heard.centroid:.0f}", "Hz"),
        ("pitch", pitch, VIOLET, f"{heard.pitch:.0f}" if heard.pitch else "–", "Hz"),
        ("tempo", tempo, AMBER, f"{heard.bpm:.1f}" if heard.bpm else "–", "bpm"),
    ]


def notices(at: CardArea) -> float:
    """What the performer should know, the newest first, but what was clicked away."""
    y, canvas = at.heading("NOTICES"), at.canvas
    seen = [notice for notice in reversed(at.status.notices) if not at.hand.is_gone(notice)]
    if not seen:
        return at.nothing(y)
    for notice in seen[:5]:
        age = at.status.time - notice.time
        colour = mixed(LEVEL_COLOURS[notice.level], DIM, age / 30)
        canvas.lamp(at.left + 4, y - 1, 4, LEVEL_COLOURS[notice.level], 1 - age / 60)
        lines = canvas.wrapped(notice.text, SMALL, at.inner - 16, 2)
        over = at.touch(at.left, y - ROW / 2, at.inner, (ROW - 2) * len(lines), notice)
        for line in lines:
            canvas.text(at.left + 16, y, line, SMALL, INK if over else mixed(colour, INK, 0.4))
            y += ROW - 2
    return y + 4 - at.y


def counters(at: CardArea) -> float:
    """The counters; those of faults are dim while they are 0."""
    y, counts = at.heading("COUNTED"), at.status.counters
    rows = (
        ("frames made", counts.frames_generated, INK),
        ("frames shown", counts.frames_shown, INK),
        ("hops of sound", counts.audio_hops, INK),
        ("commands", counts.commands_received, INK),
        ("overflows", counts.overflows, RED),
        ("refused", counts.commands_refused, AMBER),
        ("clamped", counts.commands_clamped, AMBER),
        ("garbage packets", counts.garbage_packets, AMBER),
        ("non-finite frames", counts.nonfinite_frames, RED),
    )
    half = at.inner / 2
    for place, (label, number, colour) in enumerate(rows):
        x, line = at.left + (half + 8) * (place % 2), y + ROW * (place // 2)
        at.canvas.text(x, line, label, SMALL, DIM)
        at.canvas.number(x + half - 8, line, f"{number}", SMALL, colour if number else FAINT)
    return y + ROW * ((len(rows) + 1) // 2) - at.y


def help_card(at: CardArea) -> float:
    """The keys, from their table."""
    y = at.heading("KEYS")
    for key in KEYS:
        at.canvas.text(at.left, y, key.label, SMALL, TEAL)
        at.canvas.text(at.left + 92, y, at.canvas.fitted(key.doc, SMALL, at.inner - 92), SMALL, INK)
        y += ROW
    return y - at.y


CARDS: tuple[Card, ...] = (header, scenes, sound, bends, routes, notices, speed, counters)
