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
    module, data = compiled(stated.spec), dict(stated.data)
    loss, total = 0.0, {name: np.zeros_like(values) for name, values in stated.parameters.items()}
    for first, counted, end in williams_zipser.windows(case):
        t = data["t"][first:end].copy()
        t[: counted - first] = np.nan
        if first:
            before = module.forward(stated.parameters, x=data["x"][:first], h0=data["h0"])
            begin = {"state": before["state"]}
        else:
            begin = {"h0": data["h0"]}
        value, gradients = module.bptt(stated.parameters, x=data["x"][first:end], t=t, reduce="sum", **begin)
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
        "models": 24,
        "onnx": 10,
        "onnx_ext": 44,
        "ort": 18,
        "rtrl": 11,
        "torch": 79,
    }
    assert sum(_ragged(case) for case in STATED) == 64
    refused = Counter(case.family for case in CASES if case.family in REFUSED)
    assert refused == {"ctrnn": 1, "hierarchical": 2, "hopfield": 1, "mdn": 1}
    assert all(reason for reason, _ in REFUSED.values())
