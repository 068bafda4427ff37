"""What set-up decides: with fakes for the machine, without a network, in folders of the test's."""

import shutil
import sys
import threading
from pathlib import Path

import _install
import _setup
import pytest

from tests import ROOT

PIN = "torch==2.13.0"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An empty repository that set-up takes for its own."""
    venv, bin_ = tmp_path / ".venv", tmp_path / ".venv" / "bin"
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, path in {"ROOT": tmp_path, "VENV": venv, "BIN": bin_}.items():
        monkeypatch.setattr(_setup, name, str(path))
    monkeypatch.setattr(_install, "MARKER", str(venv / "unfinished"))
    monkeypatch.setattr(_install, "LOG", str(venv / "log"))
    return tmp_path


@pytest.fixture
def pip(monkeypatch):
    """pip as a list of what it was asked for, and what it answers to whom."""
    asked: list[tuple[str, ...]] = []
    answers: dict[str, _install.SetupError] = {}

    def install(*arguments: str) -> None:
        asked.append(arguments)
        for word, error in answers.items():
            if word in arguments:
                raise error

    monkeypatch.setattr(_install, "pip", install)
    monkeypatch.setattr(_install, "uv", no_uv)
    return asked, answers


def no_uv(*arguments: str) -> None:
    raise _install.SetupError("uv: no such index")


def make_environment(house: Path) -> None:
    bin_ = house / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(sys.executable)


# torch


@pytest.mark.parametrize(
    ("platform", "gpu", "kinds"),
    [
        ("linux", False, ["cpu", None]),
        ("linux", True, [None]),
        ("darwin", False, [None]),
        ("win32", False, [None]),
        ("win32", True, [_install.CUDA, None]),
    ],
)
def test_each_machine_gets_its_build_of_torch(platform, gpu, kinds):
    attempts = _install.torch_attempts(PIN, gpu, platform)
    for attempt, kind in zip(attempts, kinds, strict=True):
        assert attempt.arguments[0] == PIN
        index = attempt.arguments.index("--index-url") + 1 if kind else None
        assert (attempt.arguments[index] if index else None) == (kind and _install.INDEX + kind)
        assert ("--timeout" in attempt.arguments) is bool(kind)


def test_the_pin_is_the_project_s():
    assert _install.torch_pin().startswith("torch==")


def test_an_index_out_of_reach_gives_way_to_the_plain_pin(pip, capsys):
    asked, answers = pip
    answers["--index-url"] = _install.SetupError("no", "WARNING: Retrying\nERROR: No matching")
    _install.install_torch(_install.torch_attempts(PIN, False, "linux"))
    assert asked[-1] == (PIN,)
    assert "next best" in capsys.readouterr().err


def test_a_download_that_breaks_off_is_no_reason_for_a_larger_one(pip):
    asked, answers = pip
    answers["--index-url"] = _install.SetupError("no", "  Downloading torch-2.13.0\nReadTimeout")
    with pytest.raises(_install.SetupError):
        _install.install_torch(_install.torch_attempts(PIN, False, "linux"))
    assert len(asked) == 1


def test_the_last_attempt_s_failure_is_told(pip):
    _, answers = pip
    answers[PIN] = _install.SetupError("no network")
    with pytest.raises(_install.SetupError, match="no network"):
        _install.install_torch(_install.torch_attempts(PIN, False, "linux"))


def test_packages_come_by_uv_and_by_pip_only_where_that_fails(pip, monkeypatch):
    asked, _ = pip
    _install.install_packages("-e", ".")
    assert asked == [("-e", ".")]
    by_uv: list[tuple[str, ...]] = []
    monkeypatch.setattr(_install, "uv", lambda *arguments: by_uv.append(arguments))
    _install.install_packages("-e", ".[onnx]")
    assert (by_uv, len(asked)) == ([("-e", ".[onnx]")], 1)


def test_uv_installs_into_the_environment(house, monkeypatch):
    asked: list[object] = []
    monkeypatch.setattr(_install, "pip", asked.append)
    monkeypatch.setattr(_install, "call", asked.append)
    _install.uv("-e", ".")
    python = str(house / ".venv" / "bin" / "python")
    uv = str(house / ".venv" / "bin" / "uv")
    assert asked == ["uv", [uv, "pip", "install", "--python", python, "-e", "."]]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("echo 'GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-1)'", "NVIDIA GeForce RTX 4090"),
        ("echo 'No devices found'; exit 6", None),
        ("echo 'NVIDIA-SMI has failed: no driver'; exit 9", None),
    ],
)
def test_a_gpu_is_one_that_its_own_tool_lists(tmp_path, said, name):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{said}\n")
    tool.chmod(0o755)
    assert _install.nvidia_gpu(lambda asked: str(tool)) == name


def test_no_tool_is_no_gpu():
    assert _install.nvidia_gpu(lambda asked: None) is None


@pytest.mark.parametrize(
    ("cuda", "gpu", "words"),
    [
        (None, None, "torch 2.13.0: CPU build (no NVIDIA GPU here)"),
        ("13.0", "RTX 4090", "torch 2.13.0: CUDA 13.0 build (for RTX 4090)"),
        (None, "RTX 4090", "cannot use the GPU"),
        ("13.0", None, "CUDA 13.0 build (no NVIDIA GPU here)"),
    ],
)
def test_the_report_says_which_torch_it_is(cuda, gpu, words):
    assert words in _install.torch_report("2.13.0", cuda, gpu)


# Stamps


def test_a_finished_set_up_is_trusted_until_something_changes(house):
    make_environment(house)
    assert not _setup.is_ready()
    _install.write(_install.MARKER)
    _install.finish("test")
    assert _setup.is_ready()
    assert _setup.is_ready("test")
    with (house / "pyproject.toml").open("a") as file:
        file.write("# another dependency\n")
    assert not _setup.is_ready()


def test_the_test_extra_is_a_set_up_of_its_own(house):
    make_environment(house)
    _install.write(_install.MARKER)
    _install.finish("")
    assert _setup.is_ready()
    assert not _setup.is_ready("test")


def test_another_interpreter_or_folder_is_not_what_was_stamped(house, monkeypatch):
    make_environment(house)
    _install.write(_install.MARKER)
    _install.finish("")
    assert _install.is_sound()
    with monkeypatch.context() as patch:
        patch.setattr(_setup, "ROOT", "/elsewhere")
        assert not _setup.is_ready()
        assert not _install.is_sound()
    python = house / ".venv" / "bin" / "python"
    python.unlink()
    assert not _setup.is_ready()
    (house / "python3.99").touch()
    python.symlink_to(house / "python3.99")
    assert not _setup.is_ready()
    assert not _install.is_sound()


def test_an_environment_made_by_hand_is_used_only_if_it_works(house):
    make_environment(house)
    assert _install.is_sound()
    python = house / ".venv" / "bin" / "python"
    python.unlink()
    python.touch()
    assert not _install.is_sound()


def test_a_half_made_environment_is_not_built_upon(house, monkeypatch):
    make_environment(house)
    assert _install.is_sound()
    _install.write(_install.MARKER)
    assert not _install.is_sound()
    (house / ".venv" / "rubbish").touch()
    monkeypatch.setattr(_install, "call", lambda command: None)
    _install.make_environment()
    assert not (house / ".venv" / "rubbish").exists()
    assert Path(_install.MARKER).exists()


def test_work_on_an_environment_takes_its_stamps_away_first(house):
    make_environment(house)
    _install.write(_install.MARKER)
    _install.finish("test")
    _install.make_environment()
    assert not _setup.is_ready()
    assert not _setup.is_ready("test")
    assert not _install.is_sound()


def test_two_starts_set_up_one_after_the_other(house, monkeypatch):
    waiting = threading.Event()
    monkeypatch.setattr(_install, "say", lambda line: waiting.set())
    monkeypatch.setattr(_install.time, "sleep", lambda seconds: None)
    order = []

    def second() -> None:
        with _install.only_one():
            order.append("second")

    thread = threading.Thread(target=second)
    with _install.only_one():
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


# Words


def test_a_python_that_is_too_old_gets_one_line(monkeypatch):
    line = _setup.old_python((3, 9), "linux")
    assert "3.11" in line
    assert "3.9" in line
    assert "\n" not in line
    monkeypatch.setattr(_setup.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(_setup, "NEWER", ())
    with pytest.raises(SystemExit, match="livebend needs Python"):
        _setup.require_python()


def test_a_newer_python_that_is_installed_takes_over(monkeypatch):
    taken = []
    monkeypatch.setattr(_setup, "run", taken.append)
    monkeypatch.setattr(_setup.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(_setup, "NEWER", ("no-such-python", "sh"))
    _setup.require_python()
    assert taken == [[shutil.which("sh"), *sys.argv]]


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        ("apt-get", "apt-get install -y libportaudio2"),
        ("dnf", "dnf install -y portaudio"),
        ("pacman", "pacman -S --noconfirm portaudio"),
    ],
)
def test_portaudio_s_line_fits_the_system(monkeypatch, tool, line):
    monkeypatch.setattr(_install, "may_install", lambda: False)
    find = {tool: f"/usr/bin/{tool}"}.get
    assert _install.portaudio_command(find) == f"sudo {line}"
    monkeypatch.setattr(_install, "may_install", lambda: True)
    assert _install.portaudio_command(find) == line


def test_without_portaudio_set_up_says_so_and_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(_install.sys, "platform", "linux")
    monkeypatch.setattr(_install.ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr(_install, "may_install", lambda: False)
    _install.offer_portaudio()
    assert "demo sound" in capsys.readouterr().err


def test_without_ensurepip_the_line_that_brings_it_is_said(monkeypatch):
    monkeypatch.setattr(_install.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(_install, "may_install", lambda: False)
    with pytest.raises(_install.SetupError, match="sudo apt install python3-venv"):
        _install.require_ensurepip()


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("NewConnectionError: x\nERROR: No matching distribution found for av", "be reached"),
        ("ERROR: No matching distribution found for av", "no build for Python 3.99"),
        ("error: command '/usr/bin/gcc' failed with exit code 1", "compiled"),
        ("Traceback\nValueError: odd", "a command failed"),
    ],
)
def test_a_failure_is_read_for_the_user(output, cause):
    words = _install.explain(output, (3, 99))
    assert cause in words.split("\n")[0]
    assert output.split("\n")[-1] in words
    assert _install.LOG in words


def test_a_failed_command_stops_set_up_with_its_words(house, monkeypatch):
    make_environment(house)
    monkeypatch.setattr(_install, "offer_portaudio", lambda: None)
    failing = [sys.executable, "-c", "import sys; print('error: odd'); sys.exit(2)"]
    monkeypatch.setattr(_install, "pip", lambda *arguments: _install.call(failing))
    monkeypatch.setattr(_install, "uv", no_uv)
    monkeypatch.setattr(_install, "nvidia_gpu", lambda: "a GPU")
    with pytest.raises(SystemExit, match="error: odd"):
        _install.install()
    assert not _setup.is_ready()
    assert not _install.is_sound()
