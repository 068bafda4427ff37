"""The house rules that a machine can check: who may know whom, and what is never used."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "livebend"
FILES = sorted(PACKAGE.rglob("*.py"))
TOP = {"pyproject.toml", "livebend", "presets", "scripts", "tests", "README.md", "LICENSE"}

# Low to high: a module knows what is in its own line and in those above it.
LAYERS = [
    "flow",
    "core",
    "device",
    "operators audio",
    "scene",
    "models",
    "bending modulation",
    "rendering",
    "control outputs",
    "live offline",
    "doctor bench tune clustering contact listing strips survey sweep touchosc start",
    "verbs",
    "cli",
]
LEVEL = {name: level for level, line in enumerate(LAYERS) for name in line.split()}
STRANGERS = {  # what a module must not know although it is lower
    "outputs": {"scene", "operators", "models", "bending", "rendering", "control"},
    "control": {"models", "bending", "rendering", "outputs", "audio"},
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


def part(file: Path) -> str:
    """The module or folder of the package that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.fixture(params=FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def source(request) -> tuple[str, ast.Module]:
    return part(request.param), ast.parse(request.param.read_text(encoding="utf-8"))


def test_imports_point_downwards(source):
    name, tree = source
    if name == "__init__":
        return
    assert name in LEVEL, f"{name} has no place in LAYERS"
    known = {m.split(".")[1] for m in imports(tree) if m.startswith("livebend.")} - {name}
    upwards = {k for k in known if LEVEL.get(k, 0) > LEVEL[name]}
    assert not upwards | (known & STRANGERS.get(name, set()))


def test_only_the_clock_asks_for_the_time(source):
    name, tree = source
    if name != "core":  # its clock
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


@pytest.mark.parametrize("folder", ["core", "audio", "outputs", "scene", "modulation", "control"])
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
