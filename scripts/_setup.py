"""Start a program of livebend's own environment, after setting that up where it is not.

Standard library alone, and little of it: a start with nothing to set up comes through here. A stamp
in the environment says what it was made from; `_install`, which does the work, is imported only
when the stamp is not what it should be.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def program(name: str) -> str:
    """Return the path of a program in the environment."""
    return os.path.join(BIN, name + ".exe" if os.name == "nt" else name)


def environment(extra: str = "") -> None:
    """Make sure that the environment holds livebend, with the optional packages `extra`."""
    require_python()
    if not is_ready(extra):
        import _install  # noqa: PLC0415 - only where there is something to do

        _install.install(extra)


def is_ready(extra: str = "") -> bool:
    """Whether a finished set-up was made from exactly what is here now."""
    return os.path.exists(program("python")) and read(stamp_path(extra)) == stamp()


def stamp_path(extra: str = "") -> str:
    """Return the file that says what the environment was made from."""
    return os.path.join(VENV, "livebend-" + (extra or "base") + ".stamp")


def stamp() -> str:
    """Return what the environment depends on: folder, interpreter, machine, pyproject.toml."""
    interpreter = os.path.realpath(program("python"))
    pyproject = read(os.path.join(ROOT, "pyproject.toml"))
    return "\n".join((ROOT, interpreter, sys.platform, pyproject or ""))


def read(path: str) -> str | None:
    """Return the text of a file, or None where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def require_python() -> None:
    """Go on only with a Python that is new enough: this one, or a newer one that is installed."""
    if sys.version_info >= OLDEST:
        return
    import shutil  # noqa: PLC0415 - only on the way out

    newer = next(filter(None, map(shutil.which, NEWER)), None)
    if newer is None:
        sys.exit(old_python(sys.version_info[:2], sys.platform))
    run([newer, *sys.argv])


def old_python(version: tuple[int, ...], platform: str) -> str:
    """Return the one line that a Python which is too old deserves."""
    got, need = (".".join(map(str, v)) for v in (version, OLDEST))
    cure = {
        "darwin": "brew install python@3.13",
        "win32": "winget install Python.Python.3.13",
    }.get(platform, "sudo apt install python3.11 python3.11-venv")
    return f"livebend needs Python {need} or newer; this is {got}. Install one ({cure}), try again."


def run(command: list[str]) -> None:
    """Become the command; its exit status is ours."""
    if os.name == "nt":  # exec does not wait there
        import subprocess  # noqa: PLC0415 - only there

        sys.exit(subprocess.call(command))
    os.execv(command[0], command)
