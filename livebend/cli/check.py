"""`livebend check`: a minute before the show, what is plugged in, as a page of green and red.

The options are those of `livebend live`, so that the very line that is to be played is checked. It
is rehearsed for some seconds without a window, in a process of its own and without the network,
with the sound that is plugged in and a film beside where one is to be recorded.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from livebend.cli.doctor import devices, questions
from livebend.cli.doctor.findings import Finding, as_text, healthy
from livebend.cli.doctor.questions import Answer, NoAnswer
from livebend.cli.power import Power, power
from livebend.cli.printing import check_positive
from livebend.control.osc_endpoint import endpoint
from livebend.control.osc_endpoint import place as place_of
from livebend.control.rig.connecting import leader_at
from livebend.control.rig.key import read_key
from livebend.control.rig.meeting import differences, meet
from livebend.control.rig.messages import Opening, message_in
from livebend.core.errors import LivebendError, OutOfRange
from livebend.core.files import check_place, film_folder
from livebend.outputs.codecs import check_movie, fitted
from livebend.outputs.room import read_room, room_file

REHEARSAL = 45.0  # s that the start of a show and its rehearsal may take together
LOOK = 10.0  # s, for a look at the displays
ENDS = ("record", "record_cues", "stats")  # options that name what is written
SLOW = 100.0  # ms: without --target-ms, frames that take longer are no show
SILENT = -60.0  # dB of a peak, as the gate of the analysis has it
FAINT = -40.0  # dB of a peak: heard, but little is left above the noise
APART = 40.0  # dB between the channels: one of them is not plugged in
CLIPPED = 20  # samples: one may be an accident
SHOWN = 6  # notices
LOW = 50  # % of a battery

Ask = Callable[[str, float], Answer]


def run(options: argparse.Namespace) -> int:
    """Print what is ready; the exit status is 1 where something is red."""
    check_positive(options)
    if not 0.0 < options.hours < 1e4:
        raise OutOfRange(f"--hours {options.hours:g}: expected a number above 0")
    findings = examine(vars(options))
    print(as_text(findings, coloured=sys.stdout.isatty()))
    return 0 if healthy(findings) else 1


def examine(given: Mapping[str, Any], ask: Ask = questions.ask) -> list[Finding]:
    """Examine everything that a show with these options needs; it takes less than a minute."""
    place = given["record"].parent if given["record"] else film_folder()
    answer = rehearsed(given, place, ask)
    findings = [*ends(given), *_of(answer, given, place), *leader(given, answer), *room(given)]
    hands = [port(given["osc"]), midi(given["midi"], ask)]
    return [*findings, display(given, ask), *hands, supply(power())]


# ---- the rehearsal


def rehearsed(given: Mapping[str, Any], place: Path, ask: Ask) -> Answer:
    """Play a few seconds of the show; return what came of it, or `refused` with the reason."""
    plain = {name: value for name, value in given.items() if name not in ENDS}
    text = json.dumps(plain, default=str)
    folder = place if os.access(place, os.W_OK) else None  # what is wrong there is said by `ends`
    try:
        with tempfile.TemporaryDirectory(prefix=".livebend-", dir=folder) as room:
            film = str(fitted(Path(room) / "film.mp4", given["codec"]))
            code = (
                "import os; os.environ['HF_HUB_OFFLINE'] = os.environ['TRANSFORMERS_OFFLINE'] = '1'"
                f"\nfrom livebend.cli.rehearsal import told\nprint(told({text!r}, {film!r}))"
            )
            return ask(code, REHEARSAL)
    except (NoAnswer, OSError) as why:
        return {"refused": str(why)}


def _of(answer: Answer, given: Mapping[str, Any], place: Path) -> list[Finding]:
    """Return what a rehearsal says of model, frames, sound, disk, and its notices."""
    if (refused := answer.get("refused")) is not None:
        return [Finding("show", str(refused), False, "mend this, then check again")]
    said: Mapping[str, Any] = answer
    report, notices = said["report"], said["report"]["notices"]
    lost = [n["text"] for n in notices if n["text"].startswith(f"{given['input']} is lost")]
    return [
        Finding("model", f"{report['engine']}; begins without a network in {said['began']:.1f} s"),
        frames(report, given["target_ms"]),
        sound(given["input"], said["sound"], lost),
        disk(place, said["bytes"], frames_seconds(report), given),
        *told(notices, given["input"], lost),
    ]


def frames_seconds(report: Mapping[str, Any]) -> float:
    """Return how many seconds of frames a report is about."""
    return float(report["frames_generated"] / report["fps"]) if report["fps"] else 0.0


def frames(report: Mapping[str, Any], target_ms: float | None) -> Finding:
    """How fast frames are painted while a film is recorded."""
    p95, most = report["frame_ms"]["p95"], target_ms or SLOW
    found = f"{report['fps']:.1f} a second; 95 of 100 took up to {p95:.0f} ms"
    advice = "a smaller --size, fewer bends, another --backend (livebend tune), or --target-ms"
    if not report["frames_generated"]:
        return Finding("frames", "none", False, advice)
    return Finding("frames", found) if p95 <= most else Finding("frames", found, False, advice)


def sound(name: str, levels: Mapping[str, Any], lost: Sequence[str] = ()) -> Finding:
    """What is heard: silence, clipping, one channel alone."""
    if lost:
        return Finding("sound", lost[0], False, "livebend devices lists what there is")
    peaks: list[float] = levels["peak"]
    each = ", ".join(f"{peak:.0f}" for peak in peaks)
    found = f"{name}: peak {each} dB, rms {max(levels['rms'], default=SILENT):.0f} dB"
    loudest, faintest = max(peaks, default=-120.0), min(peaks, default=-120.0)
    if loudest < SILENT:
        advice = f"play something; or other channels, such as --input '{name}:3,4'"
        return Finding("sound", f"{found}: silence", False, advice)
    if levels["clipped"] >= CLIPPED:
        return Finding("sound", f"{found}: it clips", False, "turn the gain of the input down")
    if loudest - faintest > APART:
        only = peaks.index(loudest) + 1
        advice = f"plug the other in, or leave it out where the device has more: channel {only}"
        return Finding("sound", f"{found}: channel {only} alone sounds", None, advice)
    if loudest < FAINT:
        return Finding("sound", f"{found}: faint", None, "turn the gain of the input up")
    return Finding("sound", found)


def disk(place: Path, size: int, seconds: float, given: Mapping[str, Any]) -> Finding:
    """Whether a film of so many hours has room, if it grows as the rehearsal's of `size` bytes."""
    free, rate = shutil.disk_usage(place).free, size / seconds if seconds else 0.0
    needed, hours = rate * 3600 * given["hours"], free / rate / 3600 if rate else 0.0
    found = f"{place}: {free / 1e9:.1f} GB free, room for {hours:.1f} h of film"
    if needed <= free and rate:
        return Finding("disk", found)
    advice = f"{given['hours']:g} h take {needed / 1e9:.1f} GB: make room, or --record elsewhere"
    return Finding("disk", found, False if given["record"] else None, advice)


