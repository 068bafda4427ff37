"""The READMEs keep their word: what stands in them is run, but shorter and without a window."""

import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from pythonosc.udp_client import SimpleUDPClient

from livebend.cli import codec_listing, operator_strips, tune
from livebend.cli.live_options import LiveOptions
from livebend.cli.live_show import LiveShow
from livebend.cli.main import main, parser, with_command
from livebend.cli.options import options_of
from livebend.control.cues import Cues
from livebend.operators.library import all_operators
from livebend.scene import presets
from livebend.scene.tables import scene_from
from tests import ROOT
from tests.fakes import loras
from tests.fakes.live import played
from tests.fakes.osc import free_port, wait_for
from tests.fakes.pictures import garden, write_film

FIRST = "README.md"
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        FIRST,
        "livebend/cli/README.md",
        "livebend/cli/film/README.md",
        "livebend/control/README.md",
        "livebend/modulation/README.md",
        "livebend/operators/README.md",
        "livebend/outputs/README.md",
        "livebend/models/backends/README.md",
        "livebend/rendering/README.md",
        "livebend/scene/README.md",
        "scripts/README.md",
    )
}
README, EVERYTHING = TEXTS[FIRST], "\n".join(TEXTS.values())
FIVE_MINUTES = README.partition("## The first five minutes\n")[2].partition("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def lines(block: str) -> list[str]:
    return [line.partition(" #")[0].strip() for line in block.splitlines() if line.strip()]


def words(lines: list[str], program: str) -> list[list[str]]:
    return [shlex.split(line) for line in lines if line.split()[0] == program]


LINES = [line for block in blocks(EVERYTHING, "bash") for line in lines(block)]
OURS = [line[1:] for line in words(LINES, "scripts/livebend")]
SENT = words(LINES, "oscsend")
INLINE = re.findall(r"`([^`\n]+)`", EVERYTHING)
QUICK = ["--size", "64"]
LIVE = ["--headless", "--seconds", "0.5", "--osc", "127.0.0.1:0"]


def test_it_is_short_and_nothing_in_it_is_left_out():
    assert len(README.encode()) <= 12_000
    known = ("scripts/livebend", "scripts/test", "scripts/bench", "oscsend ")
    assert [line for line in LINES if not line.startswith(known)] == []
    assert len(OURS) > 20
    assert len(SENT) > 20


@pytest.mark.parametrize("name", TEXTS)
def test_what_it_links_to_is_there(name):
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        to, _, heading = link.partition("#")
        file = (ROOT / name).parent / to if to else ROOT / name
        assert file.exists(), link
        titles = re.findall(r"^#+ (.+)", file.read_text("utf-8"), re.M) if heading else [""]
        assert heading in [title.lower().replace(" ", "-") for title in titles], link


def test_what_it_names_in_a_sentence_is_there():
    commands = next(a for a in parser()._actions if a.dest == "command_name" or a.choices)
    options = {o for c in commands.choices.values() for a in c._actions for o in a.option_strings}
    for code in INLINE:
        first, *more = shlex.split(code) if code.startswith(("scripts/", "--")) else [""]
        if first == "scripts/livebend":
            parser().parse_args(with_command(more))
        elif first.startswith("scripts/"):
            assert (ROOT / first).exists(), code
    spoken = {w for code in INLINE for w in code.split() if re.fullmatch(r"--[a-z][a-z-]+", w)}
    scripts = "".join((ROOT / "scripts" / n).read_text() for n in ("test", "_soak.py"))
    assert {o for o in spoken - options if o not in scripts} == set()


# ---- commands


@pytest.fixture
def home(tmp_path, tmp_path_factory, monkeypatch):
    """A home that nobody has lived in, where one is now; engines are made once for all of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    return tmp_path


@pytest.fixture
def folder(home):
    """What the commands name: a song, one's own preset and operator, cues, a stored scene."""
    with av.open(str(home / "song.flac"), "w") as file:
        stream = file.add_stream("flac", rate=44100)
        tone = (8000 * np.sin(np.arange(44100) * 0.1)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 44100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    (home / "album").mkdir()
    shutil.copy(home / "song.flac", home / "album" / "second.flac")
    shutil.copy(home / "song.flac", home / "album" / "first.flac")
    own = next(block for block in blocks(EVERYTHING, "python") if "@operator" in block)
    (home / "mine.py").write_text(own)
    (home / "mine.toml").write_text(blocks(README, "toml")[0])
    Image.fromarray(garden(48, 80)).save(home / "garden.jpg")
    write_film(home / "street.mp4", 5)
    (home / "show.txt").write_text("0.1 walk.radius 0.5\n")
    (home / "show.key").write_text("0" * 64)
    presets.PresetBank().store(5, presets.load("mine.toml"))
    assert main(["pack", "my-show.zip", "--model", "tiny"]) == 0
    before = dict(all_operators())
    yield home
    all_operators().clear()
    all_operators().update(before)


@pytest.fixture
def quick(monkeypatch):
    """Have tune measure one frame on one thread, and strips show three operators."""
    monkeypatch.setattr(tune, "ROUNDS", 1)
    monkeypatch.setattr(tune, "FRAMES", 1)
    monkeypatch.setattr(tune, "counts", lambda: (1,))
    monkeypatch.setattr(codec_listing, "SIZES", ((64, 64),))
    some = {name: all_operators()[name] for name in ("rotate", "binary", "feedback")}
    monkeypatch.setattr(operator_strips, "all_operators", lambda: some)


@pytest.mark.parametrize("arguments", OURS, ids=" ".join)
def test_a_command(arguments, folder, quick, model_folder, model, capsys):
    lists = ("devices", "presets", "operators", "sites", "prompts", "doctor", "models", "midi",
             "parameters", "touchosc", "pack", "unpack", "codecs")  # fmt: skip
    models = ("stabilityai/sd-turbo", "FRIEND.safetensors", "FOLDER")
    arguments = [str(model_folder("turbo")) if a in models else a for a in arguments]
    if "--lora" in arguments:
        arguments += ["--model", str(model_folder("turbo"))]
        for name in ("ink", "grain"):
            loras.write(folder / f"{name}.safetensors", loras.random_layers(model))
    if arguments[:1] == ["render"]:
        if "--size" in arguments:
            at = arguments.index("--size")
            arguments = arguments[:at] + arguments[at + 2 :]
        arguments = [*arguments, *QUICK, "--seconds", "0.3"]
    elif arguments[:1] == ["tune"]:
        arguments = ["tune", "--backends", "torch", *QUICK]  # the others are made for minutes
    elif arguments[:1] in (["sweep"], ["clusters"]) or "--image" in arguments:
        arguments = [*arguments, *QUICK]
    elif not arguments or arguments[0] not in lists:
        arguments = [*arguments, *QUICK, *LIVE]
    status = main(arguments)
    said = capsys.readouterr()
    if status and "loopback" in arguments:
        assert said.err.startswith("livebend: loopback")  # no sound system here, and it says so
    elif status and ("--stream" in arguments or "ndi:RESOLUME" in arguments):
        assert "needs " in said.err or "no NDI stream" in said.err  # the extra, or the sender
    elif status and "camera" in arguments:
        assert said.err.startswith("livebend: no camera")
    elif status and "npu" in arguments:
        assert "device = npu: not here" in said.err
    elif arguments[:1] == ["check"]:  # its status is about the machine, as doctor's is
        assert "ok  model" in said.out, said.out + said.err
        return
    elif arguments[:1] != ["doctor"]:
        assert status == 0, said.err
    for made in ("show.mp4", "show.txt", "clip.mp4", "again.mp4", "paper.mp4", "sheet.png"):
        assert made not in arguments or (folder / made).stat().st_size > 10


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("scripts/bench")])
def test_what_is_timed_can_be(line):
    parser().parse_args(["bench", *shlex.split(line)[1:]])


