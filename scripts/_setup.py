"""Start a program of livebend's own environment, after setting that up if necessary.

Standard library alone, and little of it, because every start runs it. A stamp in the environment
says what it was made from; `_install`, which does the work, is imported only if the stamp does not
match.
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
    """Make sure that livebend is installed, with the optional packages `extra`."""
    require_python()
    if not is_ready(extra):
        import _install  # noqa: PLC0415 - only if there is something to do

        _install.install(extra)


def is_ready(extra: str = "") -> bool:
    """Whether there is a complete environment, made from exactly what is here now."""
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
    """Return the text of a file, or None if it does not exist."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def require_python() -> None:
    """Go on with this Python if it is new enough, else start again with a newer one, or exit."""
    if sys.version_info >= OLDEST:
        return
    import shutil  # noqa: PLC0415 - only for a Python that is too old

    newer = next(filter(None, map(shutil.which, NEWER)), None)
    if newer is None:
        sys.exit(old_python(sys.version_info[:2], sys.platform))
    run([newer, *sys.argv])


def old_python(version: tuple[int, ...], platform: str) -> str:
    """Return the message for a Python that is too old, in one line."""
    got, need = (".".join(map(str, v)) for v in (version, OLDEST))
    cure = {
        "darwin": "brew install python@3.13",
        "win32": "winget install Python.Python.3.13",
    }.get(platform, "sudo apt install python3.11 python3.11-venv")
    return f"livebend needs Python {need} or newer; this is {got}. Install one ({cure}), try again."


def run(command: list[str]) -> None:
    """Replace this process by the command, and so pass on its exit status."""
    if os.name == "nt":  # exec does not wait there
        import subprocess  # noqa: PLC0415 - only there

        sys.exit(subprocess.call(command))
    os.execv(command[0], command)
