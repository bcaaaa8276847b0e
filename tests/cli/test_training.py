"""`rnnc train --data`, `eval` and `predict` from the command line: what they say, write and leave alone."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import rnnc
from rnnc.cli import run
from rnnc.runtime.learn import Rule
from rnnc.runtime.network import UnfitNetwork
from rnnc.runtime.stream import Steps

Capture = pytest.CaptureFixture[str]

SPEC = """
network summing(D = 3, H = 6) {
  axis n
  input  x[n] : D
  input  u : 1
  input  w[n] : token(4)
  target t[n] : 1
  unit   h[n] : H = tanh(full(x[n]) + full(u) + full(embedding(w[n], H)) + full(h[n-1]) + bias)
  start  h = tanh(full(u))
  output y[n] : 1 = full(h[n]) + bias
  loss mean over n (squared_error(y, t))
}
"""
AHEAD = SPEC.replace("full(h[n-1])", "full(h[n+1])")


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    """A network and its data in the current folder."""
    write_files()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, trained once."""
    kept, before = tmp_path_factory.mktemp("kept"), Path.cwd()
    os.chdir(kept)
    try:
        write_files()
        assert train() == 0
    finally:
        os.chdir(before)
    return kept / "run"


@pytest.fixture
def trained(kept: Path, files: None) -> None:
    """The run in the current folder."""
    shutil.copytree(kept, "run")


def write_files() -> None:
    Path("summing.rnn").write_text(SPEC)
    draw = np.random.default_rng(0)
    lengths = draw.integers(2, 9, size=30)
    x, w = draw.normal(size=(8, 30, 3)), draw.integers(4, size=(8, 30))
    u, t = draw.normal(size=(30, 1)), x.sum(-1, keepdims=True)
    np.savez("train.npz", x=x, u=u, w=w, t=t, lengths=lengths)
    np.savez("valid.npz", x=x[:, :5], u=u[:5], w=w[:, :5], t=t[:, :5], lengths=lengths[:5])
    rows = ["sequence,x.0,x.1,x.2,u.0,w,t.0"]
    for b in range(4):
        for n in range(lengths[b]):
            first = repr(float(u[b, 0])) if n == 0 else ""
            rows.append(f"s{b},{','.join(repr(float(v)) for v in x[n, b])},{first},{w[n, b]},{float(t[n, b, 0])!r}")
    Path("rows.csv").write_text("\n".join(rows) + "\n")


def train(*more: str) -> int:
    return run(["train", "summing.rnn", "--data", "train.npz", "--steps", "30", "--lr", "0.01", *more])


def test_train_eval_and_predict(capsys: Capture) -> None:
    assert train("--valid", "valid.npz", "-s", "H=4", "--clip", "1", "--out", "here") == 0
    shown = capsys.readouterr()
    assert not shown.out
    first, *_, last = shown.err.splitlines()
    assert first.startswith("train.npz: 30 sequences, ") and "5 to validate; D=3, H=4; " in first
    assert re.match(r"30 steps in 0:0\d, loss \d\.\d+ over the last ones; ", last)
    assert "weights in here/weights.npz, the best by validation" in last
    assert run(["eval", "summing.rnn", "-s", "H=4", "--weights", "here/best.npz", "--data", "valid.npz"]) == 0
    figures = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert list(figures) == ["loss", "mean squared error of t", "normalised error of t", "sequences"]
    checks = [json.loads(line) for line in Path("here/log.jsonl").read_text().splitlines()]
    best = min(line["loss"] for line in checks if line["event"] == "valid")
    assert float(figures["loss"]) == pytest.approx(best, rel=1e-4)
    words = ["eval", "summing.rnn", "-s", "H=4", "--weights", "here/best.npz", "--data", "valid.npz"]
    assert run([*words, "--format", "json"]) == 0
    exact = json.loads(capsys.readouterr().out)
    assert list(exact) == list(figures) and exact["sequences"] == 5
    assert exact["loss"] == pytest.approx(best, rel=1e-6)
    weights = ["--weights", "here/weights.npz"]
    assert run(["predict", "summing.rnn", *weights, "--data", "train.npz", "-o", "out.npz"]) == 0
    assert run(["predict", "summing.rnn", *weights, "--data", "rows.csv", "-o", "out.jsonl"]) == 0
    found = np.load("out.npz")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    np.testing.assert_array_equal(found["lengths"], np.load("train.npz")["lengths"])
    for b, line in enumerate(lines):
        np.testing.assert_allclose(line["y"], found["y"][: found["lengths"][b], b], rtol=1e-5)
        assert not found["y"][found["lengths"][b] :, b].any()


