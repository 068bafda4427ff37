"""Arguments of a show: what `live`, `check` and `render` share, and what each has of its own."""

import argparse
from pathlib import Path

from livebend.cli.option_values import count, count_or_auto, fade, part, real, size, sub_frames
from livebend.cli.shared_arguments import add_preset, add_scene
from livebend.control.osc_endpoint import HOST, PORT
from livebend.outputs.codecs import CODECS, DEFAULT


def add_played(to: argparse.ArgumentParser) -> None:
    """Add how a scene is played in time."""
    add_preset(to)
    to.add_argument("--cues", type=Path, metavar="FILE", help="play the commands of a cue file")
    to.add_argument(
        "--fade", action="append", type=fade, default=[], metavar="S", dest="sets",
        help="seconds from one preset to the next, as --set preset.fade",
    )  # fmt: skip
    to.add_argument(
        "--no-strobe-limit", action="store_false", dest="strobe_limit",
        help="let the picture flash more than three times a second, which can make people ill",
    )  # fmt: skip
    to.add_argument(
        "--codec", default=DEFAULT, metavar="NAME",
        help=f"of the film: {', '.join(CODECS)}; livebend codecs lists what is here",
    )  # fmt: skip
    to.add_argument("--record-size", type=size, metavar="1920x1080", help="of the film")
    add_scene(to)


def add_live(to: argparse.ArgumentParser) -> None:
    """Add what only a live show has."""
    add_played(to)
    to.set_defaults(vae="auto")
    to.add_argument(
        "--input", default="demo", metavar="demo|loopback|FILE|DEVICE[:CHANNELS]", help="the sound"
    )
    to.add_argument("--aloud", action="store_true", help="play the demo or the file aloud, too")
    to.add_argument("--fps", type=real, default=60.0, metavar="N", help="at most so many frames/s")
    to.add_argument(
        "--target-ms", type=real, metavar="N",
        help="hold 95 of 100 frames under N ms: tween, deep refresh, fewer steps, no guidance",
    )  # fmt: skip
    to.add_argument("--headless", action="store_true", help="without a window")
    to.add_argument("--logo", type=Path, metavar="FILE", help="lies over the picture: output.logo")
    to.add_argument("--fullscreen", action="store_true", help="start in full screen")
    to.add_argument(
        "--display", default="-1", metavar="NAME|INDEX",
        help="of the picture; 0 = the first, -1 = the last; livebend doctor lists them",
    )  # fmt: skip
    to.add_argument(
        "--stream", action="append", default=[], dest="streams",
        metavar="ndi|virtual_camera|spout|syphon",
        help="send the picture to other programs, too; may be repeated",
    )  # fmt: skip
    to.add_argument("--stream-size", type=size, metavar="1920x1080", help="of what is sent")
    to.add_argument("--seconds", type=real, metavar="S", help="end after so long")
    to.add_argument("--record", type=Path, metavar="OUT.mp4", help="record picture and sound")
    to.add_argument("--record-cues", type=Path, metavar="FILE", help="write down what is played")
    to.add_argument("--osc", default=f"{HOST}:{PORT}", metavar="HOST:PORT", help="where to listen")
    to.add_argument(
        "--osc-allow", action="append", default=[], metavar="ADDRESS|NETWORK",
        help="listen to these senders only, such as 192.168.1.0/24; may be repeated",
    )  # fmt: skip
    to.add_argument(
        "--lan", action="store_true",
        help="be found and played in the network, by those in --osc-allow",
    )  # fmt: skip
    to.add_argument(
        "--remote", default="auto", choices=("auto", "off"),
        help="answer OSCQuery at OSC's port number, by TCP",
    )  # fmt: skip
    to.add_argument(
        "--midi", default="auto", metavar="auto|off|NAME",
        help="play every MIDI device, none, or those with a name like this",
    )  # fmt: skip
    to.add_argument("--link", action="store_true", help="follow an Ableton Link session")
    _add_rig(to)
    to.add_argument(
        "--guard", action="store_true", help="start the show again where it crashes or hangs"
    )
    to.add_argument(
        "--resume", nargs="?", const="", metavar="FILE",
        help="begin with the scene of the last show, or that of a file, instead of the preset's",
    )  # fmt: skip
    to.add_argument("--guarded-by", help=argparse.SUPPRESS)
    to.add_argument("--stats", type=Path, metavar="STATS.json", help="write figures at the end")


def _add_rig(to: argparse.ArgumentParser) -> None:
    """Add what a show has to do with others."""
    to.add_argument(
        "--lead", nargs="?", const="", metavar="PORT",
        help="let other shows follow this one, at this port or HOST:PORT; 8100",
    )  # fmt: skip
    to.add_argument("--follow", metavar="HOST[:PORT]", help="play what another show plays")
    to.add_argument(
        "--key", type=Path, metavar="FILE",
        help="of those who lead and follow; the leader makes it. Or in LIVEBEND_KEY",
    )  # fmt: skip
    to.add_argument(
        "--part", type=part, default=(0, 1), metavar="1/3",
        help="show a part of the picture, counted from the left",
    )  # fmt: skip


def add_check(to: argparse.ArgumentParser) -> None:
    """Add what is checked beside a show's options."""
    to.add_argument("--hours", type=real, default=2.0, metavar="N", help="of recording; 2")


def add_render(to: argparse.ArgumentParser) -> None:
    """Add the sounds, the films, and how they are painted."""
    to.add_argument(
        "sounds", nargs="+", metavar="SOUND",
        help="a sound file, or demo; several, or a folder of them: a film of each",
    )  # fmt: skip
    to.add_argument(
        "-o", "--output", type=Path, metavar="OUT.mp4", help="the video; of several, their folder"
    )
    to.add_argument("--variations", type=count, metavar="N", help="N films, each from another seed")
    to.add_argument("--frames", type=Path, metavar="DIR", help="write every frame as a PNG, too")
    add_played(to)
    to.add_argument("--fps", type=real, default=20.0, metavar="N", help="frames per second")
    to.add_argument("--seconds", type=real, metavar="S", help="only the first S seconds")
    to.add_argument(
        "--workers", type=count_or_auto, metavar="N|auto",
        help="paint in N processes at once, auto = one a core; the film is the same",
    )  # fmt: skip
    to.add_argument(
        "--ray", metavar="HOST:PORT|auto|local", help="paint by workers of a Ray cluster"
    )
    to.add_argument(
        "--threads", type=count, metavar="N",
        help="that compute in each process; the film hangs on them",
    )  # fmt: skip
    to.add_argument(
        "--blur", type=sub_frames, default=1, metavar="N",
        help="paint N pictures for each frame and average them: motion blur, N times the work",
    )  # fmt: skip
    to.add_argument(
        "--look-ahead", action="store_true",
        help="hear the whole song first: beats and loudness are exact from its first bar on",
    )  # fmt: skip
    to.add_argument(
        "--anew", action="store_true", help="do not go on with what was finished before"
    )
