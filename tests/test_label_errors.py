"""Label error rates that evaluation and training report, against rates counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_parts import SPEC, module, sums

from rnnc.cli import run
from rnnc.runtime.data import DataError, open_data
from rnnc.runtime.data.check import check_data, sizes_from
from rnnc.runtime.data.sequences import Sequences
from rnnc.runtime.decode import best_path, label_error_rate
from rnnc.runtime.evaluate import evaluate
from rnnc.runtime.fit import fit
from rnnc.runtime.log import SCHEMA

SPECS = Path(__file__).parent.parent / "specs"
COPY = """
network copy(K = 4) {
  axis n, m
  input  x[n] : K
  target l[m] : token(K)
  output p[n] : K = softmax(x[n] + bias)
  loss ctc(p, l, blank = K - 1)
}
"""
PATHS = ((0, 0, 3, 0, 1), (3, 3, 3), (1, 1), (2, 3, 2))
"""The largest input of every position; with blank 3 they read 0 0 1, nothing, 1 and 2 2."""
LABELS: tuple[tuple[int, ...], ...] = ((0, 0, 1), (2,), (1, 1), ())
"""0 + 1 + 1 + 2 errors in 6 labels; the third sequence has too few positions for its labels."""


def arrays(width: int = 4) -> dict[str, Any]:
    """The paths as one-hot inputs; the padding would read and be labelled 1."""
    x, labels = np.zeros((5, 4, width)), np.ones((3, 4), np.int64)
    x[..., 1] = 2.0
    for b, (path, wanted) in enumerate(zip(PATHS, LABELS, strict=True)):
        x[: len(path), b] = np.eye(width)[list(path)]
        labels[: len(wanted), b] = wanted
    lengths = {"lengths.n": np.array([len(a) for a in PATHS]), "lengths.m": np.array([len(a) for a in LABELS])}
    return {"x": x, "l": labels, **lengths}


def figures(made: Any, data: dict[str, Any], batch: int = 32, **sizes: int) -> dict[str, float]:
    return evaluate(made, made.init(seed=0, **sizes), open_data(data, made), batch=batch).figures()


def rates(found: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in found.items() if name.startswith("label error rate")}


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_errors_are_added_up_over_sequences(batch: int) -> None:
    found = figures(module(COPY), arrays(), batch)
    assert found["sequences of infinite loss"] == 1
    assert rates(found) == {"label error rate of l": 4 / 6}


def test_the_blank_follows_the_sizes() -> None:
    # With blank 4 the paths read 0 3 0 1, 3, 1 and 2 3 2.
    assert rates(figures(module(COPY), arrays(5), K=5)) == {"label error rate of l": 6 / 6}
    assert rates(figures(module(COPY.replace("K - 1", "3")), arrays(5), K=5)) == {"label error rate of l": 4 / 6}


@pytest.mark.parametrize(
    "text",
    [
        COPY.replace("output p[n]", "output other[n] : 1 = sum(p[n])\n unit p[n]"),
        COPY.replace("softmax(x[n] + bias)", "x[n] + bias").replace("ctc(p", "ctc(softmax(p)"),
        COPY.replace("softmax", "log_softmax"),
        COPY.replace("loss ctc(p, l, blank = K - 1)", "loss sqrt(1 + ctc(p, l, blank = K - 1))"),
        COPY.replace("p[n]", "state[n]").replace("(p", "(state"),
        COPY.replace("p[n]", "CTC[n]").replace("(p", "(CTC"),
        COPY.replace("l[m]", "p[m]").replace("p[n]", "lengths[n]").replace("(p, l", "(lengths, p"),
    ],
    ids=["unseen", "softmax in the loss", "logarithms", "inside", "state", "CTC", "keywords"],
)
def test_however_the_network_is_written(text: str) -> None:
    made, data = module(text), arrays()
    [target] = made.TARGETS
    data[target] = data.pop("l")
    assert rates(figures(made, data)) == {f"label error rate of {target}": 4 / 6}


def test_two_losses_of_a_target_are_told_apart() -> None:
    made = module(COPY.replace("loss", "output q[n] : K = softmax(x[n])\n loss ctc(q, l)\n loss"))
    # With blank 0 the labels would hold it: only the last three sequences, which read 3, 1 and 2 3 2.
    data = {name: a[..., 1:] if a.ndim < 3 else a[:, 1:] for name, a in arrays().items()}
    assert rates(figures(made, data)) == {"label error rate of l by p": 4 / 3, "label error rate of l by q": 5 / 3}


def test_without_labels_there_is_no_rate() -> None:
    assert not rates(figures(module(COPY), {"x": np.ones((4, 2, 4)), "l": np.full((1, 2), -1)}))
    made = module(SPEC)
    assert not rates(figures(made, sums()))
    assert not hasattr(made, "CTC")


@pytest.mark.parametrize("name", ["elman_ctc", "deep_blstm_ctc", "rnn2d_ctc"])
def test_as_the_decoder_reads_every_sequence_alone(name: str) -> None:
    made, draw = module((SPECS / f"{name}.rnn").read_text()), np.random.default_rng(3)
    p = made.init(seed=1, dtype="float64")
    p.flat = 5.0 * p.flat
    axes, blank = made.INPUTS["x"]["axes"], 4 if name == "deep_blstm_ctc" else 0
    lines, found, wanted = [], [], []
    for _ in range(9):
        extent = draw.integers(1, 9, size=len(axes))
        x, labels = draw.normal(size=(*extent, 3)), draw.integers(1, 4, size=draw.integers(0, 5))
        lines.append({"x": x, "l": labels})
        found.append(best_path(made.forward(p, x=x)["p"], blank)[0])
        wanted.append(tuple(labels.tolist()))
    longest = np.max([one["x"].shape for one in lines], axis=0)[:-1]
    data = {"x": np.zeros((*longest, 9, 3)), "l": np.full((4, 9), -1)}
    for b, one in enumerate(lines):
        inside: tuple[Any, ...] = (*(slice(n) for n in one["x"].shape[:-1]), b)
        data["x"][inside] = one["x"]
        data["l"][: len(one["l"]), b] = one["l"]
    for k, axis in enumerate(axes):
        data[f"lengths.{axis}"] = np.array([one["x"].shape[k] for one in lines])
    data["lengths.m"] = np.array([len(one["l"]) for one in lines])
    score = evaluate(made, p, open_data(data, made), batch=4)
    assert score.label_error_rates == {"l": label_error_rate(found, wanted)}


def test_the_command_line_reports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("copy.rnn").write_text(COPY)
    rows = [{"x": np.eye(4)[list(a)].tolist(), "l": list(b)} for a, b in zip(PATHS, LABELS, strict=True)]
    Path("a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    train = ["train", "copy.rnn", "--data", "a.jsonl", "--valid", "a.jsonl", "--epochs", "2", "--lr", "1e-9"]
    assert run([*train, "--out", "run"]) == 0
    assert "label error rate of l 0.6667" in capsys.readouterr().err
    checks = [line for line in map(json.loads, Path("run/log.jsonl").read_text().splitlines()) if "best" in line]
    assert [line["label_error_rate"] for line in checks] == [{"l": 4 / 6}] * 2
    [described] = [form for form in SCHEMA["oneOf"] if form["properties"]["event"] == {"const": "valid"}]
    assert set(checks[0]) <= set(described["properties"])
    assert run(["eval", "copy.rnn", "--weights", "run/best.npz", "--data", "a.jsonl"]) == 0
    assert "\nlabel error rate of l\t0.666667\n" in capsys.readouterr().out


def test_a_log_without_ctc_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(module(SPEC), sums(), valid=sums(6, 1), steps=2, out=tmp_path)
    said = capsys.readouterr().err + (tmp_path / "log.jsonl").read_text()
    assert "valid" in said
    assert "label" not in said


@pytest.mark.parametrize("form", [".npz", ".jsonl"])
@pytest.mark.parametrize(
    ("labels", "place", "said"),
    [
        ((2, 3), 1, "is 3, the blank of ctc, which is no label"),
        ((0, -1, 2), 2, "follows a missing one: -1 stands behind the last label"),
        ((3,), 0, "is 3, the blank of ctc"),
    ],
)
def test_labels_that_ctc_cannot_take_are_found_in_the_file(
    labels: tuple[int, ...], place: int, said: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arrays()
    if form == ".npz":
        # in the padding and behind the last label the blank and -1 are nobody's
        given["l"][:, 3], given["l"][:, 1] = 3, (2, -1, -1)
        given["l"][: len(labels), 2], given["lengths.m"][2] = labels, len(labels)
        given["lengths.m"][1] = 3
        assert len(checked(given | {"lengths.m": np.array([3, 3, 0, 0])})) == 4
        np.savez(tmp_path / "a.npz", **given)
        where = f"a.npz: sequence 2, m {place}"
    else:
        rows = [(path, labels if b == 2 else LABELS[b]) for b, path in enumerate(PATHS)]
        records = [{"x": np.eye(4)[list(path)].tolist(), "l": list(own)} for path, own in rows]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
        where = f"a.jsonl: line 3, m {place}"
    with pytest.raises(DataError, match=f"{where}: target `l` {said}"):
        checked(tmp_path / f"a{form}")
    (tmp_path / "copy.rnn").write_text(COPY)
    words = ["train", str(tmp_path / "copy.rnn"), "--data", str(tmp_path / f"a{form}"), "--out", str(tmp_path / "run")]
    assert run(words) == 2
    assert f"{where}: target `l` {said}" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def checked(data: Any) -> Sequences:
    opened = open_data(data, module(COPY))
    check_data(opened, module(COPY), sizes_from(opened, module(COPY), {}))
    return opened
