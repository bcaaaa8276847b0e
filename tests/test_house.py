"""The rules of the house: layers, one door per library, sizes of files and functions, names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rnnc"

# From the bottom up: a room sees every line before its own, and no other room of its line.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("sizes", "suggest", "places", "collector"),
    ("diagnostics",),
    ("frontend", "ops"),
    ("model",),
    ("losses",),
    ("system",),
    ("autodiff",),
    ("learning",),
    ("program",),
    ("emit", "picture", "derive"),
    ("catalogue", "render"),
    ("compiler",),
    ("plan", "fidelity"),
    ("runtime",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

DOORS: dict[str, tuple[str, ...]] = {
    "lark": ("rnnc/frontend/grammar.py",),
    "networkx": ("rnnc/system/graph.py",),
    "sympy": ("rnnc/autodiff/symbols.py",),
    # the oracle, and what is copied into the modules; the runtime works on arrays everywhere
    "numpy": ("rnnc/system/interpret.py", "rnnc/system/arithmetic.py", "rnnc/emit/support/", "rnnc/runtime/"),
    "cupy": ("rnnc/emit/support/device.py",),
    "torch": (),
}
BAD_NAMES = ("utils", "util", "helpers", "helper", "common", "base", "manager", "misc")
SCANS = ("iterdir", "glob", "rglob", "listdir", "scandir", "iter_modules", "walk_packages", "entry_points")
# The names of spec files, shipped or offered by a message, the verbs, which stand in a tuple, and a run's checkpoints.
MAY_SCAN = (
    "rnnc/places.py",
    "rnnc/model/uses.py",
    "rnnc/commands/specification.py",
    "rnnc/cli.py",
    "rnnc/runtime/checkpoints.py",
)
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def sources(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    """`model` of rnnc/model/shapes.py, `compiler` of rnnc/compiler.py."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all a file imports, in functions too, and of what it reads of `rnnc`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "rnnc":
            yield node.lineno, f"rnnc.{node.attr}"
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def wrong_imports(path: Path) -> list[str]:
    """The imports of a file that its place does not allow."""
    room, wrong = room_of(path), []
    for line, name in imports(path):
        parts = name.split(".")
        where = f"{shown(path)}:{line}: {name}"
        door = DOORS.get(parts[0])
        if door is not None and not shown(path).startswith(door):
            wrong.append(f"{where}: not the door of {parts[0]}")
        if parts[0] != "rnnc" or name == "rnnc" or parts[1] in (room, "__version__"):
            continue
        if room == "runtime":
            wrong.append(f"{where}: the runtime knows modules by their protocol alone")
        elif parts[1] not in LEVEL:
            wrong.append(f"{where}: no layer")
        elif room != "__init__" and LEVEL[parts[1]] >= LEVEL[room]:
            wrong.append(f"{where}: not below `{room}`")
        elif parts[1] == "runtime" and room != "commands":
            wrong.append(f"{where}: only the command line knows compiler and runtime")
    return wrong


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line and last name of every call."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield node.lineno, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id


def test_every_file_has_a_layer() -> None:
    rooms = {room_of(p) for p in sources("rnnc")} - {"__init__"}
    assert rooms <= set(LEVEL)


def test_a_layer_imports_only_layers_below() -> None:
    assert [found for path in sources("rnnc") for found in wrong_imports(path)] == []


def test_files_are_short() -> None:
    lengths = {shown(p): len(p.read_text(encoding="utf-8").splitlines()) for p in sources("rnnc", "tests")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    found = [
        f"{shown(path)}:{f.lineno}: {f.name}"
        for path in sources("rnnc", "tests", "benchmarks")
        for f in functions(path)
        if f.end_lineno is not None and f.end_lineno - f.lineno + 1 >= LONGEST_FUNCTION
    ]
    assert found == []


def test_modules_are_named_for_what_they_hold() -> None:
    names = [shown(p) for p in sources("rnnc") if any(part in BAD_NAMES for part in p.with_suffix("").parts)]
    assert names == []


def test_nothing_is_found_by_scanning_folders() -> None:
    found = [
        f"{shown(path)}:{line}: {name}"
        for path in sources("rnnc")
        if shown(path) not in MAY_SCAN
        for line, name in calls(path)
        if name in SCANS or name == "import_module"
    ]
    assert found == []


def test_no_file_but_a_back_ends_own_asks_for_the_target() -> None:
    """What differs between back ends is in their own files, behind `rnnc.emit.targets` and `KernelSpelling`."""
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in sources("rnnc")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare | ast.Match) and re.search(r"target.*'(numpy|cupy)'", ast.unparse(node))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("room", "line", "word"),
    (
        ("model", "import sympy", "door"),
        ("frontend", "from rnnc.model import forms", "below"),
        ("system", "def f() -> None:\n    from rnnc.emit.module import module", "below"),
        ("emit", "from rnnc import picture", "below"),
        ("runtime", "from rnnc.sizes import Size", "protocol"),
        ("compiler", "import rnnc.runtime.text", "below"),
        ("program", "import numpy as np", "door"),
        ("emit", "from rnnc import brand_new", "no layer"),
        ("program", "import rnnc\nmodule = rnnc.compile_text('')", "no layer"),
    ),
)
def test_the_rules_see_what_breaks_them(
    room: str, line: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rnnc" / room
    folder.mkdir(parents=True)
    (folder / "made_up.py").write_text(line, encoding="utf-8")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "rnnc")
    (wrong,) = wrong_imports(folder / "made_up.py")
    assert word in wrong
