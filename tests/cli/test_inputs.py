"""What is read is never written over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import long_text

from rnnc.cli import run
from rnnc.commands.failure import Failure
from rnnc.commands.output import refuse_input

Capture = pytest.CaptureFixture[str]

NEXT = """network next(V = 8) {
  axis n
  input  w[n] : token(V)
  target t[n] : token(V)
  output p[n] : V = softmax(full(embedding(w[n], V)))
  loss   mean over n (cross_entropy(p, t))
  feedback w[n+1] = sample(p[n])
}
"""


@pytest.mark.parametrize(
    "words",
    [
        ["train", "next.rnn", "--text", "IT", "--steps", "1"],
        ["train", "IT", "--text", "a.txt", "--steps", "1"],
        ["train", "next.rnn", "--data", "IT", "--steps", "1"],
        ["train", "small.rnn", "--data", "d.npz", "--valid", "IT", "--steps", "1"],
        ["predict", "small.rnn", "--weights", "w.npz", "--data", "IT"],
        ["predict", "small.rnn", "--weights", "IT", "--data", "d.npz"],
        ["generate", "next.rnn", "--weights", "IT"],
        ["generate", "IT", "--weights", "w.npz"],
        ["compile", "IT"],
        ["graph", "IT"],
        ["plan", "IT"],
        ["fidelity", "IT"],
        ["fidelity", "small.rnn", "--data", "IT"],
    ],
)
def test_a_file_that_is_read_stays(words: list[str], folder: Path, capsys: Capture) -> None:
    np.savez("d.npz", x=np.ones((3, 2, 2)), t=np.ones((3, 2, 3)))
    Path("next.rnn").write_text(NEXT)
    Path("a.txt").write_text(long_text())
    verb, it = words[0], Path("it.npz" if words[0] == "predict" else "it.svg")
    # Whatever it is: a spec is one that compiles, a text one that can be learnt.
    it.write_text(NEXT + "# a text as any other\n" * 100)
    (folder / "elsewhere.svg").symlink_to(it)
    before = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    given = [str(it) if word == "IT" else word for word in words]
    for out in (str(it), str(folder / it), *(() if verb == "predict" else ("elsewhere.svg",))):
        assert run([*given, "-o", out]) == 2
        named = "" if out == str(it) else f"{it}, "
        assert capsys.readouterr().err == f"error: {out} is {named}the input itself\nname another place with `-o`\n"
    assert {path.name: path.read_bytes() for path in sorted(folder.iterdir())} == before


def test_what_is_another_file(folder: Path) -> None:
    refuse_input("-", "-", "small.rnn")
    refuse_input("small.rnn", "wrong.rnn", "lstm", "none.txt", None)
    refuse_input("none.txt", "none.txt")
    refuse_input(str(folder), str(folder))
    with pytest.raises(Failure, match="the input itself"):
        refuse_input("small.rnn", "lstm", "small.rnn")
    assert run(["compile", "small.rnn", "--check", "-o", "small.rnn"]) == 1, "nothing is written"


@pytest.mark.skipif(sys.platform == "win32", reason="standard input of Unix")
def test_the_file_on_standard_input(folder: Path) -> None:
    before = (folder / "small.rnn").read_bytes()
    with open("small.rnn", "rb") as stdin:
        command = [sys.executable, "-m", "rnnc", "compile", "-", "-o", "small.rnn"]
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: small.rnn is what stands on standard input, the input itself\n")
    assert (folder / "small.rnn").read_bytes() == before
