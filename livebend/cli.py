"""The command line. What is heavy is imported by the command that needs it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livebend import __version__
from livebend.errors import LivebendError

DEMO_FILE = "livebend-demo.mp4"
DEMO_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    # How long a waiting thread of the network spins before it sleeps: sleeping at once doubles
    # the frame on a quiet machine, spinning on costs five times the frame on a busy one.
    os.environ.setdefault("GOMP_SPINCOUNT", "200000")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "live")
    wishes = parser().parse_args(given)
    try:
        _load_own(wishes)
        status: int = wishes.command(wishes)
    except LivebendError as error:
        print(f"livebend: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _load_own(wishes: argparse.Namespace) -> None:
    """Load a performer's own operators before anything reads a preset."""
    file = vars(wishes).pop("operators", None)
    if file is not None:
        from livebend.operators.own import load_operators  # noqa: PLC0415

        load_operators(file)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="livebend",
        description="A live visualizer: network bending of diffusion models, played by sound and"
        " by hand. Without a command it plays live.",
    )
    top.add_argument("--version", action="version", version=f"livebend {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _add_live(_command(commands, "live", "play live, in a window", _live))
    _add_render(_command(commands, "render", "render a sound file into a video", _render))
    _add_sweep(_command(commands, "sweep", "paint a sheet of two parameters' values", _sweep))
    for name, doc, action in (
        ("presets", "list the presets", _presets),
        ("prompts", "list what the model knows to paint", _prompts),
        ("operators", "list the operators and their parameters", _operators),
        ("sites", "list the places where a network can be bent", _sites),
        ("clusters", "find the channels of a model that draw alike", _clusters),
        ("devices", "list the sound inputs", _devices),
        ("bench", "time frames by what changed in them", _bench),
        ("tune", "measure the backends here and keep the fastest", _tune),
        ("doctor", "say what is here, and what to do about what is not", _doctor),
    ):
        made = _command(commands, name, doc, action)
        made.add_argument("--json", action="store_true", help="for machines")
        if name in ("sites", "clusters", "bench", "tune", "presets", "prompts", "operators"):
            _add_model(made)
        if name in ("clusters", "bench", "tune", "presets", "operators"):
            made.add_argument("--size", type=_size, metavar="256|512x320", help="of the picture")
        if name == "clusters":
            made.add_argument("--count", type=int, default=6, metavar="K", help="at a site; 6")
            made.add_argument("-o", "--output", type=Path, metavar="FILE", help="not the cache")
        if name == "tune":
            made.add_argument(
                "--backends", default="torch,compiled,onnx", metavar="NAME,NAME",
                help="what is measured; compiling takes minutes",
            )  # fmt: skip
        if name == "presets":
            made.add_argument("--sheet", type=Path, metavar="OUT.png", help="paint them all")
        if name == "operators":
            made.add_argument("--markdown", action="store_true", help="as the README's table")
            made.add_argument(
                "--image", type=Path, metavar="DIR", help="paint a strip of pictures of each"
            )
        if name in ("operators", "bench", "presets"):
            _add_own(made)
        if name == "bench":
            made.add_argument("--steps", type=int, default=1, metavar="N", help="network calls")
            _add_backend(made, "torch")
            made.add_argument("--beside", action="store_true", help="and what others would run")
            made.add_argument("--stages", action="store_true", help="and every stage alone")
    return top


def _command(
    commands: Any, name: str, doc: str, action: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=doc, description=doc)
    made.set_defaults(command=action)
    return made


def _add_backend(to: argparse.ArgumentParser, default: str) -> None:
    to.add_argument(
        "--backend", default=default, metavar="torch|compiled|onnx|auto",
        help=f"what runs the network; auto = as livebend tune found; default: {default}",
    )  # fmt: skip


def _add_model(to: argparse.ArgumentParser) -> None:
    to.add_argument("--model", metavar="tiny|FOLDER|HUB ID", help="default: the best that is here")


def _add_own(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--operators", type=Path, metavar="MINE.py", help="add the operators of a Python file"
    )


def _add_scene(to: argparse.ArgumentParser) -> None:
    _add_model(to)
    _add_own(to)
    to.add_argument("--size", type=_size, metavar="256|512x320", help="of the picture, in pixels")
    to.add_argument("--steps", type=int, metavar="N", help="network calls per frame")
    to.add_argument("--seed", type=int, metavar="N", help="of the noise")
    to.add_argument(
        "--set", action="append", type=_pair, default=[], metavar="path=value", dest="sets",
        help="set a parameter, such as walk.radius=0.5; may be repeated",
    )  # fmt: skip
    to.add_argument("--masks", type=Path, metavar="DIR", help="a folder of drawn masks, NAME.png")


def _add_played(to: argparse.ArgumentParser) -> None:
    to.add_argument("--preset", default="default", metavar="NAME|FILE", help="what is played")
    to.add_argument("--cues", type=Path, metavar="FILE", help="play the commands of a cue file")
    to.add_argument(
        "--fade", action="append", type=_fade, default=[], metavar="S", dest="sets",
        help="seconds from one preset to the next, as --set preset.fade",
    )  # fmt: skip
    _add_scene(to)


def _add_live(to: argparse.ArgumentParser) -> None:
    _add_played(to)
    _add_backend(to, "auto")
    to.add_argument(
        "--input", default="demo", metavar="demo|loopback|FILE|DEVICE NAME", help="the sound"
    )
    to.add_argument("--aloud", action="store_true", help="play the demo or the file aloud, too")
    to.add_argument("--fps", type=float, default=60.0, metavar="N", help="at most so many frames/s")
    to.add_argument(
        "--target-ms", type=float, metavar="N",
        help="hold 95 of 100 frames under N ms, by fewer steps where the scene has several",
    )  # fmt: skip
    to.add_argument("--headless", action="store_true", help="without a window")
    to.add_argument("--fullscreen", action="store_true", help="start in full screen")
    to.add_argument(
        "--display", type=int, default=-1, metavar="N", help="of the picture; 0 = first"
    )
    to.add_argument("--seconds", type=float, metavar="S", help="end after so long")
    to.add_argument("--record", type=Path, metavar="OUT.mp4", help="record picture and sound")
    to.add_argument("--record-cues", type=Path, metavar="FILE", help="write down what is played")
    to.add_argument("--osc", default="127.0.0.1:8000", metavar="HOST:PORT", help="where to listen")
    to.add_argument("--stats", type=Path, metavar="STATS.json", help="write figures at the end")


def _add_render(to: argparse.ArgumentParser) -> None:
    to.add_argument("sound", metavar="SOUND", help="a sound file, or demo")
    to.add_argument("-o", "--output", type=Path, metavar="OUT.mp4", help="the video")
    to.add_argument("--frames", type=Path, metavar="DIR", help="write every frame as a PNG, too")
    _add_played(to)
    _add_backend(to, "torch")
    to.add_argument("--fps", type=float, default=20.0, metavar="N", help="frames per second")
    to.add_argument("--seconds", type=float, metavar="S", help="only the first S seconds")


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


# ---- values ----------------------------------------------------------------------------------


def _size(text: str) -> tuple[int, int]:
    """Read 256 or 512x320."""
    width, x, height = text.partition("x")
    if not width.isdecimal() or (x and not height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 256 or 512x320")
    return int(width), int(height if x else width)


def _pair(text: str) -> tuple[str, object]:
    """Read path=value; a value that reads as a number is one."""
    path, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected path=value")
    if value in ("true", "false"):
        return path, value == "true"
    try:
        return path, float(value)
    except ValueError:
        return path, value


def _fade(text: str) -> tuple[str, object]:
    return _pair(f"preset.fade={text}")


def _positive(wishes: argparse.Namespace) -> None:
    for name in ("fps", "seconds", "target_ms"):
        value = getattr(wishes, name, None)
        if value is not None and not 0.0 < value < 1e6:
            raise LivebendError(f"--{name.replace('_', '-')} {value:g}: expected a number above 0")


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform.startswith("linux"):
        return bool(
            os.environ.get("DISPLAY")
            or os.environ.get("WAYLAND_DISPLAY")
            or os.environ.get("SDL_VIDEODRIVER")
        )
    return True


# ---- commands --------------------------------------------------------------------------------


def _live(wishes: argparse.Namespace) -> int:
    _positive(wishes)
    if not wishes.headless and not has_display():
        _go_headless(wishes)
    from livebend.live import Wishes, play  # noqa: PLC0415
    from livebend.models.choice import chosen_model  # noqa: PLC0415

    fields = {name: value for name, value in vars(wishes).items() if name != "command"}
    fields["model"] = chosen_model(wishes.model)
    report = play(Wishes(**fields))
    frame = report["frame_ms"]
    print(
        f"{report['frames_generated']} frames, {report['fps']:.1f} a second;"
        f" a frame took {frame['p50']:.1f} ms (p95 {frame['p95']:.1f}, p99 {frame['p99']:.1f})"
    )
    if wishes.record is not None:
        print(f"recorded {wishes.record}")
    return 0


def _go_headless(wishes: argparse.Namespace) -> None:
    """Without a display a plain start still shows something: ten seconds in a file."""
    wishes.headless = True
    wishes.seconds = wishes.seconds or DEMO_SECONDS
    wishes.record = wishes.record or Path(DEMO_FILE)
    print(f"no display: {wishes.seconds:g} s go into {wishes.record} (--headless says it aloud)")


def _render(wishes: argparse.Namespace) -> int:
    _positive(wishes)
    if wishes.output is None and wishes.frames is None:
        raise LivebendError("render: expected -o OUT.mp4 or --frames DIR")
    from livebend.models.choice import chosen_model  # noqa: PLC0415
    from livebend.offline import Job, render  # noqa: PLC0415

    fields = {name: value for name, value in vars(wishes).items() if name != "command"}
    fields["model"] = chosen_model(wishes.model)
    fields["sets"] = tuple(wishes.sets)
    frames = render(Job(**fields), tell=_tell)
    print(f"{frames} frames in {wishes.output or wishes.frames}")
    return 0


def _sweep(wishes: argparse.Namespace) -> int:
    from livebend.models.choice import chosen_model  # noqa: PLC0415
    from livebend.sweep import Sweep, sweep  # noqa: PLC0415

    pictures = sweep(
        Sweep(
            wishes.preset,
            wishes.output,
            wishes.rows,
            wishes.columns,
            chosen_model(wishes.model),
            wishes.size,
            wishes.steps,
            wishes.seed,
            tuple(wishes.sets),
            wishes.masks,
            wishes.bend,
        )
    )
    print(f"{pictures} pictures in {wishes.output}")
    return 0


def _tell(text: str) -> None:
    print(f"livebend: {text}", file=sys.stderr)


def _presets(wishes: argparse.Namespace) -> int:
    from livebend.presets import list_presets  # noqa: PLC0415

    found = list_presets()
    if wishes.sheet is not None:
        from livebend.contact import contact  # noqa: PLC0415
        from livebend.models.choice import chosen_model  # noqa: PLC0415

        names = [p.name for p in found if "/" not in p.name]
        pictures = contact(wishes.sheet, names, chosen_model(wishes.model), wishes.size)
        print(f"{pictures} pictures in {wishes.sheet}")
        return 0
    rows = [
        {
            "name": p.name,
            "title": p.title,
            "reruns": f"{p.share:.0%}".replace("%", " %"),
            "about": p.about,
        }
        for p in found
    ]
    _print(rows, wishes.json)
    return 0


def _prompts(wishes: argparse.Namespace) -> int:
    from livebend.models import find_folder  # noqa: PLC0415
    from livebend.models.choice import chosen_model  # noqa: PLC0415
    from livebend.models.vocabulary import load_vocabulary  # noqa: PLC0415

    model = chosen_model(wishes.model)
    known = load_vocabulary(find_folder(model))
    if known is None:
        _print([{"kind": "prompts", "words": f"{model} understands any text"}], wishes.json)
        return 0
    rows = [{"kind": "prompts", "words": ", ".join(known.prompts)}]
    rows += [{"kind": kind, "words": ", ".join(names)} for kind, names in known.kinds.items()]
    _print(rows, wishes.json)
    return 0


def _operators(wishes: argparse.Namespace) -> int:
    from livebend.listing import operator_rows, operator_table  # noqa: PLC0415

    if wishes.image is not None:
        from livebend.models.choice import chosen_model  # noqa: PLC0415
        from livebend.strips import write_strips  # noqa: PLC0415

        strips = write_strips(wishes.image, chosen_model(wishes.model), wishes.size)
        print(f"{strips} strips in {wishes.image}")
    elif wishes.markdown:
        print(operator_table())
    else:
        _print(operator_rows(), wishes.json)
    return 0


def _sites(wishes: argparse.Namespace) -> int:
    from livebend.models.choice import chosen_model  # noqa: PLC0415
    from livebend.opening import open_network  # noqa: PLC0415
    from livebend.survey import survey  # noqa: PLC0415

    found = survey(open_network(chosen_model(wishes.model), None, "torch", _tell))
    if wishes.json:
        print(json.dumps([asdict(site) for site in found], indent=2))
        return 0
    print(
        "site, shape, pixels per element, share of a frame, share that runs again behind it,"
        " clusters of channels"
    )
    rows = [
        {
            "name": site.name,
            "shape": "x".join(map(str, site.shape)),
            "stride": site.stride or "-",
            "share": f"{site.share:.1f} %",
            "behind": f"{site.behind:.1f} %",
            "clusters": ", ".join(site.clusters),
        }
        for site in found
    ]
    _print(rows, False)
    return 0


def _clusters(wishes: argparse.Namespace) -> int:
    from livebend.clustering import make_clusters  # noqa: PLC0415
    from livebend.models.choice import chosen_model  # noqa: PLC0415

    model = chosen_model(wishes.model)
    found = make_clusters(model, wishes.size, wishes.count, wishes.output, quiet=wishes.json)
    rows = [
        {"site": site, "cluster": name, "energy": f"{c.energy:.1%}", "channels": c.channels}
        for site, clusters in found.sites.items()
        for name, c in clusters.items()
    ]
    _print(rows, wishes.json)
    return 0


def _devices(wishes: argparse.Namespace) -> int:
    from livebend.audio.portaudio import list_devices  # noqa: PLC0415

    _print([d.as_dict() for d in list_devices()], wishes.json)
    return 0


def _bench(wishes: argparse.Namespace) -> int:
    from livebend.bench import bench  # noqa: PLC0415
    from livebend.models.choice import chosen_model  # noqa: PLC0415

    figures = bench(
        chosen_model(wishes.model),
        wishes.size,
        wishes.steps,
        wishes.backend,
        beside=wishes.beside,
        stages=wishes.stages,
        tell=_tell,
    )
    if wishes.json:
        print(json.dumps(figures, indent=2))
        return 0
    tables = [figures.pop(n) for n in ("frames", "stages", "operators") if n in figures]
    print(", ".join(f"{key} {value}" for key, value in figures.items()))
    for rows in tables:
        _print([{name: name for name in rows[0]}, *rows], False)
    return 0


def _tune(wishes: argparse.Namespace) -> int:
    from livebend.models.choice import chosen_model  # noqa: PLC0415
    from livebend.tune import tune  # noqa: PLC0415

    named = tuple(wishes.backends.split(","))
    choice = tune(chosen_model(wishes.model), wishes.size, _tell, backends=named)
    if wishes.json:
        print(json.dumps(asdict(choice), indent=2))
        return 0
    rows = [{"stage": s, **choice.stage_ms[s], "chosen": c} for s, c in choice.stages.items()]
    heads = {name: name for name in rows[0]}
    _print([heads, *rows, {**heads, "stage": "frame", **choice.frame_ms, "chosen": ""}], False)
    return 0


def _doctor(wishes: argparse.Namespace) -> int:
    from livebend import doctor  # noqa: PLC0415

    findings = doctor.examine()
    print(doctor.as_json(findings) if wishes.json else doctor.as_text(findings))
    return 0 if doctor.healthy(findings) else 1


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON, or as columns with the longest text last."""
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        print("none")
        return
    widths = {key: max(len(str(row[key])) for row in rows) for key in rows[0]}
    for row in rows:
        print("  ".join(str(value).ljust(widths[key]) for key, value in row.items()).rstrip())


if __name__ == "__main__":
    sys.exit(main())
