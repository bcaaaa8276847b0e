"""rnnc compiles a spec from another folder: installed from a wheel, editable, or run from a bare checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".venv", "*cache*", "*.egg-info", "build", "dist", "tests", "benchmarks")

SPEC = """use "lstm"
use "parts/leaky.rnn"
network net(D = 3, H = 4) {
  axis n
  input  x[n] : D
  unit   h[n] = lstm(x, H)
  output y[n] = leaky(h, H)
}
"""
PART = """cell leaky(x, H) over n {
  unit y : H = 0.5 * y[n-1] + 0.5 * x
  return y
}
"""
USE = """
import sys, numpy as np, net
y = net.forward(net.init(), x=np.ones((5, 2, 3)))["y"]
assert y.shape == (5, 2, 4) and y.any(), y
assert not any(name.split(".")[0] == "rnnc" for name in sys.modules)
"""


def run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    """What a command prints; a failure shows it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_"))}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, so that building leaves nothing behind."""
    copy = tmp_path_factory.mktemp("checkout") / "rnnc"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return copy


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of an environment that has what rnnc depends on, and no rnnc."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    # a plain path: the .pth files in that folder, where an editable rnnc would be named, are not read
    Path(paths["purelib"], "borrowed.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    found = Path(paths["scripts"]) / ("python.exe" if os.name == "nt" else "python")
    run(found, "-c", "import lark, networkx, numpy, sympy", cwd=tmp_path)
    return found


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with a spec that uses a shipped cell and a file of its own."""
    folder = tmp_path / "elsewhere"
    (folder / "parts").mkdir(parents=True)
    (folder / "net.rnn").write_text(SPEC, encoding="utf-8")
    (folder / "parts" / "leaky.rnn").write_text(PART, encoding="utf-8")
    return folder


def pip(python: Path, *arguments: str | Path, cwd: Path) -> None:
    """pip of this environment, for another; it fetches what builds a package only where that is not here."""
    here: tuple[str, ...] = ()
    try:
        if int(version("setuptools").split(".")[0]) >= 77:
            here = ("--no-build-isolation",)
    except PackageNotFoundError:
        pass
    options = ("-q", "--disable-pip-version-check", "--no-deps", *here)
    run(sys.executable, "-m", "pip", "--python", python, *arguments[:1], *options, *arguments[1:], cwd=cwd)


def compiles(command: tuple[str | Path, ...], python: Path, elsewhere: Path, path: Path | None) -> None:
    """The spec is compiled, and its module works without rnnc."""
    run(*command, "compile", "net.rnn", cwd=elsewhere, path=path)
    run(python, "-c", USE, cwd=elsewhere)


def test_from_a_wheel(python: Path, checkout: Path, elsewhere: Path, tmp_path: Path) -> None:
    pip(python, "wheel", checkout, "--wheel-dir", tmp_path, cwd=tmp_path)
    (wheel,) = tmp_path.glob("rnnc-*.whl")
    pip(python, "install", wheel, cwd=tmp_path)
    compiles((python.with_name("rnnc"),), python, elsewhere, None)
    where = run(python, "-c", "import rnnc; print(rnnc.__file__)", cwd=elsewhere)
    assert not Path(where.strip()).is_relative_to(checkout)


def test_editable(python: Path, checkout: Path, elsewhere: Path) -> None:
    pip(python, "install", "-e", checkout, cwd=elsewhere)
    compiles((python.with_name("rnnc"),), python, elsewhere, None)
    where = run(python, "-c", "import rnnc; print(rnnc.__file__)", cwd=elsewhere)
    assert Path(where.strip()).is_relative_to(checkout)


def test_from_a_bare_checkout(python: Path, checkout: Path, elsewhere: Path) -> None:
    compiles((python, "-m", "rnnc"), python, elsewhere, checkout)
