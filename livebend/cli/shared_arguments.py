"""Arguments that several commands have: of the network, its size and device, and of the scene."""

import argparse
from pathlib import Path

from livebend.cli.option_values import embedding, lora, pair, size, whole


def add_json(to: argparse.ArgumentParser) -> None:
    """Have it printed for machines."""
    to.add_argument("--json", action="store_true", help="for machines")


def add_markdown(to: argparse.ArgumentParser) -> None:
    """Have it printed as a table in Markdown."""
    to.add_argument("--markdown", action="store_true", help="as a table in Markdown")


def add_preset(to: argparse.ArgumentParser) -> None:
    """Add the preset that is played."""
    to.add_argument("--preset", default="default", metavar="NAME|FILE", help="what is played")


def add_network(to: argparse.ArgumentParser) -> None:
    """Add the options of every command that opens a network: see `rendering.open_network`."""
    add_model(to)
    add_size(to)
    add_own(to)
    to.add_argument(
        "--backend", default="auto", metavar="auto|torch|openvino|graphs|compiled|onnx",
        help="what runs the network; auto = what livebend tune found, or the usual one",
    )  # fmt: skip
    add_device(to)


def add_model(to: argparse.ArgumentParser) -> None:
    """Add which model is opened, and what is put on it."""
    to.add_argument(
        "--model", metavar="tiny|FOLDER|FILE|HUB ID", help="default: the best that is here"
    )
    to.add_argument(
        "--family", default="", metavar="NAME", help="of a single file, where it cannot be told"
    )
    to.add_argument(
        "--vae", default="own", metavar="own|taesd|FOLDER|FILE|HUB ID",
        help="the decoder; auto = taesd instead of a full one, where it can be had, as live does",
    )  # fmt: skip
    to.add_argument(
        "--lora", action="append", type=lora, default=[], metavar="FILE[=STRENGTH]", dest="loras",
        help="play a LoRA; its strength is lora.NAME.strength; may be repeated",
    )  # fmt: skip
    to.add_argument(
        "--embedding", action="append", type=embedding, default=[], metavar="FILE[=NAME]",
        dest="embeddings", help="a textual inversion, <NAME> in a prompt; may be repeated",
    )  # fmt: skip


def add_size(to: argparse.ArgumentParser) -> None:
    """Add the size of the picture."""
    to.add_argument("--size", type=size, metavar="256|512x320", help="of the picture, in pixels")


def add_device(to: argparse.ArgumentParser) -> None:
    """Add where the network runs, and how precisely."""
    to.add_argument(
        "--device", default="auto", metavar="auto|cpu|gpu|npu|cuda|mps",
        help="where the network runs; gpu and npu are Intel's; livebend doctor lists them",
    )  # fmt: skip
    to.add_argument(
        "--dtype", default="auto", metavar="auto|float32|bfloat16|float16",
        help="precision of the network; auto = the fastest that paints the same picture",
    )  # fmt: skip


def add_own(to: argparse.ArgumentParser) -> None:
    """Add a performer's own operators."""
    to.add_argument(
        "--operators", type=Path, metavar="MINE.py", help="add the operators of a Python file"
    )


def add_masks(to: argparse.ArgumentParser) -> None:
    """Add the folder of drawn masks."""
    to.add_argument("--masks", type=Path, metavar="DIR", help="a folder of drawn masks, NAME.png")


def add_picture(to: argparse.ArgumentParser) -> None:
    """Add what painting begins at."""
    to.add_argument(
        "--picture", metavar="FILE|camera[:NAME]|screen|ndi[:NAME]|echo",
        help="paint over a picture, a film, a camera, a stream of NDI, Spout or Syphon, or the last"
        " frame: see picture.strength",
    )  # fmt: skip
    to.add_argument(
        "--encoder", default="vae", metavar="vae|own",
        help="of pictures: that beside the decoder in use, or the model's own",
    )  # fmt: skip


def add_scene(to: argparse.ArgumentParser) -> None:
    """Add which scene is painted, by which network."""
    add_network(to)
    add_picture(to)
    to.add_argument("--steps", type=whole, metavar="N", help="network calls per frame")
    to.add_argument("--seed", type=whole, metavar="N", help="of the noise")
    to.add_argument(
        "--set", action="append", type=pair, default=[], metavar="path=value", dest="sets",
        help="set a parameter, such as walk.radius=0.5; may be repeated",
    )  # fmt: skip
    add_masks(to)
