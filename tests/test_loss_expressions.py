"""Losses inside expressions: functions, choices and reductions of them, against differences."""

from __future__ import annotations

import numpy as np
import pytest

import rnnc

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
)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient(loss: str) -> None:
    targets = "  target t[n] : K\n" if " t)" in loss or " t," in loss else ""
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
