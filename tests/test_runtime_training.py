"""Training, sampling and the whole run, on a network written by hand that meets the protocol."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import ElmanText, FlatArrays, long_text

from rnnc.runtime import text
from rnnc.runtime.data.read_words import join_tokens, split_tokens
from rnnc.runtime.network import TextNetwork, UnfitNetwork, averages, text_network
from rnnc.runtime.progress import Progress, clock
from rnnc.runtime.sampling import beginning, sample_text
from rnnc.runtime.schedule import warm_cosine
from rnnc.runtime.signals import Stop, stop_requests
from rnnc.runtime.train_text import TextOptions, train_text
from rnnc.runtime.training import Outcome, Plan, data, held_out_bits, train
from rnnc.runtime.weights import load_weights

CORPUS = text.split_corpus(long_text(6000), name="x")


def trained(fake: ElmanText, plan: Plan, stop: Stop | None = None) -> tuple[FlatArrays, Outcome, TextNetwork]:
    network = text_network(fake)
    p = fake.init(V=CORPUS.size)
    progress = Progress(io.StringIO())
    return p, train(network, p, CORPUS, plan, progress, stop or Stop(), mean=fake.mean), network


@pytest.mark.parametrize("mean", [True, False])
def test_the_fake_has_the_gradient_it_claims(mean: bool) -> None:
    fake = ElmanText(mean)
    p = fake.init(dtype="float64", V=5, H=3)
    draw = np.random.default_rng(1)
    w, t = draw.integers(5, size=(4, 2)), draw.integers(-1, 5, size=(4, 2))
    _, grads = fake.bptt(p, w=w, t=t)
    for name, value in p.items():
        direction = draw.normal(size=value.shape)
        losses = []
        for sign in (1, -1):
            q = {**p, name: value + sign * 1e-6 * direction}
            losses.append(fake.bptt(q, w=w, t=t)[0])
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(float((grads[name] * direction).sum()), abs=1e-8)


@pytest.mark.parametrize("mean", [True, False])
def test_a_mean_is_told_from_a_sum(mean: bool) -> None:
    fake = ElmanText(mean)
    assert averages(text_network(fake), fake.init(V=CORPUS.size)) is mean


@pytest.mark.parametrize("mean", [True, False])
def test_training_lowers_the_held_out_cost(mean: bool) -> None:
    fake = ElmanText(mean)
    network = text_network(fake)
    before = held_out_bits(network, fake.init(V=CORPUS.size), CORPUS.held_out, mean=mean)
    p, outcome, _ = trained(fake, Plan(steps=150, batch=8, window=16, lr=1e-2))
    after = held_out_bits(network, p, CORPUS.held_out, mean=mean)
    assert before == pytest.approx(math.log2(CORPUS.size), rel=0.2)
    assert after < 0.6 * before
    assert outcome.steps == 150
    assert not outcome.failed


def test_sum_and_mean_train_alike() -> None:
    plan = Plan(steps=20, batch=4, window=16, lr=1e-2)
    p, _, _ = trained(ElmanText(True), plan)
    q, _, _ = trained(ElmanText(False), plan)
    np.testing.assert_allclose(p.flat, q.flat, rtol=0.05, atol=2e-3)


def test_held_out_cost_does_not_depend_on_the_window() -> None:
    fake = ElmanText()
    p = fake.init(dtype="float64", V=CORPUS.size)
    network = text_network(fake)
    ids = CORPUS.held_out[:400]
    whole = fake.forward(p, w=ids[:-1, None], t=ids[1:, None])["loss"][0] / math.log(2.0)
    for window in (1, 7, 1000):
        bits = held_out_bits(network, p, ids, mean=True, batch=1, window=window)
        assert bits == pytest.approx(whole, rel=1e-12)


def test_equal_seeds_train_equal_weights() -> None:
    plan = Plan(steps=12, batch=4, window=16, seed=3)
    assert np.array_equal(trained(ElmanText(), plan)[0].flat, trained(ElmanText(), plan)[0].flat)


def test_data_carries_on_and_begins_anew() -> None:
    ids = np.arange(100, dtype=np.int64)
    pieces: list[text.Ids] = []
    for fresh, given, following in data(ids, 4, 10, 0):
        if fresh and len(pieces) == 3:
            break
        assert fresh is not bool(pieces)
        np.testing.assert_array_equal(following, (given + 1) % 100)
        pieces.append(given)
    assert [len(piece) for piece in pieces] == [10, 10, 4]


def test_a_stop_ends_between_two_steps() -> None:
    _, outcome, _ = trained(ElmanText(), Plan(steps=100), Stop(signal.SIGTERM))
    assert outcome.steps == 0


class Breaks(ElmanText):
    """Its loss is no number from a given step on, or only its gradient."""

    def __init__(self, after: int, gradient: bool = False) -> None:
        super().__init__()
        self.calls, self.after, self.gradient = 0, after, gradient
        self.seen: list[FlatArrays] = []

    def bptt(self, p: Mapping[str, Any], **given: Any) -> tuple[Any, Any]:
        value, grads = super().bptt(p, **given)
        self.calls += 1
        self.seen.append(FlatArrays(p))
        if self.calls > self.after:
            if not self.gradient:
                return math.nan, grads
            grads.flat[0] = math.inf
        return value, grads


def test_a_loss_that_is_no_number_leaves_the_last_good_weights() -> None:
    fake = Breaks(5)
    p, outcome, _ = trained(fake, Plan(steps=100, batch=4))
    assert outcome.failed == "the loss at step 6 is nan"
    np.testing.assert_array_equal(p.flat, fake.seen[4].flat)


def test_a_gradient_that_is_no_number_is_never_applied() -> None:
    fake = Breaks(5, gradient=True)
    with np.errstate(all="ignore"):
        p, outcome, _ = trained(fake, Plan(steps=100, batch=4))
    assert outcome.failed.startswith("the gradient at step 6")
    np.testing.assert_array_equal(p.flat, fake.seen[5].flat)


def test_sampling() -> None:
    p, _, network = trained(ElmanText(), Plan(steps=150, batch=8, window=16, lr=1e-2))
    module = network.module
    one = sample_text(module, p, CORPUS.vocabulary, seed=1, length=60)
    assert len(one) == 60
    assert one == sample_text(module, p, CORPUS.vocabulary, seed=1, length=60)
    assert one != sample_text(module, p, CORPUS.vocabulary, seed=2, length=60)
    assert text.UNKNOWN_SIGN not in one
    assert sample_text(module, p, CORPUS.vocabulary, length=0) == ""
    assert sample_text(module, p, CORPUS.vocabulary, length=9) == sample_text(
        module, p, CORPUS.vocabulary, length=9, prime="\n"
    )
    assert beginning((text.UNKNOWN_SIGN, "a", "b")) == "a" and beginning(("?", "a", "\n")) == "\n"
    with pytest.raises(ValueError, match="the vocabulary is empty"):
        beginning((text.UNKNOWN_SIGN,))
    with pytest.raises(ValueError, match="prime is empty"):
        sample_text(module, p, CORPUS.vocabulary, length=1, prime="")
    with pytest.raises(ValueError, match=r"the prime holds .€., which the network has not learnt"):
        sample_text(module, p, CORPUS.vocabulary, length=1, prime="a€")
    with pytest.raises(UnfitNetwork, match="one input, a token, that it feeds back"):
        sample_text(object(), p, CORPUS.vocabulary, length=1)


def test_words_are_put_together_again() -> None:
    said = "the cat sat, and it's here.\nthe end (of it)\n"
    tokens = split_tokens(said, "words")
    assert tokens[:5] == ["the", "cat", "sat", ",", "and"]
    assert join_tokens(tokens, "words").startswith("the cat sat, and it")
    assert split_tokens(join_tokens(tokens, "words"), "words") == tokens
    assert join_tokens(split_tokens(said, "characters"), "characters") == said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"INPUTS": {}}, "needs one input.*has none"),
        ({"INPUTS": {"w": {"axes": ("n",), "token": None, "shape": ("D",)}}}, "input `w` is not one token"),
        ({"INPUTS": {"w": {"axes": ("n",), "token": "2 * V", "shape": ()}}}, r"`w` is a token of 2 \* V"),
        ({"INPUTS": {"w": {"axes": (), "token": "V", "shape": ()}}}, "input `w` is not one token"),
        ({"TARGETS": {"t": {"axes": ("m",), "token": "V", "shape": ()}}}, "different axes"),
        ({"TARGETS": {"a": {}, "b": {}}}, "one target, .* has `a`, `b`"),
    ],
)
def test_what_does_not_fit_a_text_is_told(change: dict[str, Any], named: str, tmp_path: Path) -> None:
    module = type("Other", (ElmanText,), change)()
    with pytest.raises(UnfitNetwork, match=named):
        text_network(module)
    assert train_text(module, TextOptions(out=tmp_path / "w.npz")) == 1


def test_a_network_that_looks_ahead_or_has_no_loss_is_told() -> None:
    records = {"INPUTS": ElmanText.INPUTS, "TARGETS": ElmanText.TARGETS, "init": 0, "forward": 0}
    with pytest.raises(UnfitNetwork, match="no loss"):
        text_network(type("M", (), records)())
    with pytest.raises(UnfitNetwork, match="looks ahead"):
        text_network(type("M", (), {**records, "bptt": 0})())
    with pytest.raises(UnfitNetwork, match="the module has no `INPUTS`"):
        text_network(object())


def test_schedule() -> None:
    assert warm_cosine(1.0, 0, 0.0, warmup=10) == pytest.approx(0.1)
    assert warm_cosine(1.0, 100, 0.0) == pytest.approx(1.0)
    assert warm_cosine(1.0, 100, 0.5, last=0.0) == pytest.approx(0.5)
    assert warm_cosine(1.0, 100, 1.0, last=0.02) == pytest.approx(0.02)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_progress(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    now = [0.0]
    progress = Progress(stream, lambda: now[0])
    for step in range(1, 31):
        now[0] = float(step)
        progress.update(step / 60, 2.0, 1000)
    progress.say("done")
    shown = stream.getvalue()
    assert " 50%  2.000 bits/char  1,000 char/s  0:30 left" in shown
    assert shown.endswith("done\n")
    assert shown.count("\n") == (1 if stream.isatty() else 4)
    assert ("\r" in shown) is stream.isatty()
    assert clock(3725) == "1:02:05"


def test_the_time_left_of_a_run_that_went_on() -> None:
    now, stream = [0.0], io.StringIO()
    progress = Progress(stream, lambda: now[0], units=("loss", "steps/s"))
    progress.share = 0.5
    now[0] = 20.0
    progress.update(0.6, 2.0, 1000)
    assert stream.getvalue() == " 60%  2.000 loss  50 steps/s  1:20 left\n"


def test_a_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "w.npz"
    source.write_text(long_text(8000), encoding="utf-8")
    options = TextOptions(
        text=str(source), steps=120, batch=8, window=16, lr=1e-2, out=out, sample=50, sizes=(("H", 24),)
    )
    assert train_text(ElmanText(), options) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith("bits per character on the ")
    assert lines[1].split()[:2] == ["trigram,", "Kneser-Ney"]
    assert 0.0 < float(lines[2].removeprefix("  elman_text").strip()) < 4.0
    assert "50 characters drawn at temperature 0.8" in shown.out
    assert "120 steps" in shown.err
    found = load_weights(out)
    assert found.arrays["h.R"].shape == (24, 24)
    assert json.loads(found.notes["sizes"])["V"] == len(json.loads(found.notes["vocabulary"]))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"text": "none.txt"}, "cannot read the text `none.txt`"),
        ({"out": Path("no/such/folder/w.npz")}, "there is no folder"),
        ({"steps": 0}, "--steps is 0"),
        ({"batch": 0}, "--batch is 0"),
        ({"batch": 100_000_000}, "too few for 100000000 streams"),
        ({"batch": 10**23}, f"--batch is {10**23}; the 418,"),
        ({"minutes": 0.0}, "--minutes is 0.0"),
        ({"lr": math.nan}, "--lr is nan"),
        ({"temperature": -1.0}, "--temperature is -1.0"),
    ],
)
def test_a_wrong_option_is_named(
    change: dict[str, Any], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {"out": tmp_path / "w.npz", "steps": 1, **change}
    assert train_text(ElmanText(), TextOptions(**given)) == 2
    shown = capsys.readouterr()
    assert named in shown.err
    assert not shown.out
    assert list(tmp_path.iterdir()) == []


def test_weights_are_saved_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends a run, what it had learnt when the held-out part was looked at last is there."""
    saved: list[int] = []
    fake = ElmanText()
    monkeypatch.setattr("rnnc.runtime.train_text.save_weights", lambda path, p, notes: saved.append(len(p)))
    text_file = tmp_path / "a.txt"
    text_file.write_text(long_text(8000), encoding="utf-8")
    assert train_text(fake, TextOptions(text=str(text_file), steps=20, out=tmp_path / "w.npz", sample=0)) == 0
    assert len(saved) == 4