def test_targets_that_are_all_missing(capsys: Capture) -> None:
    """There is nothing to learn, and a loss of 0 would say that all is well."""
    data = dict(np.load("train.npz"))
    np.savez("none.npz", **{**data, "t": np.full_like(data["t"], np.nan)})
    for words in (["--data", "none.npz"], ["--data", "train.npz", "--valid", "none.npz"]):
        assert run(["train", "summing.rnn", *words, "--out", "never"]) == 2
        assert "none.npz: target `t` is missing everywhere; there is nothing to learn" in capsys.readouterr().err
    assert not Path("never").exists()


def streamed(lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(lines).encode())))
    status = run(["predict", "summing.rnn", "--weights", "run/weights.npz", "-"])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.usefixtures("trained")
def test_row_by_row_is_the_batch(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(["predict", "summing.rnn", "--weights", "run/weights.npz", "--data", "rows.csv"]) == 0
    whole = [value for line in capsys.readouterr().out.splitlines() for value in json.loads(line)["y"]]
    table = Path("rows.csv").read_text().splitlines(keepends=True)
    status, out, _ = streamed(table, monkeypatch, capsys)
    assert status == 0
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert header == ["sequence", "y.0"] and [row[0] for row in rows] == [line.split(",")[0] for line in table[1:]]
    np.testing.assert_allclose([[float(row[1])] for row in rows], whole, rtol=1e-5, atol=1e-6)
    objects = []
    for line in table[1:]:
        name, a, b, c, u, w, _ = line.split(",")
        record = {"sequence": name, "x": [float(a), float(b), float(c)], "w": int(w)}
        objects.append(json.dumps({**record, **({"u": float(u)} if u else {})}) + "\n")
    status, out, _ = streamed(objects, monkeypatch, capsys)
    answers = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and answers[0]["sequence"] == "s0"
    np.testing.assert_allclose([answer["y"] for answer in answers], whole, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("trained")
def test_every_row_is_answered_at_once() -> None:
    command = [sys.executable, "-m", "rnnc", "predict", "summing.rnn", "--weights", "run/weights.npz", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("x.0,x.1,x.2,u.0,w\n1,2,3,1,0\n")
        process.stdin.flush()
        assert process.stdout.readline() == "y.0\n"
        first = float(process.stdout.readline())
        process.stdin.write("1,2,3,,0\n")
        process.stdin.flush()
        assert float(process.stdout.readline()) != first
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "standard input: there is nothing"),
        (["x.0,x.1,u.0,w\n", "1,2,1,0\n"], "standard input:2: input `x` has units (2,), the network (3,)"),
        (["x.0,x.1,x.2,u.0,w\n", "1,2,3,1,0\n", "1,a,3,1,0\n"], "standard input:3: column `x.1`: `a` is no number"),
        (["x.0,x.1,x.2,u.0,w\n", "1,2,3,1,4\n"], "standard input:2: input `w` is 4, expected a token 0 to 3"),
        (['{"x": [1, 2, 3], "u": 1}\n'], "standard input:1: input `w` is missing"),
    ],
)
def test_rows_that_do_not_fit(rows: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    status, out, err = streamed(rows, monkeypatch, capsys)
    assert status == 2 and err.startswith(f"error: {said}") and err.count("\n") == 1
    assert out.count("\n") == (2 if len(rows) > 2 else 0)


def test_numbers_larger_than_an_int64(capsys: Capture) -> None:
    """Of steps and sequences there are no more than there are."""
    large = str(10**23)
    Path("rows.rnn").write_text(
        "network rows { axis n input x[n] : 2 target t[n] : 1 unit h[n] : 3 = tanh(full(x[n]) + full(h[n-1])) "
        "output y[n] : 1 = full(h[n]) loss mean over n (squared_error(y, t)) }"
    )
    draw = np.random.default_rng(1)
    np.savez("rows.npz", x=draw.normal(size=(7, 5, 2)), t=draw.normal(size=(7, 5, 1)), lengths=[7, 3, 7, 5, 1])
    figures = []
    for out, more in (("a", ("--window", "1000", "--batch", "1000")), ("b", ("--window", large, "--batch", large))):
        assert run(["train", "rows.rnn", "--data", "rows.npz", "--steps", "4", "--out", out, *more]) == 0
        capsys.readouterr()
        words = ["--weights", f"{out}/weights.npz", "--data", "rows.npz", *more]
        assert run(["eval", "rows.rnn", *words]) == 0
        figures.append(capsys.readouterr().out)
    assert figures[0] == figures[1]


@pytest.mark.parametrize("more", [[], ["--valid", "valid.npz", "-s", "H=4"]])
def test_a_run_of_which_nobody_reads(more: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    assert train("--out", "read", *more) == 0
    monkeypatch.setattr(sys, "stderr", Full())
    assert train("--out", "unread", *more) == 0
    assert Path("unread/weights.npz").read_bytes() == Path("read/weights.npz").read_bytes()


def test_splits_are_remembered(capsys: Capture) -> None:
    assert train("--split", "60/20/20", "--seed", "3") == 0
    parts = {}
    for part in ("train", "valid", "test"):
        words = ["--weights", "run/weights.npz", "--data", "train.npz", "--part", part]
        assert run(["eval", "summing.rnn", *words]) == 0
        parts[part] = int(capsys.readouterr().out.split("sequences\t")[1])
    assert parts == {"train": 18, "valid": 6, "test": 6}


def test_text_is_learnt_and_evaluated_with_its_vocabulary(capsys: Capture) -> None:
    Path("a.txt").write_text("abcabcabc abcabcabc\n" * 20)
    Path("b.txt").write_text("abcabczabc")
    Path("lm.rnn").write_text(
        "network lm(V = 8, H = 6) { axis n input w[n] : token(V) target t[n] : token(V) "
        "unit h[n] : H = tanh(embedding(w[n], H) + full(h[n-1])) output p[n] : V = softmax(full(h[n])) "
        "loss mean over n (cross_entropy(p, t)) }"
    )
    assert run(["train", "lm.rnn", "--data", "a.txt", "--window", "10", "--batch", "4", "--lr", "0.02"]) == 0
    capsys.readouterr()
    assert run(["eval", "lm.rnn", "--weights", "run/weights.npz", "--data", "b.txt", "--window", "4"]) == 0
    said = capsys.readouterr()
    figures = dict(line.split("\t") for line in said.out.splitlines())
    assert float(figures["accuracy of t"]) > 0.6
    # one of ten characters, the z
    assert said.err == "b.txt: 10.00% of the text is not among the 6 tokens of the vocabulary\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--data", "none.npz"], 2, "error: cannot read none.npz: no such file or directory"),
        (["--data", "train.npz", "--text", "a.txt"], 2, "error: give --data or --text, not both"),
        (["--data", "train.npz", "--minutes", "1"], 2, "error: --minutes goes with --text, not with --data"),
        (["--epochs", "1"], 2, "error: --epochs goes with --data\n"),
        (["--text", "a.txt", "--online"], 2, "error: --online goes with --data, not with --text"),
        (["--data", "train.npz", "--split", "1/2"], 2, "three numbers, as in 80/10/10, not `1/2`"),
        (["--data", "train.npz", "--split", "1/2/3", "--valid", "valid.npz"], 2, "give --valid or --split"),
        (["--data", "train.npz", "--lr", "-1"], 2, "error: --lr is -1.0; it must be a number above 0"),
        (["--data", "train.npz", "--learn", "hebb"], 2, "error: there is no learning rule `hebb`"),
        (
            ["--data", "train.npz", "--out", "train.npz"],
            2,
            "error: train.npz is the input itself\nname another place",
        ),
        (["--data", "train.npz", "--out", "valid.npz"], 2, "error: cannot make the folder `valid.npz`: File exists"),
        (["--data", "train.npz", "-s", "D=2"], 2, "error: train.npz: input `x` has units (3,), the network (D) = (2,)"),
        (["--data", "train.npz", "--unit", "letters"], 2, "error: --unit is letters; it is characters or words"),
        (["--data", "train.npz", "--unit", "words"], 2, "error: --unit says what a .txt is read by; train.npz is none"),
        (["--data", "train.npz", "--every", "9"], 2, "error: --every goes with --schedule step, not with constant"),
        (["--data", "train.npz", "--learn", "hybrid", "--online"], 1, "error: the learning rule `hybrid` goes by many"),
        (["--data", "a.npy"], 2, "error: cannot read a.npy"),
        (["--data", "train.npz", "--split", "0/50/50"], 2, "at least 0, the first above it, not 0/50/50"),
        (["--data", "train.npz", "--split", "inf/1/1"], 2, "at least 0, the first above it, not inf/1/1"),
        (["--data", "train.npz", "--patience", "3"], 2, "error: --patience needs data to validate on: --valid FILE"),
        (["--data", "train.npz", "--schedule", "plateau"], 2, "error: --schedule plateau needs data to validate on"),
        (["--data", "train.npz", "--split", "90/0/10", "--check", "3"], 2, "error: --check needs data to validate on"),
        ([], 2, "error: there is nothing to train on: give --data FILE\nfor --text, training on text needs one input"),
    ],
)
def test_mistakes_of_train(words: list[str], status: int, said: str, folder: Path, capsys: Capture) -> None:
    before = sorted(path.name for path in folder.iterdir())
    assert run(["train", "summing.rnn", *words]) == status
    shown = capsys.readouterr()
    assert said in shown.err and not shown.out
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["eval", "summing.rnn", "--data", "train.npz"], "the following arguments are required: --weights"),
        (["eval", "summing.rnn", "--weights", "run/weights.npz"], "error: --data is missing"),
        (["eval", "summing.rnn", "--weights", "train.npz", "--data", "train.npz"], "error: `train.npz` has no array"),
        (["eval", "elman", "--weights", "run/weights.npz", "--data", "train.npz"], "error: "),
        (["eval", "summing.rnn", "--weights", "run/weights.npz", "--data", "train.npz", "--part", "test"], "--split"),
        (["predict", "summing.rnn", "--weights", "run/weights.npz"], "error: there is nothing to predict from"),
        (["predict", "summing.rnn", "--weights", "run/weights.npz", "rows.csv"], "error: unexpected `rows.csv`"),
        (
            ["predict", "summing.rnn", "--weights", "run/weights.npz", "--data", "rows.csv", "-o", "a.csv"],
            "- < DATA.csv > OUT.csv",
        ),
        (["predict", "-", "--weights", "run/weights.npz", "-"], "cannot both come from standard input"),
        (
            ["predict", "summing.rnn", "--weights", "run/weights.npz", "--data", "rows.csv", "-"],
            "--data or -, not both",
        ),
        (["eval", "summing.rnn", "--weights", "run/log.jsonl", "--data", "train.npz"], "it is no .npz file"),
        (
            ["eval", "summing.rnn", "--weights", "run/weights.npz", "--data", "train.npz", "-s", "H=3"],
            "error: `run/weights.npz` was made with D=3, H=6, and now H is set to 3",
        ),
        (
            ["generate", "char_lm", "--weights", "run/weights.npz"],
            "error: `run/weights.npz` is of another network: of sizes D=3, H=6, where this one has V, E, H",
        ),
        (
            ["eval", "summing.rnn", "--weights", "run/checkpoint-000000030.npz", "--data", "train.npz"],
            "has no array `h.E_w`: it is a checkpoint, from which `rnnc train --resume` goes on",
        ),
    ],
)
def test_mistakes_of_eval_and_predict(words: list[str], said: str, capsys: Capture) -> None:
    assert run(words) == 2
    shown = capsys.readouterr()
    assert said in shown.err and not shown.out