def told(notices: Sequence[Mapping[str, Any]], sound: str, known: Sequence[str]) -> list[Finding]:
    """The warnings and errors of the rehearsal, and what became of its sound, as far as they are
    not told elsewhere; errors are red."""
    found = [
        n
        for n in notices
        if (n["level"] != "info" or n["text"].startswith(f"{sound} ")) and n["text"] not in known
    ]
    return [
        Finding("notice", n["text"], False if n["level"] == "error" else None)
        for n in found[-SHOWN:]
    ]


# ---- the rest of the machine


def ends(given: Mapping[str, Any]) -> list[Finding]:
    """What is to be written and cannot be."""
    findings = []
    for name in ENDS:
        option = f"--{name.replace('_', '-')}"
        if given[name] is not None:
            try:
                if name == "record":
                    check_movie(given[name], option, given["codec"])
                else:
                    check_place(given[name], option)
            except LivebendError as why:
                findings.append(Finding(option, str(why), False))
    return findings


def leader(given: Mapping[str, Any], answer: Mapping[str, Any]) -> list[Finding]:
    """Whether the leader that the show follows is there, knows the key, and plays on the same as
    the rehearsal did."""
    if given["follow"] is None:
        return []
    try:
        at = leader_at(given["follow"])
        theirs = meet(at, read_key(given["key"], make=False))
    except LivebendError as why:
        advice = "start it first, with --lead; both need the same --key file"
        return [Finding("leader", str(why), False, advice)]
    found = f"{place_of(*at)}: is there and knows the key"
    if not answer.get("opening"):
        return [Finding("leader", f"{found}; whether it plays on the same is not known", None)]
    ours = message_in(answer["opening"].encode())
    differs = differences(ours, theirs) if isinstance(ours, Opening) else ["this show is unknown"]
    if differs:
        advice = "the same --model, --size, --backend, --dtype and masks on both machines"
        return [Finding("leader", f"{found}; {'; '.join(differs)}", None, advice)]
    return [Finding("leader", f"{found}; the same model and engine")]


def room(given: Mapping[str, Any]) -> list[Finding]:
    """What is kept of the room and cannot be used."""
    try:
        kept = {} if given["headless"] else read_room(room_file())
    except LivebendError as why:
        return [Finding("room", str(why), False, "mend the file, or remove it")]
    return [Finding("room", f"{len(kept)} settings are kept of it")] if kept else []


def display(given: Mapping[str, Any], ask: Ask) -> Finding:
    """Whether the picture's display is there."""
    if given["headless"]:
        return Finding("display", "none is needed: --headless")
    found = devices.display(lambda question: ask(question, LOOK), given["display"])
    return found if found.ok else replace(found, ok=False)


def port(osc: str) -> Finding:
    """Whether the port of OSC is free: livebend would take the next, where nobody sends to."""
    try:
        found = devices.osc_port(endpoint(osc))
    except (LivebendError, OSError) as why:
        return Finding("OSC", str(why), False)
    return found if found.ok else replace(found, ok=False)


def midi(wanted: str, ask: Ask) -> Finding:
    """Whether the MIDI device that is named is plugged in; any other may come during the show."""
    if wanted == "off":
        return Finding("MIDI", "off")
    found = devices.midi(lambda question: ask(question, LOOK))
    if wanted == "auto" or wanted.casefold() in found.found.casefold():
        return found
    return Finding("MIDI", f"no device like {wanted!r}; there are: {found.found}", False)


def supply(found: Power) -> Finding:
    """What the machine runs on."""
    level = "" if found.percent is None else f", battery at {found.percent} %"
    if found.on_battery:
        return Finding("power", f"on battery{level}", False, "plug the mains in")
    if found.saves:
        return Finding("power", f"saves power{level}", None, "choose the plan for performance")
    return Finding("power", f"no battery is in use{level}")
