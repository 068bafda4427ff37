"""The command line: its options, and the file in this folder that does each command.

A command's file is imported only when it is run, so that `--help` and listings start at once.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from livebend import __version__
from livebend.cli.option_values import (
    count,
    count_or_auto,
    embedding,
    fade,
    lora,
    pair,
    part,
    real,
    size,
    sub_frames,
    whole,
)
from livebend.control.osc_endpoint import HOST, PORT
from livebend.core.errors import LONGEST, LivebendError, Refused
from livebend.outputs.codecs import CODECS, DEFAULT

PACKAGE = "livebend.cli"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    limit_spinning()
    _print_any_name()
    given = with_command(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser().parse_args(given)
        command = vars(options).pop("command")  # what is left are the command's own options
        if vars(options).pop("guard", False):
            from livebend.cli.guard import run  # noqa: PLC0415 - the show is another process's

            return run(options, given)
        if command == "render":
            repeat_sums()
        _load_own(options)
        status: int = import_module(f"{PACKAGE}.{command}").run(options)
    except LivebendError as error:
        print(f"livebend: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def with_command(given: Sequence[str]) -> list[str]:
    """Return a command line with the command that it leaves out, which is `live`."""
    own = given and (not given[0].startswith("-") or given[0] in ("-h", "--help", "--version"))
    return [*given] if own else ["live", *given]


def _print_any_name() -> None:
    """Have names of files that are not Unicode printed with backslashes instead of a fault."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def limit_spinning() -> None:
    """Set how long a waiting thread of torch spins before it sleeps; call it before torch loads.

    To sleep at once doubles the frame time on a quiet machine; to spin for long makes a frame take
    five times as long on a busy one.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "200000")


def repeat_sums() -> None:
    """Have MKL add up in the same order wherever a tensor lies in memory; call it before torch
    loads. So the same film is the same bytes, whoever paints it."""
    os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")


def _load_own(options: argparse.Namespace) -> None:
    """Load a performer's own operators, before anything reads a preset."""
    file = getattr(options, "operators", None)
    if file is not None:
        from livebend.operators.user_operators import load_operators  # noqa: PLC0415

        load_operators(file)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are a line like every other refusal, with the way to the help."""

    def error(self, message: str) -> NoReturn:
        line = message.partition("\n")[0]
        raise Refused(f"{line[: 2 * LONGEST]}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="livebend",
        description="A live visualizer: network bending of diffusion models, played by sound and"
        " by hand. Without a command it plays live.",
    )
    top.add_argument("--version", action="version", version=f"livebend {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name, file, doc, *add_options in COMMANDS:
        command = commands.add_parser(name, help=doc, description=doc)
        command.set_defaults(command=file)
        for add in add_options:
            add(command)
    return top


def _add_json(to: argparse.ArgumentParser) -> None:
    to.add_argument("--json", action="store_true", help="for machines")


def _add_folders(to: argparse.ArgumentParser) -> None:
    to.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="look here; default: .")


def _add_presets(to: argparse.ArgumentParser) -> None:
    to.add_argument("names", nargs="*", metavar="NAME", help="only these")
    to.add_argument("--sheet", type=Path, metavar="OUT.png", help="paint them")


def _add_pack(to: argparse.ArgumentParser) -> None:
    to.add_argument("output", type=Path, metavar="SHOW.zip")
    to.add_argument("names", nargs="*", metavar="NAME|FILE", help="these presets; all your own")
    to.add_argument(
        "--cues", action="append", type=Path, default=[], metavar="FILE",
        help="a cue file, with the presets it names; may be repeated",
    )  # fmt: skip


def _add_unpack(to: argparse.ArgumentParser) -> None:
    to.add_argument("file", type=Path, metavar="SHOW.zip")
    to.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="look here for weights; default: ."
    )


def _add_operators(to: argparse.ArgumentParser) -> None:
    to.add_argument("--image", type=Path, metavar="DIR", help="paint a strip of pictures of each")


def _add_layout(to: argparse.ArgumentParser) -> None:
    to.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.tosc|OUT.svg")
    to.add_argument("--preset", default="default", metavar="NAME|FILE", help="whose layout")


def _add_profiles(to: argparse.ArgumentParser) -> None:
    to.add_argument("device", nargs="?", metavar="NAME", help="only what is bound on this device")


def _add_markdown(to: argparse.ArgumentParser) -> None:
    to.add_argument("--markdown", action="store_true", help="as a table in Markdown")


def _add_preset(to: argparse.ArgumentParser) -> None:
    to.add_argument("--preset", default="default", metavar="NAME|FILE", help="what is played")


def _add_clusters(to: argparse.ArgumentParser) -> None:
    to.add_argument("--count", type=whole, default=6, metavar="K", help="at a site; 6")
    to.add_argument("-o", "--output", type=Path, metavar="FILE", help="not the cache")


def _add_bench(to: argparse.ArgumentParser) -> None:
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


def _add_tune(to: argparse.ArgumentParser) -> None:
    to.set_defaults(vae="auto")  # as live, for which it is tuned
    to.add_argument(
        "--backends", metavar="NAME,NAME",
        help="what is tried besides torch; default: all that is ready in seconds",
    )  # fmt: skip


def _add_network(to: argparse.ArgumentParser) -> None:
    """Add the options of every command that opens a network: see `rendering.open_network`."""
    _add_model(to)
    _add_size(to)
    _add_own(to)
    to.add_argument(
        "--backend", default="auto", metavar="auto|torch|openvino|graphs|compiled|onnx",
        help="what runs the network; auto = what livebend tune found, or the usual one",
    )  # fmt: skip
    _add_device(to)


def _add_own(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--operators", type=Path, metavar="MINE.py", help="add the operators of a Python file"
    )


def _add_device(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--device", default="auto", metavar="auto|cpu|gpu|npu|cuda|mps",
        help="where the network runs; gpu and npu are Intel's; livebend doctor lists them",
    )  # fmt: skip
    to.add_argument(
        "--dtype", default="auto", metavar="auto|float32|bfloat16|float16",
        help="precision of the network; auto = the fastest that paints the same picture",
    )  # fmt: skip


def _add_size(to: argparse.ArgumentParser) -> None:
    to.add_argument("--size", type=size, metavar="256|512x320", help="of the picture, in pixels")


def _add_logo(to: argparse.ArgumentParser) -> None:
    to.add_argument("--logo", type=Path, metavar="FILE", help="lies over the picture: output.logo")


def _add_masks(to: argparse.ArgumentParser) -> None:
    to.add_argument("--masks", type=Path, metavar="DIR", help="a folder of drawn masks, NAME.png")


def _add_model(to: argparse.ArgumentParser) -> None:
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


def _add_picture(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--picture", metavar="FILE|camera[:NAME]|screen|ndi[:NAME]|echo",
        help="paint over a picture, a film, a camera, a stream of NDI, Spout or Syphon, or the last"
        " frame: see picture.strength",
    )  # fmt: skip
    to.add_argument(
        "--encoder", default="vae", metavar="vae|own",
        help="of pictures: that beside the decoder in use, or the model's own",
    )  # fmt: skip


def _add_scene(to: argparse.ArgumentParser) -> None:
    _add_network(to)
    _add_picture(to)
    to.add_argument("--steps", type=whole, metavar="N", help="network calls per frame")
    to.add_argument("--seed", type=whole, metavar="N", help="of the noise")
    to.add_argument(
        "--set", action="append", type=pair, default=[], metavar="path=value", dest="sets",
        help="set a parameter, such as walk.radius=0.5; may be repeated",
    )  # fmt: skip
    _add_masks(to)


def _add_played(to: argparse.ArgumentParser) -> None:
    _add_preset(to)
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
    _add_scene(to)


def _add_live(to: argparse.ArgumentParser) -> None:
    _add_played(to)
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
    _add_logo(to)
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


def _add_check(to: argparse.ArgumentParser) -> None:
    to.add_argument("--hours", type=real, default=2.0, metavar="N", help="of recording; 2")


def _add_render(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "sounds", nargs="+", metavar="SOUND",
        help="a sound file, or demo; several, or a folder of them: a film of each",
    )  # fmt: skip
    to.add_argument(
        "-o", "--output", type=Path, metavar="OUT.mp4", help="the video; of several, their folder"
    )
    to.add_argument("--variations", type=count, metavar="N", help="N films, each from another seed")
    to.add_argument("--frames", type=Path, metavar="DIR", help="write every frame as a PNG, too")
    _add_played(to)
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


def _add_codecs(to: argparse.ArgumentParser) -> None:
    to.add_argument("--time", action="store_true", help="and what a picture costs here")


def _add_sweep(to: argparse.ArgumentParser) -> None:
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
    _add_scene(to)


# Name, file, what it does, and what adds its options.
COMMANDS: tuple[Any, ...] = (
    ("live", "live", "play live, in a window", _add_live),
    ("check", "check", "say whether a show with the same options can begin, in half a minute",
     _add_live, _add_check),
    ("render", "render", "render a sound file into a video", _add_render),
    ("sweep", "sweep", "paint a sheet of two parameters' values", _add_sweep),
    ("presets", "preset_listing", "list the presets",
     _add_json, _add_network, _add_presets, _add_masks),
    ("models", "model_listing", "list the models that are here, and whether they play",
     _add_json, _add_folders),
    ("prompts", "prompt_listing", "list what the model can paint", _add_json, _add_model),
    ("sources", "source_listing", "list what a route can listen to", _add_json, _add_markdown),
    ("parameters", "parameter_listing", "list all that can be played or watched, by its path",
     _add_json, _add_markdown, _add_preset),
    ("limits", "limit_listing", "list the most of what may come in", _add_json, _add_markdown),
    ("operators", "operator_listing", "list the operators and their parameters",
     _add_json, _add_network, _add_markdown, _add_operators),
    ("sites", "site_survey", "list the places where a network can be bent",
     _add_json, _add_network),
    ("clusters", "find_clusters", "find the channels of a model that draw alike",
     _add_json, _add_model, _add_size, _add_clusters),
    ("codecs", "codec_listing", "list the kinds of films, and which can be made here",
     _add_json, _add_markdown, _add_codecs),
    ("devices", "device_listing", "list the sound inputs", _add_json),
    ("midi", "midi_listing", "list the MIDI devices, and what their controls do",
     _add_json, _add_profiles),
    ("pack", "pack", "put a show in one file, without weights: presets, masks, MIDI, cues",
     _add_json, _add_model, _add_own, _add_masks, _add_pack),
    ("unpack", "unpack", "take up such a file, and say what is missing here",
     _add_json, _add_own, _add_unpack),
    ("touchosc", "touchosc", "write a layout for TouchOSC, or draw it", _add_layout),
    ("bench", "bench.command", "time frames by what changed in them",
     _add_json, _add_network, _add_bench),
    ("tune", "tune", "measure the backends here and keep the fastest",
     _add_json, _add_model, _add_size, _add_device, _add_tune),
    ("doctor", "doctor", "say what is here, and what to do about what is not", _add_json),
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
