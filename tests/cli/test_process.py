"""What a process of `rnnc` imports, and its streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_specs import SPEC

Capture = pytest.CaptureFixture[str]
ASCII = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""An environment in which names of files are ASCII."""


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
    for words, status in (
        (" check $1", 0),
        (" check $1 >&- 2>&-", 0),
        (" check - <&-", 2),
        (" compile $1 >&-", 0),
    ):
        script = f"{sys.executable} -m rnnc{words}"
        done = subprocess.run([b"sh", b"-c", os.fsencode(script), b"sh", name], env=ASCII, capture_output=True)
        assert done.returncode == status, done.stderr
        assert done.stderr.count(b"\n") <= 1


def test_a_file_whose_name_the_locale_lacks(folder: Path) -> None:
    (folder / "uses.rnn").write_text('use "é.rnn"\n' + SPEC, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "rnnc", "check", "uses.rnn"], env=ASCII, capture_output=True)
    assert done.returncode == 1 and done.stderr.startswith(b"error[E007]: cannot use `\\xe9.rnn`")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")
def test_a_reader_that_leaves() -> None:
    rnnc = [sys.executable, "-m", "rnnc"]
    with subprocess.Popen([*rnnc, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_disk() -> None:
    rnnc = [sys.executable, "-m", "rnnc"]
    with open("/dev/full", "wb") as full:
        for words in (["--version"], ["check", "--help"], ["check", "small.rnn"]):
            done = subprocess.run([*rnnc, *words], stdout=full, stderr=subprocess.PIPE)
            assert done.returncode == 2 and done.stderr.startswith(b"error: ") and done.stderr.count(b"\n") == 1
        for spec, status in (("wrong.rnn", 1), ("warned.rnn", 0)):
            assert subprocess.run([*rnnc, "check", spec], stdout=subprocess.PIPE, stderr=full).returncode == status


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")
def test_a_result_through_a_pipe() -> None:
    command = [sys.executable, "-m", "rnnc", "compile", "small.rnn", "-o"]
    done = [subprocess.run([*command, out], capture_output=True, check=True).stdout for out in ("-", "/dev/stdout")]
    assert done[0] == done[1] and done[0].startswith(b'"""')