def test_a_broken_run_saves_and_names_the_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "w.npz"
    assert train_text(Breaks(3), TextOptions(steps=10, batch=8, window=8, out=out)) == 1
    assert "the loss at step 4 is nan; the last good weights are in" in capsys.readouterr().err
    assert np.isfinite(load_weights(out).arrays["h.W"]).all()


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_requests() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.exit_status == 130
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == before


RUN = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from fakes import ElmanText
from rnnc.runtime.train_text import TextOptions, train_text
options = TextOptions(text={text!r}, minutes=1.0, batch=4, window=8, out=Path({out!r}))
sys.exit(train_text(ElmanText(), options))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_with_its_weights_saved(number: signal.Signals, status: int, tmp_path: Path) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "w.npz"
    source.write_text(long_text(8000), encoding="utf-8")
    here = Path(__file__).parent
    code = RUN.format(paths=[str(here), str(here.parent)], text=str(source), out=str(out))
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        time.sleep(0.5)
        process.send_signal(number)
        shown, said = process.communicate(timeout=120)
    assert process.returncode == status
    assert "characters to train on" in first
    assert not shown
    assert said.startswith(f"stopped by {number.name} after step ")
    assert said.count("\n") == 1
    assert np.isfinite(load_weights(out).arrays["h.W"]).all()
