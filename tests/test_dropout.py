"""Dropout (Hinton et al. 2012): masks that the seed alone decides, left out by `forward`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

import rnnc

Array = NDArray[Any]

# The loss is the sum of the masked inputs: its derivative by `x` is the mask itself.
MASKS = """
network masks(D = 400) {
  axis n
  input  x[n] : D
  output y[n] : D = dropout(x[n], 0.3)
  loss sum(y)
}
"""

# In the recurrence, between layers, and on what the loss alone reads.
DEEP = """
network deep(D = 3, H = 5, K = 2) {
  axis n
  input  x[n] : D
  target t[n] : K
  unit   h[n] : H = tanh(full(x[n]) + full(dropout(h[n-1], 0.4)) + bias)
  unit   g[n] : H = tanh(full(dropout(h[n], 0.25)) + diag(g[n-1]) + bias)
  output y[n] : K = full(g[n]) + bias
  loss squared_error(y, t)
  loss 0.1 * sum(dropout(g[n], 0.5) ^ 2)
}
"""


@pytest.fixture(scope="module")
def masks() -> ModuleType:
    found: ModuleType = rnnc.compile_text(MASKS)
    return found


@pytest.fixture(scope="module")
def deep() -> ModuleType:
    found: ModuleType = rnnc.compile_text(DEEP)
    return found


def mask(masks: ModuleType, seed: int, steps: int = 10, batch: int = 4) -> Array:
    x = np.ones((steps, batch, 400))
    found: Array = masks.bptt(masks.init(dtype="float64"), x=x, seed=seed, wrt="x", reduce="sum")[1]["x"]
    return found


def test_kept_entries_are_scaled_up(masks: ModuleType) -> None:
    found = mask(masks, 1)
    assert_allclose(np.unique(found), [0, 1 / 0.7], rtol=1e-6)
    # 16000 draws: five standard deviations of the share that is dropped
    assert abs(np.mean(found == 0) - 0.3) < 5 * np.sqrt(0.3 * 0.7 / found.size)
    # no two positions, sequences or entries share their draws
    rows = found.reshape(-1, 400)
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert len(np.unique(rows.T, axis=0)) == 400


def test_the_seed_decides(masks: ModuleType) -> None:
    np.random.default_rng(3)
    first = mask(masks, 7)
    np.random.seed(5)
    assert_array_equal(mask(masks, 7), first)
    assert not np.array_equal(mask(masks, 8), first)


def test_the_expectation_is_without(masks: ModuleType) -> None:
    """Over 200 seeds the value's mean is that of `forward`, to five standard errors."""
    x = np.random.default_rng(0).normal(size=(2, 400))
    p = masks.init(dtype="float64")
    values = np.array([masks.bptt(p, x=x, seed=seed)[0] for seed in range(200)])
    error = np.sqrt(np.sum(x**2) * 0.3 / 0.7 / len(values))
    assert abs(values.mean() - x.sum()) < 5 * error
    assert_allclose(values.std(), np.sqrt(np.sum(x**2) * 0.3 / 0.7), rtol=0.2)


def test_forward_leaves_it_out(masks: ModuleType, deep: ModuleType) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3, 400))
    assert_array_equal(masks.forward(masks.init(dtype="float64"), x=x)["y"], x)
    without = rnnc.compile_text(DEEP.replace("dropout(h[n-1], 0.4)", "h[n-1]").replace("dropout(h[n], 0.25)", "h[n]"))
    p, draw = deep.init(seed=3, dtype="float64"), np.random.default_rng(1)
    data = {"x": draw.normal(size=(4, 3)), "t": draw.normal(size=(4, 2))}
    found, expected = deep.forward(p, **data), without.forward(dict(p), **data)
    assert_allclose(found["y"], expected["y"], rtol=1e-14)
    assert_allclose(found["loss"], expected["loss"], rtol=1e-14)


