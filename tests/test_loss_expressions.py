"""Losses inside expressions: functions, choices and reductions of them, against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rnnc

Array = NDArray[Any]

HEAD = """network of_losses(K = 4) {
  axis n
  input  x[n] : 2
  output p[n] : K = softmax(full(x) + bias)
"""
LOSSES = (
    "sqrt(1 + ctc(p, l))",
    "where(ctc(p, l) > 2.5, 3 * ctc(p, l), 0)",
    "max(ctc(p, l), 3) + 0.5 * ctc(p, l, blank = 3) / (1 + ctc(p, l))",
    "mean over n (exp(cross_entropy(p, t)))",
    "max over n (squared_error(p, t)) - min(ctc(p, l), 1)",
    "sum over n (squared_error(p, t), where = n > 2)",
    "sum over n (where(n > 1, squared_error(p, t), 0))",
    "0.5 * mean over n (sum(square(p - t)))",
    "sqrt(1 + mean over n (sum(abs(p - t)), where = n > 1))",
    "mean over n (squared_error(p, t), where = n > 2)",
    "max over n (sum(square(p - t)))",
    "sum(square(sum over n (t * log(p)) - p))",
)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient(loss: str) -> None:
    targets = "  target t[n] : K\n" if any(one in loss for one in (" t)", " t,", "(t ")) else ""
    labels = "  axis m\n  target l[m] : token(K)\n" if " l" in loss else ""
    module = rnnc.compile_text(f"{HEAD}{targets}{labels}  loss {loss}\n}}")
    draw = np.random.default_rng(1)
    p = module.init(seed=3, dtype="float64")
    data = {
        "x": draw.standard_normal((5, 2, 2)),
        "t": draw.uniform(0.1, 0.9, (5, 2, 4)),
        "l": np.array([[1, 2], [2, -1]]),
    }
    data["t"][0, 0, 1], data["t"][3, 1] = np.nan, np.nan
    data = {name: data[name] for name in (*module.INPUTS, *module.TARGETS)}
    _, grads = module.bptt(p, **data, reduce="sum")
    for name in grads:
        way, step = draw.standard_normal(p[name].shape), 1e-4
        ends = [module.bptt({**p, name: p[name] + by * way}, **data, reduce="sum")[0] for by in (step, -step)]
        assert np.sum(grads[name] * way) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-8)


def squares(y: Array, t: Array) -> Array:
    """0 where an entry is missing."""
    return np.asarray(np.nan_to_num(((y - t) ** 2).sum(axis=-1)))


def there(t: Array) -> Array:
    return np.asarray(~np.isnan(t).all(axis=-1))


BY_HAND: dict[str, Callable[[Array, Array, Array], float]] = {
    "0.5 * mean over n (sum(square(y - t)))": lambda y, t, m: 0.5 * squares(y, t).sum() / there(t).sum(),
    "sqrt(mean over n (sum(square(y - t))))": lambda y, t, m: float(np.sqrt(squares(y, t).sum() / there(t).sum())),
    "sqrt(sum over n (sum(square(y - t))))": lambda y, t, m: float(np.sqrt(squares(y, t).sum())),
    "max over n (sum(square(y - t)))": lambda y, t, m: squares(y, t).max(),
    "sum over n (sum(square(y - t)), where = m > 0)": lambda y, t, m: squares(y, t)[m > 0].sum(),
    "mean over n (sum(square(y - t)), where = m > 0)": lambda y, t, m: (
        squares(y, t)[m > 0].sum() / there(t)[m > 0].sum()
    ),
    "mean over n (squared_error(y, t), where = m > 0)": lambda y, t, m: (
        0.5 * np.nansum((y - t) ** 2, axis=-1)[m > 0].sum() / there(t)[m > 0].sum()
    ),
    "2 + (sum(y[last]) - mean over n (sum(t))) ^ 2": lambda y, t, m: (
        2 + (y[-1].sum() - np.nan_to_num(t.sum(axis=-1)).sum() / there(t).sum()) ** 2
    ),
    "max over n (sum(square(y - t))) * sum(square(y - t))": lambda y, t, m: squares(y, t).max() * squares(y, t).sum(),
}


@pytest.mark.parametrize("loss", BY_HAND)
def test_targets_that_are_put_together_over_their_axis(loss: str) -> None:
    """What has been added up over an axis is one number, however many positions its targets have."""
    module = rnnc.compile_text(f"""network sums(D = 2) {{
      axis n
      input  x[n] : D
      input  m[n] : 1
      target t[n] : D
      output y[n] : D = 2 * x
      loss {loss}
    }}""")
    draw = np.random.default_rng(0)
    x, t, m = draw.normal(size=(6, 3, 2)), draw.normal(size=(6, 3, 2)), draw.integers(0, 2, (6, 3)) - 0.5
    t[1, 1], t[4, 1, 0], t[5, 2] = np.nan, np.nan, np.nan
    m[[0, 3]] = 1.0
    lengths = np.array([6, 5, 4])
    wanted = [BY_HAND[loss](2 * x[:n, b], t[:n, b], m[:n, b]) for b, n in enumerate(lengths)]
    found = module.forward(module.init(dtype="float64"), x=x, t=t, m=m, lengths=lengths)["loss"]
    assert found == pytest.approx(wanted, rel=1e-5)


def test_gaps_that_a_choice_or_a_prediction_reads() -> None:
    """A gap is no number above or below another: it carries no error, whatever the target is made of."""
    head = """network signs(D = 2) {
      axis n
      input  x[n] : D
      target t[n] : D
      target c[n] : token(3)
      output y[n] : D = 2 * x"""
    draw = np.random.default_rng(0)
    x, t, c = draw.normal(size=(6, 2)), draw.normal(size=(6, 2)), draw.integers(0, 3, 6)
    t[1], t[4, 0], c[2] = np.nan, np.nan, -1
    full, before = ~np.isnan(t).any(axis=-1), np.concatenate([[[0.0, 0.0]], t[:-1]])

    def error(y: Array, wanted: Array, counts: Any) -> float:
        return float((0.5 * np.nan_to_num((wanted - y) ** 2).sum(axis=-1) * counts).sum())

    cases = {
        "squared_error(y, where(t > 0, 1, 0))": error(2 * x, np.where(t > 0, 1.0, 0.0), full),
        "squared_error(y, step(t))": error(2 * x, np.where(t > 0, 1.0, 0.0), full),
        "squared_error(sum(y), where(c == 1, 1, 0))": error(
            (2 * x).sum(axis=-1, keepdims=True), np.where(c == 1, 1.0, 0.0)[:, None], c >= 0
        ),
        # a partly missing target costs what its other entries do
        "squared_error(y + t[n-1], t)": error(2 * x + before, t, ~np.isnan(before).any(axis=-1)),
    }
    for loss, wanted in cases.items():
        module = rnnc.compile_text(f"{head} loss {loss} }}")
        data = {name: {"x": x, "t": t, "c": c}[name] for name in (*module.INPUTS, *module.TARGETS)}
        assert module.forward(module.init(dtype="float64"), **data)["loss"] == pytest.approx(wanted, rel=1e-6), loss


def test_what_a_mean_counts() -> None:
    """Positions where a target that varies along the axis is there, in whatever order reductions inside it stand; a
    missing token picks no row, and its position is 0."""
    head = """network counted(D = 2) {
      axis n, m
      input  x[n] : D
      input  u[n, m] : D
      target s[n, m] : D
      target c : D
      target w[n] : token(3)
      param  G : (3, D) = ones"""
    x, u = np.array([[1.0, 0], [2, 1], [0, 3], [1, 1]]), np.arange(16.0).reshape(4, 2, 2) / 8
    s, w, c = u + 1, np.array([2, -1, 0, 1]), np.full(2, np.nan)
    s[1], s[2, 0] = np.nan, np.nan
    rows = np.array([[1.0, 2], [3, 4], [5, 6]])
    errors = np.array([[np.nan_to_num((s[n, k] - u[n, k]) ** 2).sum() / 2 for k in range(2)] for n in range(4)])
    cases = {
        # c is there at no position: nothing says of a position that it counts, so all do
        "mean over n (squared_error(x, c) + sum(x), where = n < 2)": x[:2].sum() / 2,
        "mean over n (squared_error(x, c) + sum(x))": x.sum() / 4,
        "mean over n (sum over m (squared_error(u, s)))": errors.sum() / 3,
        "mean over n (max over m (squared_error(u, s)))": errors.max(axis=1).sum() / 3,
        "mean over n, m (squared_error(u, s))": errors.sum() / 5,
        "sum(G[w] * x)": sum(float(rows[w[n]] @ x[n]) for n in (0, 2, 3)),
        "mean over n (sum(G[w] * x))": sum(float(rows[w[n]] @ x[n]) for n in (0, 2, 3)) / 3,
    }
    for loss, wanted in cases.items():
        module = rnnc.compile_text(f"{head} loss {loss} }}")
        p = module.init(dtype="float64")
        p["G"][...] = rows
        data = {"x": x, "u": u, "s": s, "c": c, "w": w}
        given = {name: data[name] for name in (*module.INPUTS, *module.TARGETS)}
        assert module.forward(p, **given)["loss"] == pytest.approx(wanted, rel=1e-6), loss


def test_a_mean_of_what_is_put_together_first_over_the_inner_axis() -> None:
    """Whether a target is there is asked of its own axes, not of the innermost reduction's."""
    module = rnnc.compile_text("""network nested(D = 2) {
      axis n, m, k
      input  x[n, m, k] : D
      target t[n, m] : D
      loss mean over n (sum over k (sum over m (squared_error(x, t))))
    }""")
    x, t = np.arange(24.0).reshape(3, 2, 2, 2) / 8, np.ones((3, 2, 2))
    t[1] = np.nan
    wanted = sum(((t[n, m] - x[n, m, k]) ** 2).sum() / 2 for n in (0, 2) for m in range(2) for k in range(2)) / 2
    assert module.forward(module.init(dtype="float64"), x=x, t=t)["loss"] == pytest.approx(wanted)
