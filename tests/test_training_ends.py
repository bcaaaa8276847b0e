"""When training on a text ends: by steps, by time, by whichever is first; not when nobody reads how it goes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from fakes import ElmanText, long_text

from rnnc.runtime import text
from rnnc.runtime.network import text_network
from rnnc.runtime.progress import Progress
from rnnc.runtime.signals import Stop
from rnnc.runtime.train_text import TextOptions, train_text
from rnnc.runtime.training import Plan, train
from rnnc.runtime.weights import load_weights

CORPUS = text.split_corpus(long_text(6000), name="x")


def test_no_time_is_one_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "w.npz"
    source.write_text(long_text(3000), encoding="utf-8")
    options = TextOptions(text=str(source), minutes=1e-9, out=out, sample=0)
    assert train_text(ElmanText(), options) == 0
    assert "\n1 step, 256 characters in 0:00; weights in " in capsys.readouterr().err
    first = ElmanText().init(seed=0, V=len(json.loads(load_weights(out).notes["vocabulary"])))
    assert (load_weights(out).arrays["h.W"] != first["h.W"]).any()


def test_a_quick_run_ends_with_its_steps_or_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TextOptions(quick=True).plan().seconds == TextOptions(quick=True, steps=10**6).plan().seconds == 15.0
    assert TextOptions(steps=9).plan().seconds is None and TextOptions(minutes=3).plan().seconds == 180.0
    plan = Plan(seconds=15.0, steps=100)
    assert [plan.progress(*at) for at in ((0, 99.0), (1, 0.0), (50, 3.0), (10, 7.5), (1, 15.0), (100, 0.0))] == [
        0.0,
        0.01,
        0.5,
        0.5,
        1.0,
        1.0,
    ]
    assert plan.falls(10, 7.5) == 0.1, "the rates of a run that makes its steps do not depend on the machine"
    times = iter(range(1000))
    progress = Progress(io.StringIO(), lambda: float(next(times)))
    p = ElmanText().init(V=CORPUS.size)
    plan = Plan(seconds=15.0, steps=10**6)
    outcome = train(text_network(ElmanText()), p, CORPUS, plan, progress, Stop(), mean=True)
    assert 1 <= outcome.steps < 15


class Unread(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("terminal", [True, False])
def test_nobody_reads_how_it_goes(terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unread, "isatty", lambda _: terminal)
    monkeypatch.setattr(sys, "stderr", Unread())
    monkeypatch.setattr("rnnc.runtime.progress.time.monotonic", iter(range(0, 10**6, 20)).__next__)
    source, out = tmp_path / "a.txt", tmp_path / "w.npz"
    source.write_text(long_text(3000), encoding="utf-8")
    assert train_text(ElmanText(), TextOptions(text=str(source), steps=12, out=out, sample=0)) == 0
    plan = TextOptions(text=str(source), steps=12, out=tmp_path / "read.npz", sample=0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert train_text(ElmanText(), plan) == 0
    assert out.read_bytes() == (tmp_path / "read.npz").read_bytes(), "all steps were made"