# ---- what can go wrong at a show

FAULTS = TEXTS["livebend/cli/README.md"]


def test_every_fault_of_a_show_is_held_by_a_test():
    rows = [line for line in FAULTS.splitlines() if line.startswith("| ") and "held by" not in line]
    assert len(rows) > 40
    for row in rows:
        *_, held = row.strip("| ").split(" | ")
        file, _, test = held.strip("`").partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), row


# ---- presets


def test_the_preset_in_it_is_one(folder):
    scene = presets.load("mine.toml")
    (bend,), (route,) = scene.bends, scene.routes
    assert (bend.operator, dict(bend.mask)) == ("rotate", {"kind": "disc", "size": 0.4})
    assert (route.high, route.slew) == (120.0, 360.0)


def test_parts_of_presets_in_it_are_such():
    (mask,) = blocks(TEXTS["livebend/operators/README.md"], "toml")
    bend = {"operator": "rotate", "site": "latent@0.8"}
    table = tomllib.loads(mask)["bend"]["swirl"]
    assert scene_from({"bend": {"swirl": bend | table}}).bends[0].mask["x"] == 0.3
    inner = [tomllib.loads(code) for code in INLINE if re.match(r"[a-z]+ = ", code)]
    for table in inner:
        if "turns" in table:
            assert len(scene_from({"prompt": table}).prompt.texts) == 3
        elif "picture" not in table:  # a mask's, as the next one
            scene_from({"bend": {"swirl": bend | table}})
    assert {key for table in inner for key in table} > {"turns", "strength", "channels", "site"}


