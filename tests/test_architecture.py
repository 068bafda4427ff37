"""The house rules that a machine can check: who may know whom, and what is never used."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT

PACKAGE = ROOT / "livebend"
FILES = sorted(PACKAGE.rglob("*.py"))
TOP = {"pyproject.toml", "livebend", "presets", "scripts", "tests", "README.md", "LICENSE"}

# Low to high: a wing imports only those before it.
ORDER = """flow core device audio video operators models outputs scene modulation control bending
    rendering cli"""
WINGS = ORDER.split()
# Inside a wing: a file imports only those before it.
FILES_OF = {
    "models": """pixels sampler img2img scheduler precision fingerprint vocabulary prompt_syntax
        prompt_reader attention adapted_layers fused_upsample stages stage_groups weight_files
        places model_hash lean_imports families weights original_layout lora_file embedding_file
        parts random_weights model_folder single_file decoders checkpoint default_model catalogue
        declared_sites backends""",
    "bending": "channels feedback_state moments apply mask_cache clusters frame_bends",
    "rendering": """ahead reuse prompts inputs deck faults frame_status governor sampler_steps
        framing blending last_frame picture_input network
        small_network memory_shortage open_network kept renderer painter painted_past""",
}
STRANGERS = {  # wings that a wing must not know although they come before it
    "video": {"device", "audio"},
    "outputs": {"device", "video", "operators", "models"},
    "control": {"device", "models", "outputs", "audio", "video"},
    "scene": {"device", "models", "outputs", "audio", "video"},
    "modulation": {"device", "models", "outputs", "audio", "video"},
    "bending": {"audio", "video", "outputs", "control", "modulation"},
    "rendering": {"audio", "video", "outputs", "control"},
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module named by an import that runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imports(node)


def wing(file: Path) -> str:
    """The wing that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.fixture(params=FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def source(request) -> tuple[Path, ast.Module]:
    return request.param, ast.parse(request.param.read_text(encoding="utf-8"))


def test_the_wings_are_those_there_are():
    entries = {wing(file) for file in FILES} - {"__init__"}
    assert entries == set(WINGS)


def test_wings_import_one_way(source):
    file, tree = source
    own = wing(file)
    if own == "__init__":
        return
    known = {m.split(".")[1] for m in imports(tree) if m.startswith("livebend.")} - {own}
    known -= {"__version__"}
    assert known <= set(WINGS[: WINGS.index(own)])
    assert not known & STRANGERS.get(own, set())


@pytest.mark.parametrize("name", FILES_OF)
def test_files_of_a_wing_import_one_way(name):
    order = FILES_OF[name].split()
    folder = PACKAGE / name
    assert set(order) == {
        f.stem
        for f in folder.iterdir()
        if f.stem[0] not in "_." and (f.suffix == ".py" or (f / "__init__.py").exists())
    }
    for file in folder.glob("*.py"):
        if file.stem == "__init__":
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inner = {m.split(".")[2] for m in imports(tree) if m.startswith(f"livebend.{name}.")}
        assert inner <= set(order[: order.index(file.stem)]), file.stem


def test_no_files_import_each_other_in_a_circle():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "house", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    assert (figures["circles"], figures["back_imports"]) == ([], [])
    assert figures["entries"] <= 14


def test_only_the_clock_asks_for_the_time(source):
    file, tree = source
    if file.name != "clock.py":
        assert not {"time", "datetime"} & {module.split(".")[0] for module in imports(tree)}


def test_nothing_runs_text_as_code(source):
    _, tree = source
    assert not {"pickle", "marshal", "shelve"} & {m.split(".")[0] for m in imports(tree)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        assert ast.unparse(call.func) not in {"eval", "exec", "os.system", "compile"}
        assert not any(k.arg == "shell" for k in call.keywords)


def test_functions_fit_a_screen(source):
    _, tree = source
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    assert not [f.name for f in functions if f.end_lineno - f.lineno >= 60]


@pytest.mark.parametrize(
    "folder", ["core", "audio", "video", "outputs", "scene", "modulation", "control"]
)
def test_only_the_network_loads_torch(folder):
    names = (f.relative_to(ROOT).with_suffix("") for f in (PACKAGE / folder).glob("*.py"))
    modules = ", ".join(".".join(name.parts).removesuffix(".__init__") for name in names)
    look = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_the_top_level_is_the_fixed_one():
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} == TOP
