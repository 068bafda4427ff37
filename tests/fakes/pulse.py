"""A real PulseAudio of a test's own, with a microphone that hears a tone, and may be killed."""

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from tests.fakes.sound import sine

MICROPHONE = "livebend_test"
CONFIG = f"""
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name={MICROPHONE} rate=44100 channels=2
set-default-sink {MICROPHONE}
set-default-source {MICROPHONE}.monitor
"""


class Pulse:
    """The sound server, its one input, and a player that keeps it sounding."""

    def __init__(self) -> None:
        """Skips the test where it is not installed."""
        missing = [name for name in ("pulseaudio", "pacat", "pactl") if shutil.which(name) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
        self._folder = tempfile.TemporaryDirectory(prefix="lbp")  # a socket's name is short
        self._config = Path(self._folder.name, "pulse.pa")
        self._config.write_text(CONFIG)
        server = f"unix:{self._folder.name}/pulse/native"
        self.environment = {
            "XDG_RUNTIME_DIR": self._folder.name,
            "PULSE_SERVER": server,
            "PULSE_SOURCE": f"{MICROPHONE}.monitor",
        }
        self._tone = (32000 * sine(440.0, 1.0, 0.3)).astype("<i2").tobytes()
        self._server: subprocess.Popen[bytes] | None = None
        self._player: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        """Start the server and the player."""
        self._server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
             "-F", str(self._config)],
            env=self._environment, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(100):
            if self.control("info") == 0:
                break
            threading.Event().wait(0.1)
        self.play()

    def play(self) -> None:
        """Play a tone into the sink that the microphone hears."""
        self._mute()
        self._player = subprocess.Popen(
            ["pacat", "--playback", f"--device={MICROPHONE}", "--format=s16le", "--rate=44100",
             "--channels=1", "--latency-msec=20"],
            env=self._environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._feeder = threading.Thread(target=self._feed, args=(self._player,), daemon=True)
        self._feeder.start()

    def kill(self) -> None:
        """Kill the server, which takes the microphone with it."""
        self._mute()
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        for socket in Path(self._folder.name, "pulse").glob("*"):
            socket.unlink()

    def unplug(self) -> None:
        """Take the microphone away from the server that goes on."""
        self.control("unload-module", "module-null-sink")

    def plug(self) -> None:
        """Bring it back, sounding."""
        self.control(
            "load-module", "module-null-sink", f"sink_name={MICROPHONE}", "rate=44100", "channels=2"
        )
        self.control("set-default-source", f"{MICROPHONE}.monitor")
        self.play()

    def control(self, *words: str) -> int:
        """Run pactl; return its status."""
        done = subprocess.run(
            ["pactl", *words], env=self._environment, capture_output=True, check=False
        )
        return done.returncode

    def close(self) -> None:
        """End both."""
        self.kill()
        self._folder.cleanup()

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | self.environment

    def _feed(self, player: subprocess.Popen[bytes]) -> None:
        try:
            with player.stdin:
                while True:
                    player.stdin.write(self._tone)
        except OSError:
            return  # it has ended

    def _mute(self) -> None:
        """End the player."""
        player, self._player = self._player, None
        if player is not None:
            player.kill()
            player.wait()
            self._feeder.join()
