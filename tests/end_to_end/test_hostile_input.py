"""Every parser of what comes from outside, fed with hostile text: an answer or a refusal of one
short line, in bounded time and memory."""

import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from livebend.cli import main as command_line
from livebend.control.cues import read_cues
from livebend.control.door import AllowList
from livebend.control.osc import OscReader
from livebend.control.osc_endpoint import endpoint
from livebend.core.channels import read_channels
from livebend.core.errors import LivebendError
from livebend.core.sites import place
from livebend.core.texts import plain_text
from livebend.operators.drawn_masks import DrawnMasks
from livebend.scene import edit, paths, presets
from livebend.scene.values import Bend, Scene
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import datagram

SECONDS, BYTES, CHARACTERS = 2.0, 48e6, 600  # of the processor, of memory, of a refusal

PIECES = (
    "0", "9" * 5000, "-", "0-400000000000", "1e999", "1e-999", "nan", "inf", "0x1F", "1_0", "²",
    "٣", "[" * 2000, "]", "{" * 2000, "}", "a." * 3000, "=", "\n", "\r\n", "\t", "\0", "\x1b[31m",
    "\x7f", '"', '\\"' * 3000, "'", '"""', "\\", "#", "|" * 3000, "*" * 90, "*a" * 60, "?", "[!",
    "{a,b}" * 30, "//", "/livebend/", "bend.swirl.angle", "prompt.text", "seed", "random:", ":",
    "cluster:", ",", "latent@", "unet.mid#", "0.000 ", "add bend ", "preset ", "x" * 20_000,
    "ä" * 3000, "👩\u200d👧", "\u00a0", "\ufeff", "\u202e", "\ufffe", "e\u0301" * 900, "../" * 50,
    "[bend.x]\n", "operator = ", " ",
)  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=6).map("".join)


def read_osc(text):
    sent = text.encode("utf-8", "replace")
    reader = OscReader(FakeDesk().desk)
    for packet in (sent, b"/" + sent, datagram("/livebend/prompt", text.replace("\0", "")),
                   b"#bundle\0" + bytes(8) + len(sent).to_bytes(4, "big") + sent):  # fmt: skip
        reader.receive(packet[:65507])


def read_file(folder, name, read):
    def parse(text):
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        read(folder / name)

    return parse


PARSERS = {
    "osc": lambda _: read_osc,
    "preset": lambda folder: read_file(folder, "x.toml", presets.load),
    "cues": lambda folder: read_file(folder, "x.cues", lambda f: read_cues(f, lambda name: DUB)),
    "channels": lambda _: lambda text: read_channels(text, 1280),
    "sites": lambda _: place,
    "paths": lambda _: lambda text: edit.put(DUB, text, 1.0, fit=True),
    "values": lambda _: lambda text: [edit.put(DUB, p, text) for p, _ in paths.every(DUB)],
    "names": lambda _: lambda text: edit.check_name("bend", text),
    "texts": lambda _: lambda text: plain_text(text, "prompt.text"),
    "preset names": lambda _: presets.PresetBank().load,
    "drawn masks": lambda _: DrawnMasks().get,
    "size": lambda _: lambda text: command_line.parser().parse_args(["live", f"--size={text}"]),
    "set": lambda _: (
        lambda text: [
            edit.put(DUB, *pair)
            for pair in command_line.parser().parse_args(["live", f"--set={text}"]).sets
        ]
    ),
    "seed": lambda _: lambda text: command_line.parser().parse_args(["live", f"--seed={text}"]),
    "endpoint": lambda _: endpoint,
    "allow": lambda _: lambda text: AllowList([text]),
}


@pytest.fixture(params=PARSERS)
def parser(request, tmp_path):
    return PARSERS[request.param](tmp_path)


