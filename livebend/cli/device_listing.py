"""`livebend devices`: list the sound inputs."""

import argparse

from livebend.audio.portaudio import list_devices
from livebend.cli.printing import print_rows


def run(options: argparse.Namespace) -> int:
    """List every device that can be listened to."""
    print_rows([device.as_dict() for device in list_devices()], as_json=options.json)
    return 0
