"""A whole show on real parts: PulseAudio, a player, a window on a virtual screen, OSC.

It needs neither sound card nor screen: a null sink's monitor is the microphone, Xvfb the display.
The measured latency includes the player's own buffer.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

RATE = 48_000
BLOCK = RATE // 100
SINK = "livebend_null"
PULSE = f"""
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name={SINK} rate={RATE} channels=2
set-default-sink {SINK}
set-default-source {SINK}.monitor
"""
FLASH = """
title = "Flash"
[prompt]
text = "a floating orb"
[walk]
period = 0
[bend.flash]
operator = "add"
site = "image"
units = "raw"
[route.click]
source = "rms"
target = "bend.flash.amount"
high = 1.0
attack = 0
release = 0.05
"""


@contextlib.contextmanager
def pulse() -> Iterator[None]:
    """Run a PulseAudio server with a null sink, for this process and its children."""
    folder = Path(tempfile.mkdtemp(prefix="soundcheck-"))
    folder.chmod(0o700)
    (folder / "pulse.pa").write_text(PULSE)
    os.environ.update(XDG_RUNTIME_DIR=str(folder), PULSE_SOURCE=f"{SINK}.monitor")
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
         "--log-target=file:/dev/null", "-F", str(folder / "pulse.pa")]
    )  # fmt: skip
    try:
        wait_until(lambda: subprocess.call(["pactl", "info"], stdout=-3, stderr=-3) == 0)
        yield
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@contextlib.contextmanager
def screen(display: str = ":97") -> Iterator[None]:
    """Run a virtual screen."""
    server = subprocess.Popen(
        ["Xvfb", display, "-screen", "0", "1280x720x24", "+extension", "GLX", "-noreset"],
        stderr=subprocess.DEVNULL,
    )
    os.environ.update(DISPLAY=display, SDL_VIDEODRIVER="x11")
    try:
        wait_until(lambda: Path(f"/tmp/.X11-unix/X{display[1:]}").exists())
        yield
    finally:
        server.terminate()
        server.wait()


def wait_until(condition: "object", seconds: float = 10.0) -> None:
    """Wait until a server has started."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        pause.wait(0.05)
    raise SystemExit("soundcheck: PulseAudio or Xvfb did not start")


class Player:
    """Plays to the null sink in real time: clicks about a second apart, or music."""

    def __init__(self, now, music: np.ndarray | None = None, seed: int = 1) -> None:
        import fcntl  # noqa: PLC0415 - Linux only, as the rest of this is

        self.clicks: list[float] = []
        self._now, self._music = now, music
        self._random = np.random.default_rng(seed)
        self._stop = threading.Event()
        self._pacat = subprocess.Popen(
            ["pacat", "--playback", f"--device={SINK}", "--format=float32le", f"--rate={RATE}",
             "--channels=1", "--latency-msec=10"],
            stdin=subprocess.PIPE,
        )  # fmt: skip
        fcntl.fcntl(self._pacat.stdin, 1031, 4096)  # F_SETPIPE_SZ: a full pipe adds latency
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)

    def start(self) -> "Player":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._pacat.kill()
        self._pacat.wait()

    def _play(self) -> None:
        begin, next_click = self._now(), 200
        for block in range(10**9):
            if self._stop.wait(max(0.0, begin + block / 100 - self._now())):
                return
            samples = np.zeros(BLOCK, np.float32)
            if self._music is not None:
                at = (block * BLOCK) % (len(self._music) - BLOCK)
                samples = self._music[at : at + BLOCK]
            elif block == next_click:
                samples = 0.9 * self._random.standard_normal(BLOCK).astype(np.float32).clip(-1, 1)
                self.clicks.append(self._now())
                next_click += int(self._random.integers(90, 130))
            self._pacat.stdin.write(samples.astype("<f4").tobytes())
            self._pacat.stdin.flush()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="of music, for the figures")
    parser.add_argument("--clicks", type=int, default=60, help="for the latency; 0 = none")
    parser.add_argument("--music", default="demo", help="a sound file")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--record", type=Path, metavar="OUT.mp4", help="record the music's show")
    parser.add_argument(
        "--beside-load", type=int, default=0, metavar="N", help="and again beside N busy processes"
    )
    return parser.parse_args()