@pytest.mark.parametrize("lengths", [None, [6, 2, 3]])
def test_the_gradient_is_that_of_the_masked_loss(deep: ModuleType, lengths: Any) -> None:
    """Five-point differences of the value that the same seed gives."""
    p, draw = deep.init(seed=3, dtype="float64"), np.random.default_rng(2)
    p.flat += 0.1 * draw.normal(size=p.flat.shape)
    data = {"x": draw.normal(size=(6, 3, 3)), "t": draw.normal(size=(6, 3, 2))}

    def value(data: dict[str, Array]) -> float:
        return float(deep.bptt(p, **data, lengths=lengths, seed=11)[0])

    plain = float(np.mean(deep.forward(p, **data, lengths=lengths)["loss"]))
    assert abs(value(data) - plain) > 1e-3
    _, grads = deep.bptt(p, **data, lengths=lengths, seed=11, wrt="x")
    slope = np.zeros_like(p.flat)
    for k in range(p.flat.size):
        kept, weights = p.flat[k], {-2: 1, -1: -8, 1: 8, 2: -1}
        for step, weight in weights.items():
            p.flat[k] = kept + step * 1e-3
            slope[k] += weight * value(data) / 12e-3
        p.flat[k] = kept
    assert_allclose(grads.flat, slope, rtol=1e-7, atol=1e-9)
    along = draw.normal(size=data["x"].shape)
    moved = [value({**data, "x": data["x"] + e * 1e-3 * along}) for e in (-2, -1, 1, 2)]
    assert_allclose(np.sum(grads["x"] * along), np.dot([1, -8, 8, -1], moved) / 12e-3, rtol=1e-7)


def test_a_start_that_a_dropout_reads_two_steps_later() -> None:
    """Inside a recurrence every step has one mask, on the way back too: the start meets it at two steps."""
    spec = DEEP.replace("dropout(h[n-1], 0.4)", "dropout(h[n-2], 0.4)").replace(
        "  loss sq", "  start  h = learned\n  loss sq"
    )
    module = rnnc.compile_text(spec)
    p, draw = module.init(seed=3, dtype="float64"), np.random.default_rng(2)
    data = {"x": draw.normal(size=(6, 3, 3)), "t": draw.normal(size=(6, 3, 2))}
    for seed in range(3):
        found = module.bptt(p, **data, seed=seed)[1]["h.start"]
        for k in range(found.size):
            moved = []
            for step in (-1e-5, 1e-5):
                other = p.copy()
                other["h.start"][k] += step
                moved.append(module.bptt(other, **data, seed=seed)[0])
            assert_allclose(found[k], (moved[1] - moved[0]) / 2e-5, rtol=1e-6, atol=1e-9)


def test_sequences_of_a_batch_have_masks_of_their_own(masks: ModuleType) -> None:
    found = mask(masks, 2, steps=1, batch=40)[0]
    assert len(np.unique(found, axis=0)) == 40


def test_every_dropout_has_a_mask_of_its_own() -> None:
    """Were the two the same, their sum would be 0 or 4."""
    twice = rnnc.compile_text(MASKS.replace("dropout(x[n], 0.3)", "dropout(x[n], 0.5) + dropout(x[n], 0.5)"))
    assert_array_equal(np.unique(mask(twice, 3)), [0, 2, 4])


def test_the_seed_is_needed(masks: ModuleType) -> None:
    p, x = masks.init(), np.ones((2, 400))
    with pytest.raises(ValueError, match=r"^`masks` uses dropout: bptt needs seed=, a whole number$"):
        masks.bptt(p, x=x)
    for wrong in (-1, 0.5, True, "a"):
        with pytest.raises(ValueError, match=f"^seed must be a whole number of at least 0, found {wrong!r}$"):
            masks.bptt(p, x=x, seed=wrong)


OUTSIDE = """network outside(H = 3) {
  axis n
  input  x[n] : H
  input  c : H
  unit   h[n] : H = tanh(full(x[n]) + full(dropout(h[n-1], 0.3)))
  start  h = tanh(full(dropout(c, 0.5)))
  unit   s : H = sum over n (h)
  output y : H = full(dropout(s, 0.4))
  loss sum(dropout(y, 0.5) ^ 2)
}
"""


def test_what_stands_before_and_behind_a_sequence_in_pieces_has_its_masks() -> None:
    whole = rnnc.compile_text(OUTSIDE, learn=("truncated_bptt",))
    cut = rnnc.compile_text(OUTSIDE, learn=(), checkpoint=True)
    p, draw = whole.init(seed=3, dtype="float64"), np.random.default_rng(1)
    data = {"x": draw.normal(size=(6, 3, 3)), "c": draw.normal(size=(3, 3)), "lengths": [6, 1, 3], "seed": 4}
    value, grads = whole.bptt(p, **data)
    for found in (cut.bptt(p, **data), whole.truncated_bptt(p, **data, k1=6, k2=6)):
        assert_allclose(found[0], value, rtol=1e-12)
        assert_allclose(found[1].flat, grads.flat, rtol=0, atol=1e-12)