@pytest.fixture
def watched():
    """Memory is watched."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def fed(parse, text):
    """Parse a text; return the refusal, if it is one. Other errors go on."""
    tracemalloc.clear_traces()
    begun = time.thread_time()
    try:
        parse(text)
    except LivebendError as refusal:
        said = str(refusal)
    else:
        said = ""
    assert time.thread_time() - begun < SECONDS
    assert tracemalloc.get_traced_memory()[1] < BYTES
    return said


@given(hostile)
@example("0-400000000000")
@example("9" * 5000)
@example("seed = " + "9" * 4000)
@example("seed" + ".a" * 3000 + " = 1")
@example("[" * 20_000)
@example("0.0 prompt.text " + '"' + '\\"' * 8000)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_hostile_text_is_read_or_refused_in_bounded_time_and_memory(parser, watched, text):
    said = fed(parser, text)
    assert len(said) < CHARACTERS
    assert "\n" not in said


PRESETS = {
    "a span beyond any network": (
        '[bend.x]\noperator="add"\nsite="image"\nchannels="0-400000000000"', ""),
    "an integer of 4000 digits": ("seed = " + "9" * 4000, "seed = a number of "),
    "an integer of 5000 digits": ("seed = " + "9" * 5000, "not TOML: "),
    "many bends": ("".join(f'[bend.b{i}]\noperator="add"\nsite="image"\n' for i in range(3000)),
                   "3000 bends: expected up to 64"),
    "many routes": ("".join(f'[route.r{i}]\nsource="rms"\ntarget="seed"\n' for i in range(3000)),
                    "3000 routes: expected up to 128"),
    "many prompts": (f'[prompt]\nturns = "{"a|" * 100}"', "101 prompts: expected up to 64"),
    "a long prompt": (f'[prompt]\ntext = "{"a" * 3000}"', "3000 characters: expected up to 2000"),
    "a large file": ("#" * (2 << 20), "more than 256 KiB"),
    "many tables": ("".join(f"[a{i}]\n" for i in range(20_000)), "unknown key 'a0'"),
    "a table for a number": ("seed" + ".a" * 9 + " = 1", "seed = {'a': {"),
    "a table in a table": ("seed" + ".a" * 5000 + " = 1", "a key of more than 16 parts"),
    "no channels": ('[bend.x]\noperator="add"\nsite="image"\nchannels="low"', "channels = 'low'"),
    "no site": ('[bend.x]\noperator="add"\nsite="latent@2"', "expected latent@0..1"),
}  # fmt: skip


@pytest.mark.parametrize("case", PRESETS)
def test_a_preset_is_bounded(case, tmp_path, watched):
    text, said = PRESETS[case]
    found = fed(read_file(tmp_path, "x.toml", presets.load), text)
    assert said in found
    assert bool(said) == bool(found)
    presets.list_presets()


@pytest.mark.parametrize("value", ["nan", "inf", "1e308", "[[[]]]", "{a = {b = 1}}", "1e400"])
def test_a_list_of_presets_survives_one_with_odd_values(value, tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    text = f"title = {value}\n[sampling]\nsteps = {value}\n[reuse]\ntween = {value}\n"
    (tmp_path / "odd.toml").write_text(text)
    assert "odd" in [info.name for info in presets.list_presets()]


def test_a_preset_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "x.toml").write_bytes('\ufefftitle = "Ü"\nseed = 7\n'.encode())
    assert (presets.load(tmp_path / "x.toml").title, presets.load(tmp_path / "x.toml").seed) == (
        "Ü",
        7,
    )
    (tmp_path / "x.cues").write_bytes("\ufeff0 seed 7\n".encode())
    assert len(read_cues(tmp_path / "x.cues", lambda name: DUB)) == 1


@pytest.mark.parametrize(
    ("given_text", "read"),
    [
        ("ocean\nwaves", "ocean waves"),
        ("ocean\r\nwaves\n", "ocean waves"),
        ("ocean\u00a0waves", "ocean waves"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("море 海 بحر", "море 海 بحر"),
        ("flag 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️", "flag 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️"),
    ],
)
def test_a_prompt_is_what_people_paste(given_text, read):
    assert edit.put(Scene(), "prompt.text", given_text).prompt.text == read


@pytest.mark.parametrize("text", ["bell\a", "esc\x1b[0m", "half \ud83d"])
def test_what_no_text_may_have_is_refused(text):
    with pytest.raises(LivebendError, match=r"U\+[0-9A-F]{4} in it: expected plain text"):
        edit.put(Scene(), "prompt.text", text)


def test_a_long_list_of_names_is_not_repeated():
    with pytest.raises(LivebendError) as caught:
        paths.find(DUB, "zzzz" * 2000)
    assert len(str(caught.value)) < CHARACTERS
    assert "nearest of " in str(caught.value)


def test_channels_count_what_there_is():
    assert read_channels("0-400000000000", 5) == (0, 1, 2, 3, 4)
    assert read_channels("3-1,2", 5) == (2,)
    with pytest.raises(LivebendError, match="none of the 4 channels"):
        read_channels("7-9", 4)
    edit.check(Scene(bends=(Bend("x", "add", "image", channels="cluster:c0"),)))
