"""Every learning rule of a CuPy module on the stand-in, for every kind of recurrence: what the NumPy module gives."""

from __future__ import annotations

import shutil
import sys
from inspect import signature
from typing import Any

import fake_gpu
import numpy as np
import pytest
from every_rule import NAMES, allowed_in
from mirrored import OnBoth
from oracle.streaming import chunks
from test_rtrl_cost import CASES, network

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")

TEXTS = {name: network(body, h).replace("H = 24", "H = 6") for name, body, h, *_ in CASES}
EXACT = ("rtrl", "hybrid")


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_gpu.gpu())


def in_single(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: a.astype("float32") if a.dtype.kind == "f" else a for name, a in arrays.items()}


def learn(subject: OnBoth, rule: str) -> None:
    """A ragged batch in both precisions, two chunks, three steps online; `hybrid` in blocks of several sizes."""
    module, p, two = subject.module, subject.parameters, chunks(subject)
    run, batch = getattr(module, rule), subject.ragged
    seed = {"seed": 3} if "seed" in signature(run).parameters else {}
    sizes: tuple[dict[str, Any], ...] = ({}, {"block": 1}, {"block": 3}) if rule == "hybrid" else ({},)
    for size in sizes:
        run(p, **batch.arrays, lengths=batch.given(subject.system.axes), **seed, **size)
        _, grads = run(p, **two.first, **seed, **size)
        run(p, **two.second, state=grads.state, **seed, **size)
    run(in_single(p), **in_single(batch.arrays), lengths=batch.given(subject.system.axes), **seed)
    if hasattr(module, f"{rule}_step"):
        learner = getattr(module, f"{rule}_start")(p, 3, **seed)
        for n in range(3):
            now = {name: np.concatenate((two.first[name], two.second[name]))[n] for name in ("x", "t")}
            _, _, learner = getattr(module, f"{rule}_step")(p, learner, **now, **seed)


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


def test_every_rule_is_tried() -> None:
    assert {rule for text in TEXTS.values() for rule in allowed_in(text)} == set(NAMES)
