"""The loss ctc of CuPy modules, its kernels run on the CPU: stored cases, the NumPy form, long and odd batches."""

from __future__ import annotations

import re
import shutil
import sys
from functools import cache
from types import ModuleType
from typing import Any

import fake_gpu
import numpy as np
import pytest
from cases import stored
from ctc_oracle import by_sums
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from test_ctc import ALONE, CASES, batch_of, learned

import rnnc

Array = NDArray[Any]

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")


@cache
def gpu() -> Any:
    return fake_gpu.gpu()


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", gpu())


@cache
def alone(blank: int) -> ModuleType:
    module: ModuleType = rnnc.compile_text(ALONE, settings={"blank": float(blank)}, target="cupy")
    return module


def on_gpu(
    blank: int, z: Array, labels: Array, frames: Array, positions: Array, dtype: str = "float64"
) -> tuple[Array, Array]:
    """Loss (batch,) and gradient by the logits."""
    module = alone(blank)
    p = module.init(K=z.shape[2], dtype=dtype)
    data = {"z": z.astype(dtype), "l": labels, "lengths": {"n": frames, "m": positions}}
    loss = module.forward(p, **data)["loss"].host
    value, grads = module.bptt(p, **data, wrt="z", reduce="sum")
    assert_array_equal(value.host, loss.sum())
    assert loss.dtype == grads["z"].dtype == dtype
    return loss, grads["z"].host


def random_batch(draw: np.random.Generator) -> tuple[int, Array, Array, Array, Array]:
    """Some empty, some with repeats, many infeasible; NaN in the padding."""
    longest, many, batch, classes = (int(n) for n in draw.integers((1, 0, 1, 2), (14, 7, 7, 40)))
    frames = draw.integers(1, longest + 1, batch)
    positions = draw.integers(0, many + 1, batch)
    blank = int(draw.integers(0, 2))
    z = draw.standard_normal((longest, batch, classes)) * draw.choice([1.0, 10.0])
    z[np.arange(longest)[:, None] >= frames] = np.nan
    labels = draw.integers(0, min(classes - 1, 4), (many, batch))
    return blank, z, labels + (labels >= blank), frames, positions


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: stored.Stored) -> None:
    """Every stored case in both precisions, with NaN in the padding."""
    blank = int(case.hyper["blank"])
    z, labels, frames, positions = batch_of(case)
    past = np.arange(len(z))[:, None] >= frames
    z = np.where(past[..., None], np.nan, z)
    expected = case["grad.logits"].transpose(1, 0, 2)
    for dtype, rtol, atol in (("float64", case.rtol, case.atol), ("float32", 1e-5, 2e-5)):
        loss, gradient = on_gpu(blank, z, labels, frames, positions, dtype)
        assert_allclose(loss, case["out.loss"], rtol=rtol, atol=atol)
        assert_allclose(gradient[~past], expected[~past], rtol=rtol, atol=atol)
        assert_array_equal(gradient[past], 0.0)


def test_random_batches_are_numpys() -> None:
    """40 ragged batches: loss and gradient to 1e-12, and the same bits again in whatever order threads run."""
    draw = np.random.default_rng(4)
    infeasible = 0
    for _ in range(40):
        batch = random_batch(draw)
        loss, gradient = on_gpu(*batch)
        expected, by_logits = learned(*batch)
        assert_allclose(loss, expected, rtol=1e-12, atol=1e-13)
        assert_allclose(gradient, by_logits, rtol=0, atol=1e-12)
        again, twice = on_gpu(*batch)
        assert_array_equal(again, loss)
        assert_array_equal(twice, gradient)
        infeasible += int(np.isinf(loss).sum())
    assert 10 < infeasible < 120


