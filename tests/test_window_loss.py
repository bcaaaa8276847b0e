"""A network scored in windows, its state carried on, has the loss that it has on whole sequences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import rnnc
from rnnc.runtime.data import open_data
from rnnc.runtime.evaluate import evaluate
from rnnc.runtime.network import UnfitNetwork

Array = NDArray[np.float64]

SPEC = """network sums(K = 2) {
  axis n
  input  x[n] : K
  target t[n] : K
  target z[n] : K
  unit   h[n] : K = 0.5 * h[n-1] + x
  output y[n] : K = sigmoid(h)
  output p[n] : K = softmax(h)
  loss LOSS
}"""


def outputs(x: Array) -> tuple[Array, Array]:
    h = np.zeros_like(x)
    for n, now in enumerate(x):
        h[n] = now + (0.5 * h[n - 1] if n else 0.0)
    return 1 / (1 + np.exp(-h)), np.exp(h) / np.exp(h).sum(axis=-1, keepdims=True)


def mean_over_present(cost: Array, t: Array) -> float:
    """`cost` (steps, sequences), 0 where nothing is present; a position counts where any entry is."""
    count = (~np.isnan(t)).any(axis=-1).sum(axis=0)
    return float((cost.sum(axis=0) / np.maximum(count, 1)).mean())


def score(loss: str, x: Array, t: Array, window: int | None, z: Array | None = None) -> float:
    module = rnnc.compile_text(SPEC.replace("LOSS", loss))
    arrays = {"x": x, "t": t, "z": t if z is None else z}
    return evaluate(module, module.init(), open_data(arrays, module), batch=3, window=window).mean


def examples() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(11, 4, 2)), np.eye(2)[rng.integers(0, 2, (11, 4))]


@pytest.mark.parametrize("window", [None, 1, 4])
@pytest.mark.parametrize("gaps", [False, True])
def test_means_over_positions(window: int | None, gaps: bool) -> None:
    x, t = examples()
    if gaps:
        t[:5, 0], t[2:4, 1], t[:, 2], t[7, 3, 0] = np.nan, np.nan, np.nan, np.nan
    y, p = outputs(x)
    squares = mean_over_present(0.5 * np.nansum((t - y) ** 2, axis=-1), t)
    assert_allclose(score("mean over n (squared_error(y, t))", x, t, window), squares, rtol=1e-5)
    # of a vector that is all zero the cross entropy is 0, and shows neither sum nor mean
    entropy = mean_over_present(-np.nansum(t * np.log(p), axis=-1), t)
    assert_allclose(score("mean over n (cross_entropy(p, t))", x, t, window), entropy, rtol=1e-5)
    every = float(-np.nansum(t * np.log(p), axis=(0, 2)).mean())
    assert_allclose(score("cross_entropy(p, t)", x, t, window), every, rtol=1e-5)


@pytest.mark.parametrize("window", [None, 4])
def test_costs_that_are_small_where_the_data_begin(window: int | None) -> None:
    x, _ = examples()
    x[:8] = -15.0
    t = np.zeros_like(x)
    t[9] = 1.0
    wanted = mean_over_present(0.5 * ((t - outputs(x)[0]) ** 2).sum(axis=-1), t)
    assert_allclose(score("mean over n (squared_error(y, t))", x, t, window), wanted, rtol=1e-5)


def test_a_sequence_of_infinite_loss_is_one() -> None:
    """However many of its windows are so."""
    x, t = examples()
    x[:, 1] = -1000.0
    t[...] = 1.0
    module = rnnc.compile_text(SPEC.replace("LOSS", "sum(t / y)"))
    data = open_data({"x": x, "t": t, "z": t}, module)
    found = evaluate(module, module.init(), data, batch=3, window=2)
    own = (1 / outputs(np.delete(x, 1, axis=1))[0]).sum(axis=(0, 2))
    assert found.infinite == 1
    assert_allclose(found.mean, own.mean(), rtol=1e-5)


def test_what_cannot_be_put_together_is_refused() -> None:
    x, t = examples()
    two = "mean over n (squared_error(y, t)) loss mean over n (squared_error(p, z))"
    assert_allclose(score(two, x, t, 3), score(two, x, t, None), rtol=1e-5)
    with pytest.raises(UnfitNetwork, match="not over the same ones"):
        score(two, x, t, 3, np.where(np.arange(11)[:, None, None] == 5, np.nan, t))
    beside = "mean over n (squared_error(y, t) + 0 * sum(z)) loss mean over n (sum(y))"
    assert np.isfinite(score(beside, x, t, 3))
    with pytest.raises(UnfitNetwork, match="not over the same ones"):
        score(beside, x, np.where(np.arange(11)[:, None, None] == 5, np.nan, t), 3)
    with pytest.raises(UnfitNetwork, match="neither a sum nor a mean"):
        score("squared_error(y, t) loss mean over n (squared_error(p, z))", x, t, 3)
