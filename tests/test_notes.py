"""Notes beside weights that rnnc did not write, or that are damaged: the file and the note are named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rnnc.cli import run
from rnnc.compiler import compile_text
from rnnc.runtime.fit import load
from rnnc.runtime.notes import check_notes
from rnnc.runtime.weights import WeightsError, save_weights

SPEC = """network small(D = 2, H = 3) {
  axis n
  input  x[n] : D
  target t[n] : 1
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
  output y[n] : 1 = full(h[n])
  loss mean over n (squared_error(y, t))
}
"""
MODULE = compile_text(SPEC)
RIGHT = {
    "sizes": '{"D": 2, "H": 3}',
    "vocabulary": '["a", "b"]',
    "split": "0.8/0.1/0.1",
    "seed": "3",
    "unit": "words",
    "spec": "any",
}


@pytest.mark.parametrize("sizes", ["{}", '{"H": 3}', RIGHT["sizes"]])
def test_what_train_writes_is_read(sizes: str, tmp_path: Path) -> None:
    save_weights(tmp_path / "w.npz", MODULE.init(), {**RIGHT, "sizes": sizes})
    assert load(MODULE, tmp_path / "w.npz").notes["seed"] == "3"
    check_notes({"vocabulary": json.dumps("ab\u00e4")}, tmp_path)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        *(("sizes", note) for note in ("", "[1]", "3", "null", "{", '{"H": 0}', '{"H": "3"}', '{"H": 3.0}')),
        *(("sizes", note) for note in ('{"H": true}', '{"H": 1000000000000000001}', "[" * 10_000, "9" * 5000)),
        *(("vocabulary", note) for note in ("", "3", "[1]", '{"a": 1}', "null", '["a", null]')),
        *(("split", note) for note in ("", "1/2", "a/b/c", "nan/1/1", "inf/1/1", "-1/1/1")),
        *(("seed", note) for note in ("", "x", "-1", "1.5", "9" * 5000)),
        ("unit", "letters"),
    ],
)
def test_a_damaged_note_is_named(name: str, note: str, tmp_path: Path) -> None:
    save_weights(tmp_path / "w.npz", MODULE.init(), {**RIGHT, name: note})
    with pytest.raises(WeightsError, match=rf"w\.npz`: its note `{name}` is damaged"):
        load(MODULE, tmp_path / "w.npz")


def test_sizes_that_no_memory_holds(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.npz", MODULE.init(), {"sizes": json.dumps({"H": 10**17})})
    with pytest.raises(WeightsError, match=r"`h.W_h` has shape \(3, 3\), the network \(1000000"):
        load(MODULE, tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("notes", "more", "said"),
    [
        ({"sizes": "3"}, [], "its note `sizes` is damaged"),
        ({"split": "1/1"}, ["--part", "test"], "its note `split` is damaged"),
        ({"split": "1/1/1"}, ["--part", "test"], "has a note `split`, and the note `seed` is missing"),
    ],
)
def test_the_command_line_says_it(
    notes: dict[str, str], more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.rnn").write_text(SPEC)
    save_weights(tmp_path / "w.npz", MODULE.init(), notes)
    np.savez(tmp_path / "d.npz", x=np.ones((4, 9, 2)), t=np.ones((4, 9, 1)))
    words = ["--weights", str(tmp_path / "w.npz"), "--data", str(tmp_path / "d.npz"), *more]
    for verb in ("eval", "predict"):
        assert run([verb, str(tmp_path / "small.rnn"), *words]) == 2
        assert said in capsys.readouterr().err