@pytest.mark.parametrize("kind", ["flat", "random", "peaked", "very peaked", "huge", "wrong"])
def test_long_inputs(kind: str) -> None:
    """T = 300 with 40 labels, against sums in extended precision; what underflows in float64 is held all the same."""
    draw = np.random.default_rng(7)
    frames, classes, many = 300, 30, 40
    labels = draw.integers(1, classes, many)
    labels[10:13] = labels[9]
    z = draw.standard_normal((frames, classes))
    if kind == "flat":
        z *= 0.01
    elif kind == "huge":
        z = draw.choice([-1e4, 1e4], z.shape)
    elif kind.endswith("peaked"):
        z[np.arange(frames), np.where(np.arange(frames) % 7 == 5, labels[np.arange(frames) // 8], 0)] += (
            15.0 if kind == "peaked" else 90.0
        )
    elif kind == "wrong":
        z[:, 29] += 200.0
    z = z.astype(np.float32)
    expected, by_logits = by_sums(z, labels.tolist(), 0)
    lengths = np.array([frames]), np.array([many])
    for dtype, rtol in (("float64", 1e-11), ("float32", 1e-5)):
        loss, gradient = on_gpu(0, z[:, None], labels[:, None], *lengths, dtype)
        assert_allclose(loss[0], expected, rtol=min(rtol, 1e-6), atol=1e-15)
        assert np.linalg.norm(gradient[:, 0] - by_logits) <= rtol * np.linalg.norm(by_logits)


def test_more_states_than_threads() -> None:
    """1101 states of 1024 threads at most, on the chip and in global memory: the same bits, the oracle's numbers."""
    draw = np.random.default_rng(1)
    z, labels = draw.standard_normal((560, 1, 6)), draw.integers(1, 6, (550, 1))
    frames = np.array([560])
    positions = np.array([550])
    for b in range(1, 550):
        if labels[b, 0] == labels[b - 1, 0]:
            labels[b, 0] = labels[b, 0] % 5 + 1
    expected, by_logits = by_sums(z[:, 0], labels[:, 0].tolist(), 0)
    found = {}
    for shared in (48 * 1024, 0):
        alone(0).Lattice.SHARED, before = shared, alone(0).Lattice.SHARED
        found[shared] = on_gpu(0, z, labels, frames, positions)
        alone(0).Lattice.SHARED = before
    loss, gradient = found[0]
    assert_allclose(loss[0], expected, rtol=1e-12)
    assert_allclose(gradient[:, 0], by_logits, atol=1e-11)
    assert_array_equal(found[48 * 1024][0], loss)
    assert_array_equal(found[48 * 1024][1], gradient)


def test_batches_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work space bounds how many sequences go together, never the numbers."""
    batch = random_batch(np.random.default_rng(9))
    loss, gradient = on_gpu(*batch)
    assert len(loss) > 2
    monkeypatch.setattr(alone(batch[0]).Lattice, "HELD", 1)
    parts = on_gpu(*batch)
    assert_array_equal(parts[0], loss)
    assert_array_equal(parts[1], gradient)


def test_without_labels() -> None:
    """An axis of labels that is empty asks for blanks alone; no target at all asks nothing."""
    z = np.random.default_rng(0).standard_normal((5, 2, 4))
    found = on_gpu(0, z, np.zeros((0, 2), int), np.array([5, 3]), np.array([0, 0]))
    expected = learned(0, z, np.zeros((0, 2), int), np.array([5, 3]), np.array([0, 0]))
    assert_allclose(found[0], expected[0], rtol=1e-12)
    assert_allclose(found[1], expected[1], atol=1e-14)
    assert "loss" not in alone(0).forward(alone(0).init(K=4), z=z)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_logit_that_is_not_finite_is_named(value: float) -> None:
    module, z = alone(0), np.zeros((5, 2, 4))
    z[3, 1, 2] = value
    labels = np.array([[1, 2]])
    module.forward(module.init(K=4), z=z, l=labels, lengths={"n": np.array([5, 3])})
    with pytest.raises(ValueError, match=re.escape(f"sequence 1, n = 3: logit 2 of `p` is {value}")):
        module.bptt(module.init(K=4), z=z, l=labels)


def test_long_labels_that_do_not_fit_cost_infinity() -> None:
    loss, gradient = on_gpu(
        0, np.zeros((3, 2, 4)), np.array([[1, 1], [1, 2], [2, 1]]), np.array([3, 3]), np.array([3, 3])
    )
    assert_array_equal(np.isinf(loss), [True, False])
    assert_array_equal(gradient[:, 0], 0.0)
    assert np.any(gradient[:, 1])
