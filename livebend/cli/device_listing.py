"""`livebend devices`: list the sound inputs."""

import argparse
from dataclasses import asdict

from livebend.audio.portaudio import list_devices
from livebend.cli.printing import print_rows


def run(options: argparse.Namespace) -> int:
    """List every device that can be listened to."""
    print_rows([asdict(device) for device in list_devices()], as_json=options.json)
    return 0
