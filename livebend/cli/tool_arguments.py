"""Arguments of the other commands: the listings, packs, sheets, measuring and tuning."""

import argparse
from pathlib import Path

from livebend.cli.option_values import count, whole
from livebend.cli.shared_arguments import add_scene


def add_folders(to: argparse.ArgumentParser) -> None:
    """Add where models are looked for."""
    to.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="look here; default: .")


def add_presets(to: argparse.ArgumentParser) -> None:
    """Add which presets are listed."""
    to.add_argument("names", nargs="*", metavar="NAME", help="only these")
    to.add_argument("--sheet", type=Path, metavar="OUT.png", help="paint them")


def add_pack(to: argparse.ArgumentParser) -> None:
    """Add what goes into a pack."""
    to.add_argument("output", type=Path, metavar="SHOW.zip")
    to.add_argument("names", nargs="*", metavar="NAME|FILE", help="these presets; all your own")
    to.add_argument(
        "--cues", action="append", type=Path, default=[], metavar="FILE",
        help="a cue file, with the presets it names; may be repeated",
    )  # fmt: skip


def add_unpack(to: argparse.ArgumentParser) -> None:
    """Add which pack, and where weights are."""
    to.add_argument("file", type=Path, metavar="SHOW.zip")
    to.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="look here for weights; default: ."
    )


def add_operators(to: argparse.ArgumentParser) -> None:
    """Add pictures of operators."""
    to.add_argument("--image", type=Path, metavar="DIR", help="paint a strip of pictures of each")


def add_layout(to: argparse.ArgumentParser) -> None:
    """Add the layout's file."""
    to.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.tosc|OUT.svg")
    to.add_argument("--preset", default="default", metavar="NAME|FILE", help="whose layout")


def add_profiles(to: argparse.ArgumentParser) -> None:
    """Add which device's controls are listed."""
    to.add_argument("device", nargs="?", metavar="NAME", help="only what is bound on this device")


def add_clusters(to: argparse.ArgumentParser) -> None:
    """Add how many clusters, and where they are kept."""
    to.add_argument("--count", type=whole, default=6, metavar="K", help="at a site; 6")
    to.add_argument("-o", "--output", type=Path, metavar="FILE", help="not the cache")


def add_bench(to: argparse.ArgumentParser) -> None:
    """Add what is measured."""
    to.add_argument("--steps", type=whole, default=1, metavar="N", help="network calls")
    to.add_argument("--frames", type=whole, default=40, metavar="N", help="of each kind")
    to.add_argument("--beside", action="store_true", help="and what others would run")
    to.add_argument(
        "--beside-load",
        type=whole,
        default=0,
        metavar="N",
        help="and a frame beside N busy processes",
    )
    to.add_argument("--stages", action="store_true", help="and every stage alone")
    to.add_argument("--start", action="store_true", help="only: phases of a start")
    to.add_argument(
        "--wall", type=whole, nargs="?", const=60, metavar="N",
        help="time N drawings of each kind of output processing at 1080p",
    )  # fmt: skip
    to.add_argument(
        "--hands", type=whole, nargs="?", const=200, metavar="N",
        help="only: from a message to the picture that shows it, N times by OSC and by MIDI",
    )  # fmt: skip
    to.add_argument(
        "--farm", type=count, nargs="?", const=2, metavar="N",
        help="only: frames/s of 1, 2, 4 … N workers beside one process, then of simulated ones",
    )  # fmt: skip


def add_tune(to: argparse.ArgumentParser) -> None:
    """Add which backends are tried."""
    to.set_defaults(vae="auto")  # as live, for which it is tuned
    to.add_argument(
        "--backends", metavar="NAME,NAME",
        help="what is tried besides torch; default: all that is ready in seconds",
    )  # fmt: skip


def add_codecs(to: argparse.ArgumentParser) -> None:
    """Add the time that a picture takes."""
    to.add_argument("--time", action="store_true", help="and what a picture costs here")


def add_sweep(to: argparse.ArgumentParser) -> None:
    """Add the sheet, its preset and its two axes."""
    values = "path=1,2,3 or path=0..360/9"
    to.add_argument(
        "preset", nargs="?", metavar="PRESET", help="name or file of what is varied; none = plain"
    )
    to.add_argument("-o", "--output", type=Path, required=True, metavar="SHEET.png")
    to.add_argument("--rows", default="", metavar="path=values", help=f"{values}, down")
    to.add_argument("--columns", default="", metavar="path=values", help=f"{values}, across")
    to.add_argument(
        "--bend", default="", metavar="OPERATOR@SITE", help="add a bend, called new, to vary"
    )
    add_scene(to)
