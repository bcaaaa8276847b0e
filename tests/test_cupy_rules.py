"""Every learning rule of a CuPy module on the stand-in, for every kind of recurrence: what the NumPy module gives."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import fake_gpu
import numpy as np
import pytest
from every_rule import NAMES, allowed_in
from mirrored import Mirrored, OnBoth, in_single, learn, ragged
from oracle.streaming import chunks
from recurrences import TEXTS
from test_rtrl_axes import PICTURE, ROWS

import rnnc

SPECS = Path(__file__).resolve().parent.parent / "specs"

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")

EXACT = ("rtrl", "hybrid")


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_gpu.gpu())


@pytest.mark.parametrize("name", TEXTS)
def test_every_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dense, gated, sparse, in blocks, element by element; a dense one's scan in one kernel."""
    monkeypatch.setitem(fake_gpu.DEVICE, "CooperativeLaunch", int(name == "dense"))
    rules = allowed_in(TEXTS[name])
    assert set(EXACT) < set(rules) and len(rules) > 5
    subject = OnBoth(TEXTS[name], 1, ("bptt", *rules))
    for rule in rules:
        before = subject.module.calls
        learn(subject, rule)
        assert subject.module.calls - before >= 4, rule


@pytest.mark.parametrize("text", (PICTURE, ROWS), ids=("picture", "rows"))
def test_steps_along_several_axes(text: str) -> None:
    """A ragged batch: units, `bptt`, and the rules that follow every neighbour."""
    rules = ("rtrl", "hybrid", "snap1", "eprop", "truncated_gradient")
    subject = OnBoth(text, 1, ("bptt", *rules))
    ragged(subject)
    given = {**subject.ragged.arrays, "lengths": subject.ragged.given(subject.system.axes)}
    for rule in rules:
        getattr(subject.module, rule)(subject.parameters, **given)
    for rows in (2, 3):
        subject.module.hybrid(subject.parameters, **given, block=rows)
    assert subject.module.calls == 4 + len(rules)


CUT = ("elman", "gru", "lstm_peephole", "char_lm", "learned_delays", "narx", "echo_state", "many_to_one", "one_to_many")
"""Networks whose sequences run in pieces: cells, tokens, delays, fixed weights, means, learned and given starts."""


@pytest.mark.parametrize("name", CUT)
def test_checkpoints(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ragged batch in pieces, gradients by inputs too, and a second chunk; the scans of pieces in one kernel each."""
    monkeypatch.setitem(fake_gpu.DEVICE, "CooperativeLaunch", int(name != "gru"))
    text = (SPECS / f"{name}.rnn").read_text(encoding="utf-8")
    subject = OnBoth(text, 1)
    asked: dict[str, Any] = {"learn": ("bptt",), "checkpoint": True}
    numpys, device = rnnc.compile_text(text, **asked), rnnc.compile_text(text, target="cupy", **asked)
    assert hasattr(device, "in_checkpoints") and not hasattr(device, "_backward")
    both, p, batch = Mirrored(numpys, device, sys.modules["cupy"]), subject.parameters, subject.ragged
    lengths = batch.given(subject.system.axes)
    both.bptt(p, **batch.arrays, lengths=lengths, wrt=subject.inputs)
    if numpys.STATES:
        two = chunks(subject)
        _, grads = both.bptt(p, **two.first)
        both.bptt(p, **two.second, state=grads.state)
    both.bptt(in_single(p), **in_single(batch.arrays), lengths=lengths, reduce="sum")


def test_windows_of_what_lies_in_one_another() -> None:
    """A whole stack and its rows, both of which the way back overwrites."""
    text = (
        (SPECS / "handwriting.rnn").read_text(encoding="utf-8").replace("M = 20", "M = 3").replace("H = 400", "H = 5")
    )
    subject = OnBoth(text, 1, ("bptt", "truncated_bptt"))
    batch = subject.ragged
    run, lengths = subject.module.truncated_bptt, batch.given(subject.system.axes)
    run(subject.parameters, **batch.arrays, lengths=lengths, k1=2, k2=3)
    assert subject.module.calls == 1 and subject.module.device.kept_parts(**subject.sizes)


def test_no_piece_waits() -> None:
    """Windows of a ragged batch and pieces of it: all that decides where they end is on the host."""
    text = (SPECS / "elman.rnn").read_text(encoding="utf-8")
    cp = sys.modules["cupy"]
    module = rnnc.compile_text(text, target="cupy", learn=("bptt", "truncated_bptt"), checkpoint=True)
    p = module.init(dtype="float64")
    draw = np.random.default_rng(1)
    data = {
        name: cp.asarray(draw.standard_normal((9, 3, *module.data_shapes(**p.sizes)[name][0]))) for name in ("x", "t")
    }
    for run, more in ((module.bptt, {}), (module.truncated_bptt, {"k1": 2, "k2": 3})):
        with fake_gpu.watched() as done:
            run(p, **data, lengths=np.array([9, 4, 7]), **more)
        assert any(word.startswith("kernel") for word in done)
        assert not any(word.startswith("wait") for word in done)


def test_every_rule_is_tried() -> None:
    assert {rule for text in TEXTS.values() for rule in allowed_in(text)} == set(NAMES)