def test_the_loop_and_the_cues_in_it_are_such(tmp_path):
    text = TEXTS["livebend/scene/README.md"]
    (loop,), (cues,) = blocks(text, "toml"), blocks(text, "text")
    bend = {"swirl": {"operator": "rotate", "site": "latent@0.8"}}
    assert scene_from({"bend": bend, **tomllib.loads(loop)}).loops[0].beats == 4.0
    (tmp_path / "show.txt").write_text(cues)
    assert len(Cues(tmp_path / "show.txt", presets.load, presets.load("default")).cues) == 4


# ---- OSC


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools is not installed")
def test_osc_from_a_client_that_nobody_here_wrote(home, model, model_folder):
    port = str(free_port())
    ink = loras.write(home / "ink.safetensors", loras.random_layers(model))
    show = LiveShow(
        LiveOptions(
            preset="storm", headless=True, size=(64, 64), osc=port,
            model=str(model_folder("turbo")), loras=((ink, 1.0),), midi="no device of this name",
        )
    )  # fmt: skip
    first, frames = threading.Event(), show.statistics.shown

    def shown(frame):
        frames(frame)
        first.set()

    show.statistics.shown = shown
    playing = threading.Thread(target=show.play, name="show", daemon=True)
    playing.start()
    assert first.wait(120)
    for line in sorted(SENT, key=lambda line: line[3].endswith("/panic")):  # that one at last
        subprocess.run([port if word == "8000" else word for word in line], check=True)
        if line[3].endswith(("/prompt", "/add")):
            until(show, arrived(line))
    until(show, lambda scene: show.osc.counts.messages == len(SENT) and is_home(scene))
    show.stop.set()
    playing.join(30)
    report, view = show.statistics.report(), show.display.view
    assert show.osc.counts.messages == len(SENT)
    assert {report[f"commands_{what}"] for what in ("refused", "clamped")} == {0}
    assert (view.blackout, view.brightness) == (False, 0.5)


def is_home(scene):
    """Whether the scene is as it was loaded; the tempo is the show's and stays."""
    return replace(scene, tempo=scene.home.tempo) == scene.home


def arrived(line):
    """Whether the scene is as a message to /prompt or /add asked for."""
    address, name = line[3], line[5]
    if address.endswith("/prompt"):
        return lambda scene: scene.prompt.text == name
    kind = ".".join(address.split("/")[2:-1])
    return lambda scene: name in [part.name for part in scene.parts(kind)]


def until(show, condition) -> None:
    """Wait until the render thread has published such a scene, at most 30 s."""
    version, scene = show.scenes.wait_newer(-1)
    for _ in range(3000):
        if condition(scene):
            return
        version, scene = show.scenes.wait_newer(version, 0.01)
    raise AssertionError("the scene did not come to that")


def test_what_touchdesigner_is_told_arrives(home):
    (code,) = [block for block in blocks(README, "python") if "sendOSC" in block]
    sent = []

    class OscOutDat:
        def sendOSC(self, address, values):  # noqa: N802 - TouchDesigner's name
            sent.append([address, *values])

    exec(code, {"op": {"oscout1": OscOutDat()}.__getitem__})  # noqa: S102 - the README's own
    assert sent == [["/livebend/prompt", "ocean waves"]]


# ---- the first five minutes, walked as a performer walks them: one looks, then does the next thing

FPS = 10
START, PROMPT, BEND, KICK, STORE, AGAIN = map(lines, blocks(FIVE_MINUTES, "bash"))
FILE = next(code for code in re.findall(r"`([^`\n]+)`", FIVE_MINUTES) if code.endswith(".toml"))


