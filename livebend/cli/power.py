"""What this machine runs on, and whether it saves power: a laptop on its battery paints slower."""

import ctypes
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SUPPLIES = Path("/sys/class/power_supply")
PROFILE = Path("/sys/firmware/acpi/platform_profile")
SAVING = ("low-power", "quiet")  # names of profiles
TIMEOUT = 5.0  # s


@dataclass(frozen=True, slots=True)
class Power:
    """percent: how full the battery is; None without one."""

    percent: int | None = None
    on_battery: bool = False
    saves: bool = False


def power() -> Power:
    """Return what is known of this machine."""
    if sys.platform == "darwin":
        return of_macos(_said)
    if sys.platform == "win32":
        return _of_windows()
    return of_linux()


def of_linux(supplies: Path = SUPPLIES, profile: Path = PROFILE) -> Power:
    """Read what the kernel says; a battery of a mouse is none."""
    batteries = [
        folder
        for folder in (supplies.iterdir() if supplies.is_dir() else ())
        if _read(folder / "type") == "Battery" and _read(folder / "scope") != "Device"
    ]
    levels = [int(level) for b in batteries if (level := _read(b / "capacity")).isdecimal()]
    drained = any(_read(battery / "status") == "Discharging" for battery in batteries)
    return Power(min(levels, default=None), drained, _read(profile) in SAVING)


def of_macos(said: Callable[..., str]) -> Power:
    """Read what `pmset` says."""
    state, settings = said("pmset", "-g", "batt"), said("pmset", "-g")
    level = state.partition("%")[0].split()[-1:] if "%" in state else []
    percent = int(level[0]) if level and level[0].isdecimal() else None
    saves = any(line.split() == ["lowpowermode", "1"] for line in settings.splitlines())
    return Power(percent, "'Battery Power'" in state, saves)


class _Status(ctypes.Structure):
    """SYSTEM_POWER_STATUS."""

    _fields_ = (
        *((name, ctypes.c_ubyte) for name in ("on_mains", "flag", "percent", "saves")),
        ("seconds", ctypes.c_uint32),
        ("full_seconds", ctypes.c_uint32),
    )


def _of_windows() -> Power:
    status = _Status()
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GetSystemPowerStatus(ctypes.byref(status)):
        return Power()
    percent = status.percent if status.percent <= 100 else None
    return Power(percent, status.on_mains == 0, status.saves == 1)


def _read(file: Path) -> str:
    """The text of a file of the kernel; empty where there is none."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _said(*command: str) -> str:
    """What a program of the system prints; empty where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
