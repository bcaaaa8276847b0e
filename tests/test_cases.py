"""Every reference case, stated in the language, against its numbers: float64, float32, NaN in the padding."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from cases import stored, williams_zipser
from cases.families import REFUSED, state
from cases.running import RUNS, Run, check, compiled
from numpy.testing import assert_allclose

import rnnc
from rnnc.diagnostics import Rejected

CASES = tuple(stored.load(group, name) for group in stored.GROUPS for name in stored.names(group))
STATED = tuple(case for case in CASES if case.family not in REFUSED)
TRUNCATED = tuple(case for case in CASES if case.family == "tbptt")


def _ragged(case: stored.Stored) -> bool:
    return any(stated.padded for stated in state(case))


@pytest.mark.parametrize(
    ("case", "run"),
    [
        pytest.param(case, run, id=f"{case.group}/{case.name}-{run}")
        for case in STATED
        for run in RUNS
        if run != "padding" or _ragged(case)
    ],
)
def test_case(case: stored.Stored, run: Run) -> None:
    for stated in state(case):
        check(stated, run)


@pytest.mark.parametrize("case", TRUNCATED, ids=lambda case: case.name)
def test_truncated_windows_from_states(case: stored.Stored) -> None:
    (stated,) = state(case)
    module, p = compiled(stated.spec), stated.parameters
    x, t, h0 = (stated.data[name][..., None, :] for name in ("x", "t", "h0"))
    loss, total = 0.0, {name: np.zeros_like(values) for name, values in p.items()}
    for first, counted, end in williams_zipser.windows(case):
        begin = module.start(p, batch=1, h0=h0)
        if first:
            begin = module.forward(p, x=x[:first], state=begin)["state"]
        targets = t[first:end].copy()
        targets[: counted - first] = np.nan
        value, gradients = module.bptt(p, x=x[first:end], t=targets, state=begin, reduce="sum")
        loss += float(value)
        for name in total:
            total[name] += gradients[name]
    assert_allclose(loss, case["loss"], rtol=stated.rtol, atol=stated.atol)
    for name, key in (("h.W_x", "Wx"), ("h.W_h", "Wh"), ("h.b", "b")):
        assert_allclose(total[name], case["grad." + key], rtol=stated.rtol, atol=stated.atol, err_msg=name)


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_that_cannot_be_stated_is_refused(family: str) -> None:
    _, spec = REFUSED[family]
    with pytest.raises(Rejected) as refusal:
        rnnc.compile_text(spec)
    assert any("not supported" in d.message() for d in refusal.value.diagnostics)


def test_count() -> None:
    """How many cases are here, how many of them run, and which families are refused."""
    assert Counter(case.group for case in CASES) == {
        "models": 29,
        "onnx": 10,
        "onnx_ext": 44,
        "ort": 18,
        "rtrl": 11,
        "torch": 79,
    }
    assert Counter(case.group for case in STATED) == {
        "models": 25,
        "onnx": 10,
        "onnx_ext": 44,
        "ort": 18,
        "rtrl": 11,
        "torch": 79,
    }
    assert sum(_ragged(case) for case in STATED) == 64
    refused = Counter(case.family for case in CASES if case.family in REFUSED)
    assert refused == {"ctrnn": 1, "hierarchical": 2, "hopfield": 1}
    assert all(reason for reason, _ in REFUSED.values())