def test_a_network_that_looks_ahead_cannot_go_row_by_row(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    Path("summing.rnn").write_text(AHEAD.replace("  start  h = tanh(full(u))\n", ""))
    assert train() == 0
    capsys.readouterr()
    status, out, err = streamed(["x.0,x.1,x.2,u.0,w\n"], monkeypatch, capsys)
    assert (status, out) == (2, "") and err.startswith("error: the network looks ahead or needs the whole sequence")
    for words, said in (
        (
            ("--window", "3"),
            "looks ahead or needs the whole sequence, so it cannot carry its state from window to window",
        ),
        (("--online",), "looks ahead or needs the whole sequence, so it cannot carry its state from step to step"),
    ):
        assert train(*words, "--out", "other") == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(("name", "what"), [("rnn2d", "has several axes"), ("perceptron", "has no axis")])
def test_what_has_no_single_step_says_why(name: str, what: str) -> None:
    module = rnnc.compile_file(Path(__file__).parents[2] / "specs" / f"{name}.rnn")
    for online in (True, False):
        with pytest.raises(UnfitNetwork, match=f"the network {what}, so it cannot carry its state"):
            Rule(module, "bptt", window=not online, online=online)
    with pytest.raises(UnfitNetwork, match=f"the network {what}, so it cannot run row by row"):
        Steps(module, module.init())


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_after_a_checkpoint(number: signal.Signals, status: int) -> None:
    more = ["--data", "train.npz", "--steps", "800", "--lr", "0.01", "--batch", "4"]
    command = [sys.executable, "-m", "rnnc", "train", "summing.rnn", *more]
    with subprocess.Popen([*command, "--out", "cut"], stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr is not None
        assert "30 sequences" in process.stderr.readline()
        time.sleep(0.1)
        process.send_signal(number)
        shown, said = process.communicate(timeout=120)
    assert process.returncode == status and not shown
    assert said.startswith(f"stopped by {number.name} after step ") and said.count("\n") == 1
    assert run(["train", "summing.rnn", *more, "--out", "cut", "--resume"]) == 0
    assert run(["train", "summing.rnn", *more, "--out", "whole"]) == 0
    for name in ("weights.npz", "log.jsonl", "checkpoint-000000800.npz"):
        assert Path("cut", name).read_bytes() == Path("whole", name).read_bytes()


def test_a_loss_that_is_no_number(capsys: Capture) -> None:
    words = ["train", "summing.rnn", "--data", "train.npz", "--steps", "50", "--optimizer", "sgd", "--lr", "1e30"]
    assert run([*words, "--out", "wild"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: step ") and "the last good weights are in wild/weights.npz" in said
    assert all(np.isfinite(array).all() for array in np.load("wild/weights.npz").values() if array.dtype.kind == "f")
