"""The grammar and the specs are found in a checkout and in a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rnnc.places import folder, grammar_file, specs_folder

ROOT = Path(__file__).parents[1]


def test_found() -> None:
    assert grammar_file().is_file()
    assert (specs_folder() / "lstm.rnn").is_file()
    with pytest.raises(FileNotFoundError):
        folder("nowhere")


def test_a_wheel_carries_them(tmp_path: Path) -> None:
    if not (ROOT / "setup.py").is_file():
        pytest.skip("not a checkout")
    pytest.importorskip("setuptools")
    copy = tmp_path / "copy"
    for name in ("rnnc", "grammar", "specs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=copy, capture_output=True, text=True, check=True
    )
    site = tmp_path / "site"
    with zipfile.ZipFile(tmp_path / done.stdout.splitlines()[-1]) as wheel:
        wheel.extractall(site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); from rnnc.places import specs_folder;"
        "from rnnc.frontend.parse import parse; from rnnc.frontend.read import read_path;"
        "from rnnc.diagnostics import Reporter; r = Reporter();"
        "file = parse(read_path(specs_folder() / 'lstm.rnn'), r);"
        "print(file.networks[0].body != (), r.wrong, 'lark' in sys.modules); print(specs_folder())"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    first, second = ran.stdout.splitlines()
    assert first == "True False False"
    assert second == str(site / "rnnc" / "_data" / "specs")
