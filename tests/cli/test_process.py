"""What a process of `rnnc` imports, and its streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_specs import SPEC

Capture = pytest.CaptureFixture[str]


def test_help_and_check_import_little() -> None:
    code = (
        "import sys; from rnnc.cli import run; run(sys.argv[1:]); "
        "print(*sorted({'numpy', 'lark', 'networkx', 'sympy', 'argparse'} & set(sys.modules)))"
    )
    loaded = []
    for arguments in (["--help"], ["check", "small.rnn"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        loaded.append(done.stdout.splitlines()[-1].split())
    assert loaded == [[], ["argparse", "networkx"]]


def test_no_garbage_is_looked_for() -> None:
    code = (
        "import gc, sys; gc.callbacks.append(lambda when, found: print(len(gc.get_objects()), 'objects', when)); "
        "from rnnc.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "check", "small.rnn"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after = done.stdout.split("small.rnn: correct\n")
    assert all(int(line.split()[0]) < 1_000 for line in after.splitlines()), after
    assert before.count("start") < 5, before


@pytest.mark.skipif(sys.platform == "win32", reason="streams of Unix")
def test_closed_streams_and_odd_names(folder: Path) -> None:
    name = os.fsencode(folder) + b"/\xff\xe9.rnn"
    try:
        with open(name, "w") as stream:
            stream.write(SPEC)
    except OSError:
        pytest.skip("file names are text here")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words, status in (
        (" check $1", 0),
        (" check $1 >&- 2>&-", 0),
        (" check - <&-", 2),
        (" compile $1 >&-", 0),
    ):
        script = f"{sys.executable} -m rnnc{words}"
        done = subprocess.run([b"sh", b"-c", os.fsencode(script), b"sh", name], env=environment, capture_output=True)
        assert done.returncode == status, done.stderr
        assert done.stderr.count(b"\n") <= 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")
def test_a_reader_that_leaves() -> None:
    rnnc = [sys.executable, "-m", "rnnc"]
    with subprocess.Popen([*rnnc, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([*rnnc, "--version"], stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 2 and done.stderr.startswith(b"error: ") and done.stderr.count(b"\n") == 1
