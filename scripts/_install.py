"""Set up livebend's environment: `.venv`, torch in the build that fits the machine, livebend.

`_setup` calls `install` when its stamp does not match. Each step is reported on stderr; its
output goes to `.venv/livebend-setup.log`. During the set-up there is a marker file in `.venv`: an
environment that still has it is incomplete, and is made again.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import _setup

INDEX = "https://download.pytorch.org/whl/"  # PyTorch's own wheels, by build
CUDA = "cu130"  # the build for NVIDIA on Windows; on Linux it is PyPI's own wheel
BRIEF = ("--timeout", "10", "--retries", "1")  # an unreachable index must not take minutes
MARKER = os.path.join(_setup.VENV, "livebend-setup.unfinished")
LOG = os.path.join(_setup.VENV, "livebend-setup.log")
PORTAUDIO = {
    "apt-get": "apt-get install -y libportaudio2",
    "dnf": "dnf install -y portaudio",
    "pacman": "pacman -S --noconfirm portaudio",
    "zypper": "zypper install -y libportaudio2",
    "apk": "apk add portaudio",
    "brew": "brew install portaudio",
}
HANDS = ("midi", "link", "touchosc")  # extras that livebend can do without
Find = Callable[[str], str | None]


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do. `output`: of the command."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class Attempt(NamedTuple):
    """One way to get torch: its description, and pip's arguments."""

    what: str
    arguments: tuple[str, ...]


def install(extra: str = "") -> None:
    """Set the environment up, or end the program with the reason."""
    try:
        with only_one():
            if not _setup.is_ready(extra):
                set_up(extra)
    except SetupError as failure:
        sys.exit(f"\nlivebend: set-up stopped: {failure}")
    except KeyboardInterrupt:
        sys.exit("\nlivebend: set-up was interrupted; the next start does it anew")


def set_up(extra: str) -> None:
    """Do every step; only the last stamps the environment."""
    began = time.monotonic()
    say(f"setting up in {_setup.VENV} (this start only)")
    offer_portaudio()
    make_environment()
    gpu = nvidia_gpu()
    install_torch(torch_attempts(torch_pin(), gpu is not None, sys.platform))
    engine = "onnx-gpu" if gpu is not None else "onnx"
    target = f".[{engine},{extra}]" if extra else f".[{engine}]"
    with step("livebend and its packages"):
        install_packages("-e", target)
    install_hands()
    with step("a look at torch"):
        version, cuda = torch_build()
    say(torch_report(version, cuda, gpu))
    finish(extra)
    say(f"ready after {time.monotonic() - began:.0f} s")


# The environment


def make_environment() -> None:
    """Make `.venv`, or keep one that is complete, and mark it as unfinished."""
    if not is_sound():
        require_ensurepip()
        shutil.rmtree(_setup.VENV, ignore_errors=True)
        os.makedirs(_setup.VENV)
        write(MARKER)
        with step("an environment for Python " + sys.version.split()[0]):
            call([sys.executable, "-m", "venv", _setup.VENV])
    write(MARKER)
    for extra in ("", "test"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(_setup.stamp_path(extra))


def is_sound() -> bool:
    """Whether there is an environment to keep: complete, of this folder, with a working pip."""
    if os.path.exists(MARKER) or not os.path.exists(_setup.program("python")):
        return False
    made_from = _setup.read(_setup.stamp_path()) or _setup.stamp()
    if made_from.split("\n")[:3] != _setup.stamp().split("\n")[:3]:
        return False
    look = f"import pip, sys; sys.exit(sys.version_info < {_setup.OLDEST})"
    try:
        return ask(_setup.program("python"), "-c", look).returncode == 0
    except OSError:
        return False


def finish(extra: str) -> None:
    """Stamp the environment, so that the next start has nothing to do."""
    for name in {"", extra}:
        write(_setup.stamp_path(name), _setup.stamp())
    os.remove(MARKER)


def require_ensurepip() -> None:
    """Install ensurepip, which Debian leaves out of Python, if it is missing.

    Raises: SetupError with the command that does it, where it may not be done from here.
    """
    if importlib.util.find_spec("ensurepip") is not None:
        return
    command = "apt-get install -y python3-venv"
    if may_install() and run_apt(command):
        importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "Python's venv module is missing; install it: sudo apt install python3-venv"
        )


