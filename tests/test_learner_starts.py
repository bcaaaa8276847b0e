"""What `*_start` gives is what `*_step` takes: without a parameter behind a recurrence, and with a first state
that is an input, whose sequences are the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import rnnc

RESERVOIR = """network reservoir(D = 2, H = 3, K = 2) {
  axis n
  input  x[n] : D
  target t[n] : K
  fixed  W : (H, D)
  fixed  R : (H, H)
  unit   h[n] : H = tanh(W @ x[n] + R @ h[n-1])
  output y[n] : K = full(h) + bias
  loss squared_error(y, t)
}"""
STARTED = """network started(D = 2, H = 3, K = 2) {
  axis n
  input  x[n] : D
  input  h0 : H
  target t[n] : K
  unit   h[n] : H = tanh(full(x) + full(h[n-1]) + bias)
  output y[n] : K = full(h) + bias
  start  h = h0
  loss squared_error(y, t)
}"""
BOTH = RESERVOIR.replace("  input  x", "  input  h0 : H\n  input  x").replace("  loss", "  start  h = h0\n  loss")
RULES = ("rtrl", "truncated_gradient", "snap1", "rflo", "eprop", "uoro", "kf_rtrl")
STEPS = 5


@pytest.mark.parametrize("spec", (RESERVOIR, STARTED, BOTH), ids=("reservoir", "started", "both"))
@pytest.mark.parametrize("rule", RULES)
def test_steps_from_the_start(spec: str, rule: str) -> None:
    module, rng = rnnc.compile_text(spec, learn=(rule,)), np.random.default_rng(0)
    p = module.init(seed=0, dtype="float64")
    seed: dict[str, Any] = {"seed": 3} if rule in ("uoro", "kf_rtrl") else {}
    for lead, batch in (((4,), 4), ((4,), None), ((), None)):
        x, t = rng.standard_normal((STEPS, *lead, 2)), rng.standard_normal((STEPS, *lead, 2))
        first = {"h0": rng.standard_normal((*lead, 3))} if "h0" in spec else {}
        if not first and lead and batch is None:
            continue
        learner = getattr(module, f"{rule}_start")(p, batch, **first)
        value, total = 0.0, np.zeros_like(p.flat)
        for n in range(STEPS):
            one, grads, learner = getattr(module, f"{rule}_step")(p, learner, x=x[n], t=t[n], **seed)
            value, total = value + one, total + grads.flat
        expected, whole = getattr(module, rule)(p, x=x, t=t, **first, **seed)
        assert_allclose(value, expected, rtol=1e-12)
        assert_allclose(total, whole.flat, rtol=0, atol=1e-12)


HIDDEN = """network hidden(H = 3) {
  axis n
  input  x[n] : H
  input  c : H
  target t[n] : H
  unit   h[n] : H = tanh(x + full(h[n-1]))
  output g[n] : H = full(h)
  output y[n] : H = full(g[n-1])
  start  g = learned
  start  g[first-1] = c
  loss squared_error(g, t)
}"""


def test_a_learned_start_behind_an_early_value_of_what_the_loss_never_reads_back() -> None:
    module, rng = rnnc.compile_text(HIDDEN, learn=("rtrl", "uoro")), np.random.default_rng(0)
    p = module.init(seed=0, dtype="float64")
    data = {"x": rng.standard_normal((4, 3)), "c": rng.standard_normal(3), "t": rng.standard_normal((4, 3))}
    _, expected = module.bptt(p, **data)
    assert_allclose(module.rtrl(p, **data)[1].flat, expected.flat, rtol=0, atol=1e-12)
    assert_allclose(module.rtrl_start(p, c=data["c"])["g"], data["c"])
