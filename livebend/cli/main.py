"""The command line: its options, and the file in this folder that does each command.

A command's file is imported only when it is run, so that `--help` and listings start at once.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from livebend import __version__
from livebend.cli.shared_arguments import (
    add_device,
    add_json,
    add_markdown,
    add_masks,
    add_model,
    add_network,
    add_own,
    add_preset,
    add_size,
)
from livebend.cli.show_arguments import add_check, add_live, add_render
from livebend.cli.tool_arguments import (
    add_bench,
    add_clusters,
    add_codecs,
    add_folders,
    add_layout,
    add_operators,
    add_pack,
    add_presets,
    add_profiles,
    add_sweep,
    add_tune,
    add_unpack,
)
from livebend.core.errors import LONGEST, LivebendError, Refused

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


# Name, file, what it does, and what adds its options.
COMMANDS: tuple[Any, ...] = (
    ("live", "live", "play live, in a window", add_live),
    ("check", "check", "say whether a show with the same options can begin, in half a minute",
     add_live, add_check),
    ("render", "render", "render a sound file into a video", add_render),
    ("sweep", "sweep", "paint a sheet of two parameters' values", add_sweep),
    ("presets", "preset_listing", "list the presets",
     add_json, add_network, add_presets, add_masks),
    ("models", "model_listing", "list the models that are here, and whether they play",
     add_json, add_folders),
    ("prompts", "prompt_listing", "list what the model can paint", add_json, add_model),
    ("sources", "source_listing", "list what a route can listen to", add_json, add_markdown),
    ("parameters", "parameter_listing", "list all that can be played or watched, by its path",
     add_json, add_markdown, add_preset),
    ("limits", "limit_listing", "list the most of what may come in", add_json, add_markdown),
    ("operators", "operator_listing", "list the operators and their parameters",
     add_json, add_network, add_markdown, add_operators),
    ("sites", "site_survey", "list the places where a network can be bent",
     add_json, add_network),
    ("clusters", "find_clusters", "find the channels of a model that draw alike",
     add_json, add_model, add_size, add_clusters),
    ("codecs", "codec_listing", "list the kinds of films, and which can be made here",
     add_json, add_markdown, add_codecs),
    ("devices", "device_listing", "list the sound inputs", add_json),
    ("midi", "midi_listing", "list the MIDI devices, and what their controls do",
     add_json, add_profiles),
    ("pack", "pack", "put a show in one file, without weights: presets, masks, MIDI, cues",
     add_json, add_model, add_own, add_masks, add_pack),
    ("unpack", "unpack", "take up such a file, and say what is missing here",
     add_json, add_own, add_unpack),
    ("touchosc", "touchosc", "write a layout for TouchOSC, or draw it", add_layout),
    ("bench", "bench.command", "time frames by what changed in them",
     add_json, add_network, add_bench),
    ("tune", "tune", "measure the backends here and keep the fastest",
     add_json, add_model, add_size, add_device, add_tune),
    ("doctor", "doctor.command", "say what is here, and what to do about what is not", add_json),
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
