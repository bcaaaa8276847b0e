"""What every verb does."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_specs import FLAT, SPEC, WRONG

from rnnc.catalogue import codes
from rnnc.cli import VERBS, command, run
from rnnc.compiler import load_module

Capture = pytest.CaptureFixture[str]


def feed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


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
    for stage in ("syntax", "model", "system", "adjoint", "rtrl", "program"):
        assert run(["dump", "--stage", stage, "small.rnn"]) == 0
        texts.append(capsys.readouterr().out)
    assert len(set(texts)) == 6 and texts[0] == SPEC.replace("input  x", "input x").replace("loss   s", "loss s")
    program = [line.strip() for line in texts[-1].splitlines()]
    assert program[0] == "program small"
    assert "loop n forward" in program and "loop n backward" in program
    assert "buffer y[-1 n] : H" in program


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
    assert run(["train", "char_lm", "-s", "V=3", *given]) == 2
    assert "text.txt has 15 different characters, and `V` is set to 3" in capsys.readouterr().err
    assert run(["train", "-", "--text", "-"]) == 2
    assert "standard input cannot be the spec and the text" in capsys.readouterr().err
    assert run(["train", "char_lm", "-s", "H=4", "--minutes", "-1"]) == 2