# torch


def torch_pin() -> str:
    """Return the requirement on torch in pyproject.toml."""
    with open(os.path.join(_setup.ROOT, "pyproject.toml"), "rb") as file:
        needs: list[str] = tomllib.load(file)["project"]["dependencies"]
    return next(need for need in needs if need.startswith("torch=="))


def extra_needs(extra: str) -> list[str]:
    """Return the requirements of one of pyproject.toml's extras."""
    with open(os.path.join(_setup.ROOT, "pyproject.toml"), "rb") as file:
        needs: list[str] = tomllib.load(file)["project"]["optional-dependencies"][extra]
    return needs


def nvidia_gpu(find: Find = shutil.which) -> str | None:
    """Return the name of the first NVIDIA GPU; None if there is none that works."""
    tool = find("nvidia-smi") or find("/usr/lib/wsl/lib/nvidia-smi")
    if tool is None or sys.platform == "darwin":
        return None
    try:
        listed = ask(tool, "-L")
    except (OSError, subprocess.TimeoutExpired):
        return None
    first = re.search(r"^GPU 0: (.+?) \(", listed.stdout, re.MULTILINE)
    return first[1] if first and listed.returncode == 0 else None


def torch_attempts(pin: str, gpu: bool, platform: str) -> list[Attempt]:
    """Return the ways to get torch, best first.

    PyPI has the CUDA build for Linux, the CPU build for Windows and the only build for macOS.
    """
    plain = Attempt(f"{pin} from PyPI", (pin,))
    kind = {("linux", False): "cpu", ("win32", True): CUDA}.get((platform, gpu))
    if kind is None:
        return [plain]
    own = (pin, "--no-deps", "--index-url", INDEX + kind, *BRIEF)
    return [Attempt(f"{pin}, {kind.upper()} build (PyTorch's index first)", own), plain]


def install_torch(attempts: Sequence[Attempt]) -> None:
    """Install by the first attempt that finds a package.

    Raises: SetupError if none does, or if a download breaks off: a slow network must not turn
    200 MB into 3 GB.
    """
    for number, attempt in enumerate(attempts, start=1):
        try:
            with step(attempt.what):
                by = pip if "--index-url" in attempt.arguments else install_packages
                by(*attempt.arguments)
            return
        except SetupError as failure:
            if number == len(attempts) or found_something(failure.output):
                raise
            say("  not to be had there, so the next best (on Linux a download of some GB)")


def found_something(output: str) -> bool:
    """Whether pip had found a package before it failed."""
    return (
        re.search(r"^\s*(Downloading|Using cached|Processing) ", output, re.MULTILINE) is not None
    )


def torch_build() -> tuple[str, str | None]:
    """Return torch's version and the CUDA version it was built for, None without.

    Raises: SetupError where torch cannot be imported.
    """
    look = "import torch; print(torch.__version__, torch.version.cuda or '')"
    done = ask(_setup.program("python"), "-c", look)
    if done.returncode:
        raise SetupError(f"torch was installed but does not start:\n{done.stderr.strip()}")
    version, _, cuda = done.stdout.strip().partition(" ")
    return version, cuda or None


def torch_report(version: str, cuda: str | None, gpu: str | None) -> str:
    """Return a line about the build of torch, and whether it fits the machine."""
    here = f"for {gpu}" if gpu else "no NVIDIA GPU here"
    took = f"torch {version}: {f'CUDA {cuda}' if cuda else 'CPU'} build ({here})"
    if gpu and not cuda:
        return f"{took}; it cannot use the GPU: run `scripts/livebend doctor`"
    return took


# Sound


def offer_portaudio() -> None:
    """Install PortAudio, which a microphone needs, or say how; go on either way."""
    if sys.platform != "linux" or ctypes.util.find_library("portaudio"):
        return  # elsewhere the package sounddevice contains it
    command = portaudio_command()
    if command.startswith("apt-get") and may_install() and run_apt(command):
        return
    say(f"no PortAudio, so no microphone (the demo sound plays without). To have it: {command}")


def portaudio_command(find: Find = shutil.which) -> str:
    """Return the command that installs PortAudio here."""
    known = (line for tool, line in PORTAUDIO.items() if find(tool))
    line = next(known, "install the package portaudio")
    return line if may_install() or line.startswith(("brew", "install")) else f"sudo {line}"