def bends(scene):
    return {bend.name: bend for bend in scene.bends}


def is_routed(scene):
    return any(
        route.name == "kick" and route.release == pytest.approx(0.1) for route in scene.routes
    )


WALK = [  # the frame it is done at the earliest, what is sent, and how its work is seen
    (5, PROMPT, lambda scene: scene.prompt.text == "aurora"),
    (12, BEND, lambda scene: "twist" in bends(scene)),
    (20, KICK, is_routed),  # the bass comes in at 4 s
    (50, STORE, lambda scene: presets.user_folder().joinpath("stored-5.toml").is_file()),
    (52, ["oscsend localhost 8000 /livebend/panic"], lambda scene: "twist" not in bends(scene)),
    (55, ["oscsend localhost 8000 /livebend/preset i 5"], is_routed),
]


class Performer:
    """Sends the walk's messages one after another, each once the one before has done its work."""

    def __init__(self, client):
        self._client, self._to_do = client, list(WALK)
        self._seen = lambda scene: True
        self.scenes = []

    def look(self, show, frame):
        scene = show.scenes.get()
        self.scenes.append(scene)
        if not self._seen(scene):
            return
        if not self._to_do:
            show.stop.set()
        elif frame.index >= self._to_do[0][0]:
            _, messages, self._seen = self._to_do.pop(0)
            for message in messages:
                self._send(show, *shlex.split(message)[3:])

    def _send(self, show, address, types="", *values):
        before = show.osc.counts.messages
        kinds = {"s": str, "f": float, "i": int}
        given = [kinds[kind](value) for kind, value in zip(types, values, strict=True)]
        self._client.send_message(address, given)
        wait_for(lambda: show.osc.counts.messages > before)


def play(lines, port=0, look=None, **more):
    """Play what the command says, in virtual time; return the frames."""
    (line,) = lines
    given = parser().parse_args(["live", *shlex.split(line)[1:]])
    vars(given).update(
        model="tiny", headless=True, size=(64, 64), fps=FPS, osc=f"127.0.0.1:{port}", **more
    )
    frames, report = played(options_of(LiveOptions, given), look)
    assert (report["commands_refused"], report["commands_clamped"]) == (0, 0)
    return frames


def test_the_first_five_minutes(home):
    port, cues = free_port(), home / "cues.txt"
    with SimpleUDPClient("127.0.0.1", port) as client:
        performer = Performer(client)
        frames = play(START, port, performer.look, record_cues=cues, seconds=30)
    written = cues.read_text().splitlines()

    # The prompt, the bend and the kick each change the picture: a show that is the same but for
    # them paints the same frames before, and others after.
    words = ("prompt.text", "add bend twist", "add route kick")
    for word, (_, _, seen), later in zip(words, WALK, (1, 0, 25), strict=False):
        begins = [seen(scene) for scene in performer.scenes].index(True)
        looked_at = begins + later  # a prompt fades in, and the bass comes in at 4 s
        place = next(i for i, line in enumerate(written) if f" {word}" in line)
        cues.write_text("\n".join(written[:place]))
        without = play(START, cues=cues, seconds=(looked_at + 2) / FPS)
        same = [np.array_equal(a, b) for a, b in zip(frames, without, strict=False)]
        assert all(same[:begins]), word
        assert not same[looked_at], word

    # It is stored in the file that the README names, and reads back as what was played.
    file = presets.user_folder() / "stored-5.toml"
    if sys.platform == "linux":
        assert file == Path(FILE).expanduser()
    stored = presets.load(file)
    assert stored in performer.scenes
    assert stored == performer.scenes[-1]  # recalled from its slot, after a panic
    assert (stored.prompt.text, bends(stored)["twist"].values["angle"]) == ("aurora", 60.0)
    (kick,) = [route for route in stored.routes if route.name == "kick"]
    assert (kick.source, kick.curve, kick.target) == ("low", "cube", "bend.twist.angle")

    # The next show plays the same from it as this one would have if all had been done at once.
    done = [line for line in written if re.search(r"prompt\.text|add |route\.", line)][:5]
    cues.write_text("\n".join(f"0 {line.partition(' ')[2]}" for line in done))
    at_once = play(START, cues=cues, seconds=1)
    again = play(AGAIN, seconds=1)
    assert all(np.array_equal(a, b) for a, b in zip(at_once, again, strict=True))
