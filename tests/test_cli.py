"""The command line: every verb, every exit status, standard input and output, files written whole or not at
all.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rnnc.catalogue import codes
from rnnc.cli import VERBS, command, run
from rnnc.compiler import load_module
from rnnc.places import specs_folder

SPEC = """network small(D = 2, H = 3) {
  axis n
  input  x[n] : D
  target t[n] : H
  output y[n] : H = tanh(full(x) + full(y[n-1]) + bias)
  loss   squared_error(y, t)
}
"""
WRONG = SPEC.replace("full(x)", "full(z)")
WARNED = SPEC.replace("  loss", "  param  Q : (D, D)\n  loss")
FLAT = SPEC.replace(" + full(y[n-1])", "")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder but for a few specs."""
    for name, text in (("small", SPEC), ("wrong", WRONG), ("warned", WARNED), ("flat", FLAT)):
        (tmp_path / f"{name}.rnn").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def feed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


# ---- the verbs


def test_help_and_version(capsys: Capture) -> None:
    assert run(["--help"]) == 0
    said = capsys.readouterr()
    assert all(f"  {name} " in said.out for name, _ in VERBS) and not said.err
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("rnnc ")


@pytest.mark.parametrize("verb", [name for name, _ in VERBS])
def test_every_verb_has_help(verb: str, capsys: Capture) -> None:
    assert command(verb) is not None
    assert run([verb, "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"usage: rnnc {verb}") and not said.err


def test_check(capsys: Capture) -> None:
    assert run(["check", "small.rnn"]) == 0
    assert capsys.readouterr() == ("small.rnn: correct\n", "")
    assert run(["check", "warned.rnn"]) == 0
    said = capsys.readouterr()
    assert "with 1 warning" in said.out and "warning[W101]" in said.err
    assert run(["check", "wrong.rnn", "small.rnn"]) == 1
    said = capsys.readouterr()
    assert "error[E101]" in said.err and said.out == "small.rnn: correct\n"


def test_a_shipped_network_by_name(capsys: Capture, folder: Path) -> None:
    assert run(["check", "elman"]) == 0
    assert capsys.readouterr().out == "specs/elman.rnn: correct\n"
    (folder / "elman").write_text(WRONG)
    assert run(["check", "elman"]) == 1, "a file of that name goes first"


def test_compile(capsys: Capture, folder: Path) -> None:
    assert run(["compile", "small.rnn", "-s", "H=5"]) == 0
    assert capsys.readouterr() == ("", "wrote small.py\n")
    module = load_module((folder / "small.py").read_text(encoding="utf-8"), "small")
    assert module.SIZES["H"] == 5 and "H" in module.PINNED
    assert run(["compile", "small.rnn", "-s", "H=5", "--check"]) == 0
    assert run(["compile", "small.rnn", "--check"]) == 1
    assert "small.py" in capsys.readouterr().err
    assert run(["compile", "small.rnn", "--check", "-o", "none.py"]) == 1
    assert not (folder / "none.py").exists()


def test_compile_writes_over_nothing_of_others(capsys: Capture, folder: Path) -> None:
    (folder / "small.py").write_text("print('mine')\n")
    assert run(["compile", "small.rnn"]) == 2
    assert (folder / "small.py").read_text() == "print('mine')\n"
    assert "-o small.py" in capsys.readouterr().err
    assert run(["compile", "small.rnn", "-o", "small.py"]) == 0
    assert run(["compile", "small.rnn"]) == 0


@pytest.mark.parametrize(
    ("name", "module"),
    [("my-net", "my_net"), ("for", "for_"), ("copy", "copy_"), ("numpy", "numpy_"), ("2d", "_2d")],
)
def test_a_module_can_be_imported(name: str, module: str, folder: Path) -> None:
    (folder / f"{name}.rnn").write_text(FLAT)
    assert run(["compile", f"{name}.rnn"]) == 0
    assert (folder / f"{module}.py").is_file()


def test_stdin_and_stdout(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(SPEC, monkeypatch)
    assert run(["compile", "-"]) == 0
    piped = capsys.readouterr()
    assert run(["compile", "small.rnn", "-o", "-"]) == 0
    assert capsys.readouterr() == piped == (piped.out, "")
    feed(WRONG, monkeypatch)
    assert run(["check", "-"]) == 1
    assert "--> <stdin>:5:" in capsys.readouterr().err


def test_graph(capsys: Capture, folder: Path) -> None:
    assert run(["graph", "small.rnn"]) == 0
    folded = ElementTree.fromstring(capsys.readouterr().out)
    assert folded.tag.endswith("svg")
    assert run(["graph", "small.rnn", "--unroll", "3", "-o", "small.svg"]) == 0
    assert ElementTree.parse(folder / "small.svg").getroot().tag.endswith("svg")
    assert run(["graph", "small.rnn", "-o", "small.dot"]) == 0
    assert "digraph" in (folder / "small.dot").read_text()


def test_derive(capsys: Capture) -> None:
    assert run(["derive", "small.rnn"]) == 0
    text = capsys.readouterr().out
    assert run(["derive", "small.rnn", "--format", "latex", "--wrt", "y.W_y", "--format", "concise"]) == 0
    latex = capsys.readouterr().out
    assert "tanh" in text and "\\tanh" in latex
    assert run(["derive", "small.rnn", "--wrt", "y.W_z"]) == 2
    assert "y.W_z" in capsys.readouterr().err


def test_dump(capsys: Capture) -> None:
    texts = []
    for stage in ("syntax", "model", "system", "adjoint", "program"):
        assert run(["dump", "--stage", stage, "small.rnn"]) == 0
        texts.append(capsys.readouterr().out)
    assert len(set(texts)) == 5 and texts[0] == SPEC.replace("input  x", "input x").replace(
        "loss   s", "loss s"
    )
    program = texts[-1].splitlines()
    assert program[0] == "program small"
    assert "    loop n forward" in program and "    loop n backward" in program
    assert "  buffer y[-1 n] : H" in program


def test_explain(capsys: Capture) -> None:
    assert run(["explain"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(codes())
    for code in codes():
        assert run(["explain", code.lower()]) == 0
        assert capsys.readouterr().out.startswith(f"{code}\n\n")
    assert run(["explain", "E1O1"]) == 2
    assert "did you mean E1" in capsys.readouterr().err


def test_train(capsys: Capture, folder: Path) -> None:
    words = ("one", "two", "three", "four")
    (folder / "text.txt").write_text(
        "\n\n".join(f"{a} {b} {c} {k}" for a in words for b in words for c in words for k in range(3))
    )
    given = ["--text", "text.txt", "--steps", "2", "--batch", "2", "--window", "8", "--sample", "5"]
    assert run(["train", "char_lm", "-s", "H=4", *given]) == 0
    said = capsys.readouterr()
    assert "trigram" in said.out and "char_lm" in said.out and (folder / "weights.npz").is_file()
    assert run(["train", "small.rnn", *given]) == 1
    assert run(["train", "char_lm", "-s", "H=4", "--text", "none.txt"]) == 2
    assert run(["train", "char_lm", "-s", "H=4", "--minutes", "-1"]) == 2


# ---- what can go wrong


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: rnnc VERB"),
        (["complie", "small.rnn"], "did you mean `rnnc compile`?"),
        (["small.rnn"], "rnnc compile small.rnn"),
        (["--verbose"], "unknown option `--verbose`"),
        (["check"], "SPEC"),
        (["check", "small.rnn", "--formt", "json"], "did you mean `--format`?"),
        (["check", "small.rnn", "--form=json"], "did you mean `--format`?"),
        (["check", "small.rnn", "-q"], "no option `-q`"),
        (["check", "small.rnn", "--format", "xml"], "xml"),
        (["check", "smal.rnn"], "did you mean `small.rnn`?"),
        (["check", "lstmm"], "did you mean the shipped network `lstm`?"),
        (["check", "specs/lstm.rnn"], "did you mean the shipped network `lstm`?"),
        (["check", "nowhere.rnn"], "cannot read nowhere.rnn: no such file"),
        (["check", "."], "it is a directory"),
        (["compile", "small.rnn", "-s", "H"], "as in H=64"),
        (["compile", "small.rnn", "-s", "H=big"], "as in H=64"),
        (["compile", "small.rnn", "-s", "=3"], "as in H=64"),
        (["compile", "small.rnn", "-s", "H=3", "-s", "H=4"], "given twice"),
        (["compile", "small.rnn", "--target", "nunpy"], "did you mean `numpy`?"),
        (["compile", "small.rnn", "-o", "none/small.py"], "cannot write none/small.py: no such file"),
        (["compile", "small.rnn", "-o", "."], "cannot write .: is a directory"),
        (["compile", "small.rnn", "-o", "-", "--check"], "--check"),
        (["graph", "small.rnn", "-o", "small.png"], ".svg or .dot"),
        (["graph", "small.rnn", "--unroll", "0"], "at least 1"),
        (["dump", "small.rnn", "--stage", "modle"], "model"),
        (["explain", "hello"], "rnnc explain"),
    ],
)
def test_usage(arguments: list[str], said: str, capsys: Capture, folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.startswith("error: ") and not shown.out
    assert "Traceback" not in shown.err and sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "verb", [["check"], ["compile"], ["graph"], ["derive"], ["dump"], ["dump", "--stage", "model"], ["train"]]
)
def test_a_wrong_spec(verb: list[str], capsys: Capture, folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert run([*verb, "wrong.rnn"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("error[E101]: unknown name `z`\n --> wrong.rnn:5:") and not said.out
    assert sorted(folder.iterdir()) == before


def test_settings_and_networks_are_the_spec_s_affair(capsys: Capture) -> None:
    assert run(["check", "small.rnn", "-s", "h=3"]) == 1
    assert "`h`" in capsys.readouterr().err
    assert run(["check", "small.rnn", "-s", "H=0.5"]) == 1
    assert run(["check", "small.rnn", "--network", "smal"]) == 1
    assert "small" in capsys.readouterr().err


def test_forms_of_diagnostics(capsys: Capture) -> None:
    assert run(["check", "wrong.rnn", "--format", "concise"]) == 1
    assert capsys.readouterr().err.startswith("wrong.rnn:5:31: error[E101]: ")
    assert run(["check", "warned.rnn", "wrong.rnn", "--format=json"]) == 1
    said = capsys.readouterr()
    assert [json.loads(line)["code"] for line in said.err.splitlines()] == ["W101", "E101"] and not said.out
    assert run(["compile", "warned.rnn", "--format", "json"]) == 0
    assert [json.loads(line)["code"] for line in capsys.readouterr().err.splitlines()] == ["W101"]


def test_colors(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    run(["check", "wrong.rnn"])
    assert "\033" not in capsys.readouterr().err, "no terminal"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(["check", "wrong.rnn"])
    assert "\033[" in capsys.readouterr().err
    monkeypatch.setenv("NO_COLOR", "1")
    run(["check", "wrong.rnn"])
    assert "\033" not in capsys.readouterr().err


def test_a_bug_of_the_compiler(capsys: Capture, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def broken(*_: object) -> str:
        raise KeyError("h.c")

    monkeypatch.setattr("rnnc.compiler.emit", broken)
    monkeypatch.delenv("RNNC_DEBUG", raising=False)
    assert run(["compile", "small.rnn"]) == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "report" in said.err and "test_cli.py:" in said.err
    monkeypatch.setenv("RNNC_DEBUG", "1")
    assert run(["compile", "small.rnn"]) == 3
    assert "KeyError" in capsys.readouterr().err
    assert not (folder / "small.py").exists()


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (MemoryError(), 2), (BrokenPipeError(), 141)]
)
def test_ended_from_outside(
    error: BaseException, status: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> str:
        raise error

    monkeypatch.setattr("rnnc.compiler.emit", ended)
    assert run(["compile", "small.rnn"]) == status
    assert capsys.readouterr().err == ("error: not enough memory\n" if status == 2 else "")


# ---- files


def test_a_file_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["compile", "small.rnn"]) == 0
    old = (folder / "small.py").read_bytes()
    before = sorted(folder.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            assert run(["compile", "small.rnn", "-s", "H=7"]) == 2
        assert (folder / "small.py").read_bytes() == old and sorted(folder.iterdir()) == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions bind everyone but root"
)
def test_a_folder_that_cannot_be_written(folder: Path, capsys: Capture) -> None:
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    assert run(["compile", "small.rnn", "-o", "closed/small.py"]) == 2
    assert "cannot write closed/small.py: permission denied" in capsys.readouterr().err
    assert list(closed.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links, modes and devices of Unix")
def test_modes_links_and_devices(folder: Path) -> None:
    mask = os.umask(0o022)
    try:
        assert run(["compile", "small.rnn", "-o", "real.py"]) == 0
    finally:
        os.umask(mask)
    assert (folder / "real.py").stat().st_mode & 0o777 == 0o644
    (folder / "real.py").chmod(0o640)
    (folder / "link.py").symlink_to("real.py")
    assert run(["compile", "small.rnn", "-s", "H=9", "-o", "link.py"]) == 0
    assert (folder / "link.py").is_symlink() and "'H': 9" in (folder / "real.py").read_text(encoding="utf-8")
    assert (folder / "real.py").stat().st_mode & 0o777 == 0o640
    assert run(["compile", "small.rnn", "-o", os.devnull]) == 0
    assert not Path(os.devnull).is_file()


# ---- the same bytes


def test_the_same_module_from_anywhere(folder: Path) -> None:
    """Another folder, another locale, another seed of the hashes, another process."""
    lstm = specs_folder() / "lstm.rnn"
    (folder / "elsewhere").mkdir()
    assert run(["compile", str(lstm), "-o", "here.py"]) == 0
    for seed, locale, where, spec in (
        ("1", "C", folder, "lstm"),
        ("77", "C.UTF-8", folder / "elsewhere", str(lstm)),
    ):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONUTF8": "0"}
        asked = [sys.executable, "-m", "rnnc", "compile", spec, "-o", "-"]
        made = subprocess.run(asked, cwd=where, env=environment, capture_output=True, check=True)
        assert made.stdout == (folder / "here.py").read_bytes() and not made.stderr


def test_the_order_of_statements_changes_nothing(folder: Path) -> None:
    spec = (specs_folder() / "lstm.rnn").read_text(encoding="utf-8")
    lines = [line for line in spec.splitlines() if line and not line.startswith("#")]
    cell, network = lines[1:6], lines[9:15]
    assert lines[7] == "}" and lines[15] == "}"
    turned = [lines[0], *reversed(cell), *lines[6:8], lines[8], *reversed(network), "}"]
    texts = []
    for name, body in (("lstm", lines), ("turned", turned)):
        (folder / f"{name}.rnn").write_text("\n".join(body) + "\n")
        assert run(["compile", f"{name}.rnn"]) == 0
        module = (folder / f"{name}.py").read_text(encoding="utf-8")
        texts.append(module[: module.index("SPEC = (")] + module[module.index("\n)\n") :])
    assert texts[0] == texts[1]


# ---- the process


def test_help_and_check_import_little() -> None:
    code = (
        "import sys; from rnnc.cli import run; run(sys.argv[1:]); "
        "print(*sorted({'numpy', 'lark', 'networkx', 'sympy', 'argparse'} & set(sys.modules)))"
    )
    loaded = []
    for arguments in (["--help"], ["check", "small.rnn"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        loaded.append(done.stdout.splitlines()[-1].split())
    assert loaded == [[], ["argparse", "networkx"]]


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
