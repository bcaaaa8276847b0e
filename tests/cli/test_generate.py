"""`rnnc generate`: text by the vocabulary beside the weights, arrays otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import long_text

from rnnc.cli import run
from rnnc.compiler import compile_text
from rnnc.runtime.weights import load_weights, save_weights

Capture = pytest.CaptureFixture[str]

CLOSED = """network closed(D = 2) {
  axis n
  input  x[n] : D
  input  u[n] : 1
  output y[n] : D = tanh(full(x[n], u[n]) + full(y[n-1]) + bias)
  feedback x[n+1] = y[n]
}
"""
SMALL = [
    "--minutes",
    "1",
    "--steps",
    "20",
    "--batch",
    "4",
    "--window",
    "16",
    "-s",
    "H=8",
    "-s",
    "E=4",
    "--sample",
    "40",
]


@pytest.fixture
def text(folder: Path, capsys: Capture) -> str:
    """A network of characters, hardly trained, in w.npz; what `train` printed."""
    Path("a.txt").write_text(long_text(), encoding="utf-8")
    assert run(["train", "char_lm", "--text", "a.txt", "-o", "w.npz", *SMALL]) == 0
    return capsys.readouterr().out


def generate(*words: str, weights: str = "w.npz", spec: str = "char_lm") -> int:
    return run(["generate", spec, "--weights", weights, *words])


def test_text(text: str, capsys: Capture) -> None:
    assert generate("-s", "H=8", "-s", "E=4", "--length", "40") == 0
    said = capsys.readouterr().out
    assert len(said) == 41
    assert text.endswith(said), "the sample after training is drawn by the same door"
    assert generate("--prime", "the cat", "--length", "30", "--temperature", "0", "-o", "out.txt") == 0
    assert capsys.readouterr().out == ""
    first = Path("out.txt").read_text(encoding="utf-8")
    assert first.startswith("the cat") and len(first) == 7 + 30 + 1
    assert generate("--prime", "the cat", "--length", "30", "--temperature", "0", "--seed", "5") == 0
    assert capsys.readouterr().out == first


def test_tokens_that_no_text_had_are_never_drawn(folder: Path, capsys: Capture) -> None:
    """The spec has room for 128, the text 3; after one step they are all about as likely."""
    Path("a.txt").write_text("ab\n" * 200, encoding="utf-8")
    assert run(["train", "char_lm", "--data", "a.txt", "--window", "9", "--steps", "1", "-s", "H=8", "-s", "E=4"]) == 0
    capsys.readouterr()
    assert generate("-s", "H=8", "-s", "E=4", "--length", "60", weights="run/weights.npz") == 0
    said = capsys.readouterr().out
    assert len(said) == 61 and set(said) == set("ab\n")


def test_arrays(folder: Path, capsys: Capture) -> None:
    Path("closed.rnn").write_text(CLOSED, encoding="utf-8")
    module = compile_text(CLOSED)
    p = module.init(seed=3)
    save_weights(Path("c.npz"), p, {"sizes": json.dumps(p.sizes)})
    given = {"x": np.array([[0.5, -0.5]]), "u": np.linspace(0, 1, 12).reshape(12, 1)}
    np.savez("given.npz", **given)  # type: ignore[arg-type]
    expected = module.generate(p, 12, prefix=given["x"], u=given["u"])
    assert generate("--data", "given.npz", "--length", "12", "-o", "out.npz", weights="c.npz", spec="closed.rnn") == 0
    found = load_weights(Path("out.npz")).arrays
    assert set(found) == {"x", "y"}
    np.testing.assert_array_equal(found["y"], expected["y"])
    capsys.readouterr()
    assert generate("--data", "given.npz", "--length", "12", weights="c.npz", spec="closed.rnn") == 0
    names, *rows = capsys.readouterr().out.splitlines()
    assert names == "x.0,x.1,y.0,y.1" and len(rows) == 12
    np.testing.assert_allclose([[float(v) for v in r.split(",")][2:] for r in rows], expected["y"], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prime", "\u20ac"], "the prime holds '\u20ac', which the network has not learnt"),
        (["--prime", ""], "prime is empty"),
        (["--length", "0"], "--length is 0; it must be at least 1"),
        (["--temperature", "-1"], "temperature must be a number of at least 0"),
        (["--seed", "-1"], "seed must be a whole number of at least 0"),
        (["--data", "a.npz"], "--data is for networks that make no text"),
    ],
)
def test_mistakes(words: list[str], said: str, text: str, capsys: Capture) -> None:
    assert generate(*words) == 2
    shown = capsys.readouterr()
    assert said in shown.err and not shown.out


def test_no_feedback_and_no_vocabulary(folder: Path, capsys: Capture) -> None:
    module = compile_text(CLOSED)
    save_weights(Path("c.npz"), module.init(), {})
    Path("closed.rnn").write_text(CLOSED, encoding="utf-8")
    np.savez("bad.npz", u=np.array([[0.0], [np.nan]]))
    Path("open.rnn").write_text(CLOSED.replace("feedback x[n+1] = y[n]", ""), encoding="utf-8")
    for spec, words, said in (
        ("open.rnn", [], "the network does not say how it makes its next input"),
        ("closed.rnn", ["--prime", "a"], "--prime is a text, and these weights have no vocabulary"),
        ("closed.rnn", ["-o", "a.wav"], "cannot write a.wav: unknown format"),
        ("closed.rnn", [], "input `u` is missing"),
        ("closed.rnn", ["--data", "none.npz"], "cannot read `none.npz`"),
        ("closed.rnn", ["--data", "none.csv"], "cannot read none.csv: unknown format"),
        ("closed.rnn", ["--data", "bad.npz"], "bad.npz: input `u` at [1, 0] is nan"),
    ):
        assert generate(*words, weights="c.npz", spec=spec) == 2
        assert said in capsys.readouterr().err
