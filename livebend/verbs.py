"""What the commands do, each with its arguments read: print, and return the exit status.

What is heavy is imported by the verb that needs it. All of them raise LivebendError.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livebend.core.errors import LivebendError

DEMO_FILE = "livebend-demo.mp4"
DEMO_SECONDS = 10.0


def live(wishes: argparse.Namespace) -> int:
    """Play live, in a window or without one."""
    _positive(wishes)
    if not wishes.headless and not has_display():
        _go_headless(wishes)
    from livebend.live import Wishes, play  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    fields = {name: value for name, value in vars(wishes).items() if name != "command"}
    fields["model"] = model_or_default(wishes.model)
    report = play(Wishes(**fields))
    frame = report["frame_ms"]
    print(
        f"{report['frames_generated']} frames, {report['fps']:.1f} a second;"
        f" a frame took {frame['p50']:.1f} ms (p95 {frame['p95']:.1f}, p99 {frame['p99']:.1f});"
        f" {report['engine']}"
    )
    if wishes.record is not None:
        print(f"recorded {wishes.record}")
    return 0


def _go_headless(wishes: argparse.Namespace) -> None:
    """Without a display a plain start still shows something: ten seconds in a file."""
    wishes.headless = True
    wishes.seconds = wishes.seconds or DEMO_SECONDS
    wishes.record = wishes.record or Path(DEMO_FILE)
    print(
        f"no display: recording {wishes.seconds:g} s into {wishes.record};"
        " --headless plays on without a window"
    )


def render(wishes: argparse.Namespace) -> int:
    """Render a sound file into a video or pictures."""
    _positive(wishes)
    if wishes.output is None and wishes.frames is None:
        raise LivebendError("render: expected -o OUT.mp4 or --frames DIR")
    from livebend import offline  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    fields = {name: value for name, value in vars(wishes).items() if name != "command"}
    fields["model"] = model_or_default(wishes.model)
    fields["sets"] = tuple(wishes.sets)
    frames = offline.render(offline.Job(**fields), tell=_tell)
    print(f"{frames} frames in {wishes.output or wishes.frames}")
    return 0


def sweep(wishes: argparse.Namespace) -> int:
    """Paint a sheet of two parameters' values."""
    from livebend import sweep as sheet  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    pictures = sheet.sweep(
        sheet.Sweep(
            wishes.preset,
            wishes.output,
            wishes.rows,
            wishes.columns,
            model_or_default(wishes.model),
            wishes.size,
            wishes.steps,
            wishes.seed,
            tuple(wishes.sets),
            wishes.masks,
            wishes.bend,
            wishes.backend,
            wishes.dtype,
        ),
        tell=_tell,
    )
    print(f"{pictures} pictures in {wishes.output}")
    return 0


def _tell(text: str) -> None:
    print(f"livebend: {text}", file=sys.stderr)


def presets(wishes: argparse.Namespace) -> int:
    """List the presets, all or by name, or paint them."""
    from livebend.scene import presets as kept  # noqa: PLC0415

    found = kept.list_presets(wishes.names)
    if wishes.sheet is not None:
        from livebend.contact import contact  # noqa: PLC0415
        from livebend.models.default_model import model_or_default  # noqa: PLC0415
        from livebend.operators.drawn_masks import DrawnMasks  # noqa: PLC0415

        names = wishes.names or [p.name for p in found if "/" not in p.name]
        pictures = contact(
            wishes.sheet,
            names,
            model_or_default(wishes.model),
            wishes.size,
            wishes.backend,
            dtype=wishes.dtype,
            drawn=DrawnMasks(kept.mask_folders(folder=wishes.masks)),
            tell=_tell,
        )
        print(f"{pictures} pictures in {wishes.sheet}")
        return 0
    rows = [
        {
            "name": p.name,
            "title": p.title,
            "reruns": f"{p.cost:.0%}".replace("%", " %"),
            "about": p.about,
        }
        for p in found
    ]
    _print(rows, wishes.json)
    return 0


def prompts(wishes: argparse.Namespace) -> int:
    """List what the model knows to paint."""
    from livebend.models.checkpoint import find_folder  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415
    from livebend.models.vocabulary import load_vocabulary  # noqa: PLC0415

    model = model_or_default(wishes.model)
    known = load_vocabulary(find_folder(model))
    if known is None:
        _print([{"kind": "prompts", "words": f"{model} understands any text"}], wishes.json)
        return 0
    rows = [{"kind": "prompts", "words": ", ".join(known.prompts)}]
    rows += [{"kind": kind, "words": ", ".join(names)} for kind, names in known.kinds.items()]
    _print(rows, wishes.json)
    return 0


