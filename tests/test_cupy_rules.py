"""Every learning rule of a CuPy module on the stand-in, for every kind of recurrence: what the NumPy module gives."""

from __future__ import annotations

import shutil
import sys

import fake_gpu
import pytest
from every_rule import NAMES, allowed_in
from mirrored import OnBoth, learn, ragged
from recurrences import TEXTS
from test_rtrl_axes import PICTURE, ROWS

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


def test_every_rule_is_tried() -> None:
    assert {rule for text in TEXTS.values() for rule in allowed_in(text)} == set(NAMES)