def may_install() -> bool:
    """Whether system packages may be installed without asking: as root, with apt-get."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def run_apt(command: str) -> bool:
    """Run an apt-get command, after `apt-get update` if it fails; return whether it succeeded."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    lines = [command.split(), ["apt-get", "update"], command.split()]
    with step(command):
        for line in lines:
            done = subprocess.run(line, check=False, capture_output=True, env=quiet)
            if line[1] == "install" and done.returncode == 0:
                return True
    return False


# Commands, and what the user sees of them


def install_hands() -> None:
    """Install what controllers need, which livebend can do without."""
    try:
        with step("MIDI, Ableton Link, TouchOSC"):
            install_packages(*(need for extra in HANDS for need in extra_needs(extra)))
    except SetupError:
        say("  not to be had for this machine; livebend plays without them")


def install_packages(*arguments: str) -> None:
    """Install by uv, which is several times as fast, or by pip where uv cannot: where only pip's
    own configuration names an index. Raises: SetupError."""
    try:
        uv(*arguments)
    except SetupError:
        pip(*arguments)


def uv(*arguments: str) -> None:
    """Run `uv pip install` for the environment. Raises: SetupError with its output."""
    pip("uv")
    call([_setup.program("uv"), "pip", "install", "--python", _setup.program("python"), *arguments])


def pip(*arguments: str) -> None:
    """Run the environment's `pip install`. Raises: SetupError with its output."""
    flags = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    call([_setup.program("python"), "-m", "pip", "install", *flags, *arguments])


def call(command: Sequence[str]) -> None:
    """Run a command in the repository, with its output in the log.

    Raises: SetupError with an explanation of the output.
    """
    with open(LOG, "a+", encoding="utf-8", errors="replace") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        begin = log.tell()
        done = subprocess.run(command, check=False, stdout=log, stderr=log, cwd=_setup.ROOT)
        log.seek(begin)
        output = log.read()
    if done.returncode:
        raise SetupError(explain(output, sys.version_info[:2]), output)


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a short command and return its result."""
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


NETWORK = "NameResolution|NewConnection|ConnectTimeout|ReadTimeout|is unreachable|ProxyError"
ADVICE = {
    "No space left": "the disk is full; about 2 GB are needed, 8 GB for a CUDA build",
    NETWORK: "the package index cannot be reached; connect this machine to the network",
    "No matching distribution|ResolutionImpossible": (
        "a package has no build for Python {python} on this machine; take Python 3.11, 3.12 or 3.13"
    ),
    r"command '.*(gcc|cc|clang)'|Microsoft Visual C\+\+": (
        "a package had to be compiled and could not be; take Python 3.11, 3.12 or 3.13"
    ),
    "Permission denied|Errno 13": "a file cannot be written; whose is the folder?",
}


def explain(output: str, python: tuple[int, ...]) -> str:
    """Return the cause of a failure, if it is known, with the last lines about it."""
    version = ".".join(map(str, python))
    known = (advice for pattern, advice in ADVICE.items() if re.search(pattern, output))
    cause = next(known, "a command failed").format(python=version)
    lines = [line.strip()[:300] for line in output.splitlines()]
    errors = [line for line in lines if re.match(r"(ERROR|error|\w*Error)\b", line)]
    shown = "".join(f"\n  {line}" for line in (errors or lines)[-4:])
    return f"{cause}{shown}\n  The whole log: {LOG}\n  Then start again."


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Print what is being done, and how long it took."""
    began = time.monotonic()
    print(f"livebend: {what} … ", end="", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print("failed", file=sys.stderr, flush=True)
        raise
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """Print a line for the user."""
    print(f"livebend: {line}", file=sys.stderr, flush=True)


def write(path: str, text: str = "") -> None:
    """Write a small file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one set-up run at a time; another start waits until it is done."""
    with open(os.path.join(_setup.ROOT, "pyproject.toml"), "rb") as file:
        if not try_lock(file.fileno()):
            say("another start is setting up; waiting for it")
            while not try_lock(file.fileno()):
                time.sleep(1.0)
        yield


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return whether no other process holds the lock."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - each system has its own

            os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # past the end, so that reading still works
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