def operators(wishes: argparse.Namespace) -> int:
    """List the operators, or paint a strip of each."""
    from livebend.listing import operator_rows, operator_table  # noqa: PLC0415

    if wishes.image is not None:
        from livebend.models.default_model import model_or_default  # noqa: PLC0415
        from livebend.strips import write_strips  # noqa: PLC0415

        strips = write_strips(
            wishes.image,
            model_or_default(wishes.model),
            wishes.size,
            wishes.backend,
            dtype=wishes.dtype,
            tell=_tell,
        )
        print(f"{strips} strips in {wishes.image}")
    elif wishes.markdown:
        print(operator_table())
    else:
        if not wishes.json:
            print("operator, family, parameters (what a fader goes over), what it does")
        _print(operator_rows(), wishes.json)
    return 0


def sites(wishes: argparse.Namespace) -> int:
    """List the places where a network can be bent, and what a bend there costs."""
    from livebend.models.default_model import model_or_default  # noqa: PLC0415
    from livebend.rendering.open_network import open_network  # noqa: PLC0415
    from livebend.survey import survey  # noqa: PLC0415

    model = model_or_default(wishes.model)
    found = survey(open_network(model, wishes.size, wishes.backend, _tell, dtype=wishes.dtype))
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


def clusters(wishes: argparse.Namespace) -> int:
    """Find the channels that draw alike, and keep them."""
    from livebend.clustering import make_clusters  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    model = model_or_default(wishes.model)
    found = make_clusters(model, wishes.size, wishes.count, wishes.output, quiet=wishes.json)
    rows = [
        {"site": site, "cluster": name, "energy": f"{c.energy:.1%}", "channels": c.channels}
        for site, members in found.sites.items()
        for name, c in members.items()
    ]
    _print(rows, wishes.json)
    return 0


def devices(wishes: argparse.Namespace) -> int:
    """List the sound inputs."""
    from livebend.audio.portaudio import list_devices  # noqa: PLC0415

    _print([d.as_dict() for d in list_devices()], wishes.json)
    return 0


def bench(wishes: argparse.Namespace) -> int:
    """Time frames by what changed in them, or the phases of a start."""
    if wishes.start:
        return _bench_start(wishes)
    from livebend import bench as measure  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    figures = measure.bench(
        model_or_default(wishes.model),
        wishes.size,
        wishes.steps,
        wishes.backend,
        dtype=wishes.dtype,
        beside=wishes.beside,
        stages=wishes.stages,
        frames=max(wishes.frames, 2),
        tell=_tell,
    )
    if wishes.json:
        print(json.dumps(figures, indent=2))
        return 0
    tables = [figures.pop(n) for n in ("frames", "overhead", "stages", "operators") if n in figures]
    print(", ".join(f"{key} {value}" for key, value in figures.items()))
    for rows in tables:
        _print([{name: name for name in rows[0]}, *rows], False)
    return 0


def _bench_start(wishes: argparse.Namespace) -> int:
    from livebend.start import time_start  # noqa: PLC0415

    model = {} if wishes.model is None else {"model": wishes.model}
    size = {} if wishes.size is None else {"size": wishes.size}
    _print(
        time_start({**model, **size, "backend": wishes.backend, "dtype": wishes.dtype}), wishes.json
    )
    return 0


def tune(wishes: argparse.Namespace) -> int:
    """Measure the backends here and keep the fastest."""
    from livebend import tune as measure  # noqa: PLC0415
    from livebend.models.default_model import model_or_default  # noqa: PLC0415

    named = tuple(wishes.backends.split(",")) if wishes.backends else None
    model = model_or_default(wishes.model)
    choice = measure.tune(model, wishes.size, _tell, dtype=wishes.dtype, backends=named)
    if wishes.json:
        print(json.dumps(asdict(choice), indent=2))
        return 0
    rows = [
        {"stage": s, **{n: choice.stage_ms[s].get(n, "-") for n in choice.frame_ms}, "chosen": c}
        for s, c in choice.stages.items()
    ]
    heads = {name: name for name in rows[0]}
    _print([heads, *rows, {**heads, "stage": "frame", **choice.frame_ms, "chosen": ""}], False)
    print(f"\nchosen: {choice.dtype}, {choice.conditions}, of these, in ms a frame:")
    _print([{"with": name, "ms": ms} for name, ms in choice.conditions_ms.items()], False)
    return 0


def doctor(wishes: argparse.Namespace) -> int:
    """Say what is here; the status is 1 where something needed is not."""
    from livebend import doctor as surgery  # noqa: PLC0415

    findings = surgery.examine()
    print(surgery.as_json(findings) if wishes.json else surgery.as_text(findings))
    return 0 if surgery.healthy(findings) else 1


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
