"""`rnnc fidelity`: what it prints, writes and refuses. Its figures are proved in test_fidelity.py."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import rnnc
from rnnc.cli import run
from rnnc.fidelity.picture import picture
from rnnc.fidelity.record import record
from rnnc.fidelity.report import ALL, Report, Row
from rnnc.fidelity.spell import cosine, error
from rnnc.fidelity.text import text
from rnnc.runtime.fidelity.figures import Figures
from rnnc.runtime.weights import save_weights

ROOT = Path(__file__).resolve().parent.parent
Capture = pytest.CaptureFixture[str]


def test_the_command(capsys: Capture, tmp_path: Path) -> None:
    drawn = tmp_path / "fidelity.svg"
    asked = ["fidelity", "gru", "-s", "H=3", "-T", "12", "-B", "2", "--learn", "rtrl,truncated_gradient"]
    assert run([*asked, "-o", str(drawn)]) == 0
    said = capsys.readouterr()
    assert "2 sequences of 12 steps: random, seed 0" in said.out and said.err == f"wrote {drawn}\n"
    lines = [line.split() for line in said.out.splitlines()]
    (rtrl,) = [line for line in lines if line[:1] == ["rtrl"]]
    assert rtrl[1] == "yes" and rtrl[3] == rtrl[5] == "1.000" and max(map(float, (rtrl[2], rtrl[4]))) < 1e-10
    assert "truncated_gradient: without all that a parameter does to later steps" in said.out
    (truncated,) = [line for line in lines if line[:2] == ["truncated_gradient", "no"]]
    assert min(map(float, (truncated[2], truncated[4]))) > 0.05
    seen = "".join(ElementTree.parse(drawn).getroot().itertext())
    assert "truncated_gradient, h.r.W_y: error " in seen and "windows" in seen
    assert run([*asked, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["rule"] for one in told["rules"]] == ["bptt", "rtrl", "truncated_gradient"]
    assert told["windows"] == [[3, 6], [6, 9], [9, 12]] and told["rules"][1]["exact"]
    assert told["rules"][2]["whole"]["by_parameter"]["h.r.W_y"]["error"] > 0.01
    assert told["parameters"]["h.r.W_y"]["shape"] == [3, 3]


def test_the_same_seed_says_the_same(capsys: Capture) -> None:
    said = []
    for seed in ("0", "0", "1"):
        assert run(["fidelity", "elman", "-T", "8", "-B", "2", "--seed", seed]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2].replace("seed 1", "seed 0")


def test_given_data_and_weights(capsys: Capture, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data, weights = tmp_path / "data.npz", tmp_path / "weights.npz"
    lengths = np.array([20, 20, 15, 4])
    np.savez(data, x=rng.standard_normal((20, 4, 3)), t=rng.uniform(size=(20, 4, 2)), lengths=lengths)
    module = rnnc.compile_file(ROOT / "specs" / "elman.rnn")
    p = module.init(seed=7, H=5)
    save_weights(weights, p, {"sizes": json.dumps(p.sizes)})
    asked = ["fidelity", "elman", "--data", str(data), "--weights", str(weights)]
    assert run([*asked, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sizes"]["H"] == 5 and told["steps"] == [4, 20] and told["sequences"] == 4
    assert told["windows"] == [[4, 8], [8, 11], [11, 15]] and told["sequences_in_windows"] == 3
    values = {name: np.asarray(array, np.float64) for name, array in p.items()}
    arrays = np.load(data)
    loss, grads = module.bptt(values, x=arrays["x"], t=arrays["t"], lengths=lengths)
    assert told["loss"] == pytest.approx(float(loss))
    norm = told["parameters"]["h.W_h"]["norm_of_the_exact_gradient"]
    assert norm == pytest.approx(float(np.linalg.norm(grads["h.W_h"])))
    assert run([*asked, "-T", "6", "-B", "3"]) == 0
    assert "3 sequences of 6 steps" in capsys.readouterr().out


def test_one_long_sequence_is_read_in_pieces(capsys: Capture, tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
    rows = [",".join(f"{value:.3f}" for value in row) for row in np.random.default_rng(0).uniform(size=(100, 5))]
    table.write_text("x.0,x.1,x.2,t.0,t.1\n" + "\n".join(rows) + "\n")
    assert run(["fidelity", "elman", "--data", str(table), "-T", "30"]) == 0
    assert "3 sequences of 30 steps" in capsys.readouterr().out


def test_rules_that_are_not_run_are_named(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["fidelity", "bidirectional_concat", "-T", "9"]) == 0
    said = capsys.readouterr().out
    assert "rtrl: impossible here, " in said and "no windows: the network looks ahead" in said
    assert run(["fidelity", "bidirectional_concat", "--learn", "rtrl"]) == 1
    assert "error[E308]" in capsys.readouterr().err
    assert run(["fidelity", "char_lm", "-s", "H=300", "-s", "E=4", "-T", "8", "-B", "1", "--learn", "bptt"]) == 0
    capsys.readouterr()
    monkeypatch.setattr("rnnc.commands.fidelity.MOST_WORK", 10**4)
    assert run(["fidelity", "elman", "-s", "H=12", "-T", "9", "-B", "1"]) == 0
    assert "rtrl: left out, it takes " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    (
        (["elman", "--learn", "trrl"], "there is no learning rule `trrl`\ndid you mean `rtrl`?"),
        (["elman", "-T", "m=5"], "there is no axis `m`"),
        (["elman", "-B", "0"], "`-B` is 0; it must be at least 1"),
        (["elman", "-T", "3", "-B", str(10**19)], f"`-B` is {10**19}, and `-T` 3: so many random data fit in no"),
        (["elman", "-T", str(10**19), "-B", "2"], f"`-B` is 2, and `-T` {10**19}: so many random data fit in no"),
        (["elman", "--draws", "1"], "`--draws` is 1; it must be at least 2"),
        (["elman", "--windows", "-1"], "`--windows` is -1; it must be at least 0"),
        (["elman", "-o", "a.png"], "ends in .svg"),
        (["elman", "--data", "none.npz"], "cannot read none.npz"),
        (["elman", "--weights", "none.npz"], "cannot read `none.npz`"),
        (["echo_state_free"], "cannot read echo_state_free"),
    ),
)
def test_mistakes(capsys: Capture, arguments: list[str], said: str) -> None:
    assert run(["fidelity", *arguments]) == 2
    assert said in capsys.readouterr().err


def report(rows: tuple[Row, ...]) -> Report:
    return Report(
        "net", (("H", 2),), 1, (9, 9), "random", "random", 1.0, (("W", (2,), 0.5),), (0, 3, 6, 9), 1, "", rows, ()
    )


def test_a_rule_that_draws_has_the_mean_of_its_draws() -> None:
    figures = {ALL: Figures(2.0, 0.4, 0.5, 0.45), "W": Figures(float("inf"), None, float("inf"), 0.3)}
    shown = report((Row("uoro", "", False, "", 20, figures, None, "it carries no state"),))
    said = text(shown)
    assert "  mean of 20 draws         0.500 ± 0.450" in said and "uoro: no windows, it carries no state" in said
    told: Any = json.loads(record(shown))["rules"][0]
    assert told["whole"]["by_parameter"]["W"] == {
        "error": None,
        "cosine": None,
        "error_of_the_mean": None,
        "standard_error_of_the_mean": 0.3,
    }
    assert "mean of 20 draws: error 0.500, by chance 0.450" in "".join(
        ElementTree.fromstring(picture(shown)).itertext()
    )


def test_figures_are_short() -> None:
    assert [error(x) for x in (0.0, 3.2e-16, 4e-4, 0.3416, 12.53, 4321.0, float("inf"), float("nan"))] == [
        "0",
        "3e-16",
        "4e-4",
        "0.342",
        "12.5",
        "4e3",
        "inf",
        "nan",
    ]
    assert [cosine(x) for x in (1.0, -0.0001, None)] == ["1.000", "0.000", "-"]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_of_gated_and_stacked_networks(capsys: Capture) -> None:
    found = load(ROOT / "benchmarks" / "gru_two_layer.py").main(steps=12, sequences=2, draws=3)
    assert set(found) == {"GRU 3-6", "two tanh layers"}
    for errors in found.values():
        assert max(*errors["rtrl"].values(), *errors["hybrid"].values()) < 1e-10
        assert max(errors["truncated_gradient"].values()) > 0.1
    assert {"h.r.W_y", "h.z.W_y", "h.c.W_r_y", "y.W_h"} <= set(found["GRU 3-6"]["rtrl"])
    assert "the exact rules are off by" in capsys.readouterr().out


def test_the_example_that_learns_online() -> None:
    command = [sys.executable, str(ROOT / "examples" / "online.py"), "--quick"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "1 of 1 seeds" in done.stdout and "  without recurrence" in done.stdout
    assert re.fullmatch(r"\d+ seconds", done.stdout.splitlines()[-1])