def show_of(options: argparse.Namespace, seconds: float, preset: str, record: Path | None = None):
    from livebend.cli.live_options import LiveOptions  # noqa: PLC0415
    from livebend.cli.live_show import LiveShow  # noqa: PLC0415

    return LiveShow(
        LiveOptions(
            input="pulse", preset=preset, model=options.model, size=(options.size, options.size),
            steps=options.steps, seconds=seconds, osc="127.0.0.1:0", record=record,
        )
    )  # fmt: skip


def read_music(name: str) -> np.ndarray:
    """Return a sound file at the sink's rate, float32 [n]. Raises: LivebendError."""
    from livebend.audio.open_input import open_sound  # noqa: PLC0415

    sound = open_sound(name)
    tape = sound.tape()
    samples = tape.read(round((sound.seconds + 1) * tape.sample_rate)).mean(axis=0)
    at = np.arange(0, len(samples), tape.sample_rate / RATE)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def play_music(options: argparse.Namespace, music: np.ndarray) -> dict[str, object]:
    """Play a show to music; return its statistics."""
    from livebend.core.clock import now  # noqa: PLC0415

    player = Player(now, music).start()
    try:
        return show_of(options, options.minutes * 60, options.preset, options.record).play()
    finally:
        player.stop()


def measure_clicks(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Return the milliseconds from the writing of a click to the first changed picture on the
    display, and what they consist of."""
    from livebend.core.clock import now  # noqa: PLC0415

    (folder / "flash.toml").write_text(FLASH)
    show = show_of(options, options.clicks * 1.1 + 4, str(folder / "flash.toml"))
    seen: list[tuple[float, float]] = []
    counted = show.statistics.shown

    def shown(frame) -> None:
        counted(frame)
        seen.append((now(), float(frame.pixels.mean())))

    show.statistics.shown = shown
    player = Player(now).start()
    try:
        report = show.play()
    finally:
        player.stop()
    latencies = first_changes(player.clicks, seen)
    p50, p95 = np.percentile(latencies, (50, 95)) * 1e3
    return {
        "clicks_seen": len(latencies), "clicks": len(player.clicks),
        "click_to_picture_ms_p50": round(float(p50), 1),
        "click_to_picture_ms_p95": round(float(p95), 1),
        "hop_ms": round(256 / RATE * 1e3, 1),
        "frame_ms_p50": report["frame_ms"]["p50"], "refresh_ms": round(1e3 / 60, 1),
    }  # fmt: skip


def first_changes(clicks: list[float], seen: list[tuple[float, float]]) -> list[float]:
    """Return the seconds from each click to the first picture clearly brighter than the one before
    the click; clicks without one are left out."""
    found = []
    for click in clicks:
        before = [mean for moment, mean in seen if moment <= click]
        after = [(moment, mean) for moment, mean in seen if click < moment < click + 0.8]
        hit = next((m for m, mean in after if before and mean > before[-1] + 2.0), None)
        if hit is not None:
            found.append(hit - click)
    return found


def main() -> None:
    from livebend.cli.main import limit_spinning  # noqa: PLC0415
    from livebend.core.errors import LivebendError  # noqa: PLC0415

    options = parse()
    limit_spinning()
    try:
        measure(options)
    except LivebendError as why:
        sys.exit(f"soundcheck: {why}")


def measure(options: argparse.Namespace) -> None:
    """Measure and print the figures. Raises: LivebendError."""
    from livebend.cli.bench.busy import neighbours  # noqa: PLC0415

    music = read_music(options.music) if options.minutes else None
    with pulse(), screen(), tempfile.TemporaryDirectory() as folder:
        figures: dict[str, object] = {}
        if options.clicks:
            figures["latency"] = measure_clicks(options, Path(folder))
        if music is not None:
            figures["show"] = play_music(options, music)
            if options.beside_load:
                with neighbours(options.beside_load):
                    figures["beside_load"] = play_music(options, music)
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
