"""`livebend codecs`: list the kinds of films, which can be made here, and what a picture costs."""

import argparse

import numpy as np

from livebend.cli.printing import Row, markdown_table, print_rows
from livebend.core import clock
from livebend.core.errors import NoEncoder
from livebend.flow import Pixels
from livebend.outputs.codecs import CODECS
from livebend.outputs.encoders import own_encoder, tried

SIZES = ((512, 512), (1920, 1080))  # (width, height) in pixels
PICTURES = 32  # of each size; the fastest counts, since others may be at work
HERE = "yes"


def run(options: argparse.Namespace) -> int:
    """List the kinds of films."""
    if options.markdown:
        print(timed_table() if options.time else codec_table())
        return 0
    found = tried()
    rows = []
    for name, codec in CODECS.items():
        elsewhere = f"on {' or '.join(codec.systems)}"
        here = (found[name].removeprefix(f"{name}: ") or HERE) if name in found else elsewhere
        spent = costs(name) if options.time else {}
        row: Row = {"name": name, "files": codec.files, **spent, "here": here}
        rows.append({**row, "about": f"{codec.title}: {codec.about}"})
    print_rows(rows, as_json=options.json)
    return 0


def codec_table() -> str:
    """The kinds as a Markdown table."""
    rows = [
        (f"`{name}`", f"{codec.title}: {codec.about}", codec.files, codec.needs)
        for name, codec in CODECS.items()
    ]
    return markdown_table(("`--codec`", "what it is", "files", "needs"), rows)


def timed_table() -> str:
    """What a picture costs here as a Markdown table, of the kinds that can be made."""
    heads = ["`--codec`", *(f"{wide}x{high}" for wide, high in SIZES)]
    times = {name: costs(name) for name, fault in tried().items() if not fault}
    return markdown_table(
        heads, [(f"`{name}`", *map(str, row.values())) for name, row in times.items()]
    )


def costs(codec: str) -> Row:
    """Return how long a picture takes during a show, in ms, by its size; "" where it cannot."""
    found: Row = {}
    for size in SIZES:
        try:
            found[f"{size[0]}x{size[1]}"] = f"{1000.0 * _fastest(codec, size):.0f} ms"
        except NoEncoder:
            found[f"{size[0]}x{size[1]}"] = ""
    return found


def _fastest(codec: str, size: tuple[int, int]) -> float:
    """Encode pictures that move, and return how long one took at least, in s."""
    encoder, times = own_encoder(codec, size, 60.0, live=True), []
    drawn = [_picture(size, index) for index in range(4)]
    for index in range(PICTURES):
        since = clock.now()
        encoder.encode(drawn[index % 4], index / 60.0, 1.0 / 60.0)
        times.append(clock.now() - since)
    return min(times[PICTURES // 4 :] or times)


def _picture(size: tuple[int, int], index: int) -> Pixels:
    """Soft waves that wander, with the grain that a network paints."""
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in size))
    waves = [np.sin(x / 31 + index / 9 + k) * np.cos(y / 47 - index / 7 * k) for k in (1, 2, 3)]
    grain = np.random.default_rng(index).normal(0.0, 3.0, x.shape).astype(np.float32)
    return (
        (127.5 + 115.0 * np.stack(waves, axis=-1) + grain[..., None]).clip(0, 255).astype(np.uint8)
    )
