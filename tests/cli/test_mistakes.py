"""Exit statuses and what is said: wrong specs, wrong usage, mistakes of rnnc, ends from outside."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from cli_specs import SPEC

from rnnc.cli import run

Capture = pytest.CaptureFixture[str]


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
        (["check", "small"], "did you mean `small.rnn`?"),
        (["plan", "small.rnn", "-T", "n=4,m=6"], "as 1000 or n=1000 (once for each axis), not `n=4,m=6`"),
        (["check", "lstmm"], "did you mean the shipped network `lstm`?"),
        (["check", "specs/lstm.rnn"], "did you mean the shipped network `lstm`?"),
        (["check", "nowhere.rnn"], "cannot read nowhere.rnn: no such file"),
        (["check", "."], "it is a directory"),
        (["compile", "small.rnn", "-s", "H"], "as in H=64"),
        (["compile", "small.rnn", "-s", "H=big"], "as in H=64"),
        (["compile", "small.rnn", "-s", "=3"], "as in H=64"),
        (["compile", "small.rnn", "-s", "H=3", "-s", "H=4"], "given twice"),
        (["check", "small.rnn", "-s", "H=1000000000", "-s", "H=1000000001"], "1000000000 and 1000000001"),
        (["compile", ""], "the name of a file is empty: SPEC"),
        (["compile", "small.rnn", "-o", ""], "the name of a file is empty: OUT"),
        (["check", "a\nb\033[31m"], "cannot read a?b?[31m: no such file"),
        (["fidelity", "small.rnn", "-s", "H=1000000000000000"], "not enough memory"),
        (["compile", "small.rnn", "--target", "nunpy"], "did you mean `numpy`?"),
        (["compile", "small.rnn", "-o", "none/small.py"], "cannot write none/small.py: no such file"),
        (["compile", "small.rnn", "-o", "."], "cannot write .: is a directory"),
        (["compile", "small.rnn", "-o", "-", "--check"], "--check"),
        (["graph", "small.rnn", "-o", "small.png"], ".svg or .dot"),
        (["graph", "small.rnn", "--unroll", "0"], "at least 1"),
        (["graph", "small.rnn", "--unroll", "4000"], "more than 5,000 boxes and edges"),
        (["graph", "small.rnn", "--unroll", "1000000000000"], "more than 5,000 boxes and edges"),
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
    for value, said in (
        ("0.5", "cannot be 0.5: it must be a whole number of at least 1"),
        ("nan", "cannot be nan: it must be a whole number of at least 1"),
        ("1e300", "cannot be 1e+300: it must be at most 10^18"),
        ("9" * 25, "cannot be 1e+25: it must be at most 10^18"),
    ):
        assert run(["plan", "small.rnn", "-s", f"H={value}"]) == 1
        assert said in capsys.readouterr().err
    assert run(["plan", "small.rnn", "-s", "H=9007199254740993"]) == 0
    assert "H = 9007199254740993\n" in capsys.readouterr().out
    assert run(["check", "small.rnn", "--network", "smal"]) == 1
    assert "small" in capsys.readouterr().err


def test_every_spec_is_looked_at(capsys: Capture) -> None:
    assert run(["check", "small.rnn", "nowhere.rnn", "wrong.rnn"]) == 2
    said = capsys.readouterr()
    assert said.out == "small.rnn: correct\n"
    assert said.err.startswith("error: cannot read nowhere.rnn: no such file\nerror[E101]: ")


def test_forms_of_diagnostics(capsys: Capture) -> None:
    assert run(["check", "wrong.rnn", "--format", "concise"]) == 1
    assert capsys.readouterr().err.startswith("wrong.rnn:5:31: error[E101]: ")
    assert run(["check", "warned.rnn", "wrong.rnn", "--format=json"]) == 1
    said = capsys.readouterr()
    assert [json.loads(line)["code"] for line in said.err.splitlines()] == ["W101", "E101"] and not said.out
    with open("odd.rnn", "w", encoding="utf-8") as stream:
        stream.write('use "é\u2028.rnn"\n' + SPEC)
    assert run(["check", "odd.rnn", "--format", "json"]) == 1
    shown = capsys.readouterr().err
    assert shown.isascii() and "é\u2028" in json.loads(shown.splitlines()[0])["message"]
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
    assert said.err.count("\n") == 1 and "report" in said.err and "test_mistakes.py:" in said.err
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
