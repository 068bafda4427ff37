"""What was found on this machine: each finding, and all of them as a page or as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

AGAIN = "set up again: remove the folder .venv, then run scripts/livebend"
MARKS: Mapping[bool | None, str] = {True: "ok", None: "--", False: "!!"}
COLOURS: Mapping[bool | None, int] = {True: 32, None: 33, False: 31}  # green, yellow, red


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined."""

    what: str
    found: str
    ok: bool | None = True  # False = missing and essential, None = livebend can do without it
    advice: str = ""  # the exact command or setting that helps


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing essential is missing."""
    return all(finding.ok is not False for finding in findings)


def as_text(findings: Sequence[Finding], *, coloured: bool = False) -> str:
    """Return the findings as aligned lines, advice below what it is for; `coloured` for a
    terminal."""
    width = max((len(f.what) for f in findings), default=0)
    lines = []
    for f in findings:
        mark = f"\033[{COLOURS[f.ok]}m{MARKS[f.ok]}\033[0m" if coloured else MARKS[f.ok]
        lines.append(f"{mark}  {f.what:<{width}}  {f.found}")
        if f.advice:
            lines.append(f"    {'':<{width}}  -> {f.advice}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
