"""Small networks that specs of composed losses once found computed wrong: every property holds of each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle.check import check

import rnnc

CORNERS: dict[str, tuple[int, str]] = {
    "two units of one function, one of which starts": (
        1,
        """
        axis n
        input x[n] : D
        output a[n] : K = sigmoid(full(x))
        output y[n] : K = sigmoid(full(x))
        start y = 0.3
        target t[n] : K
        loss squared_error(y[n-2], t) + squared_error(a, t)
        """,
    ),
    "a loss whose derivative is made of the loss": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : K = tanh(full(x) + full(h[n-1]))
        target t[n] : K
        loss sqrt(1 + sum over n (squared_error(h, t)))
        """,
    ),
    "a mean that counts where an end of another target says so": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : K = tanh(full(x) + full(h[n-1]))
        target t[n], s[n] : K
        loss mean over n (squared_error(h, t), where = 2 > min(s[last]))
        """,
    ),
    "an output of one entry, rows of eight apart": (
        1,
        """
        axis n
        input x[n] : D
        output y[n] : 1 = 0.1 + 0.8 * sigmoid(full(x))
        output z[n] : 7 = tanh(full(x))
        target t[n] : 1
        loss cross_entropy(y, t)
        """,
    ),
    "a unit with a loss of its own, which another reads": (
        1,
        """
        axis n
        input x[n] : D
        unit h[n] : K = tanh(full(x) + bias)
        output y[n] : K = full(h) * h
        target s[n], t[n] : K
        loss squared_error(h, s) + squared_error(y, t)
        """,
    ),
    "targets with gaps inside functions that choose": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : K = softmax(full(x) + full(h[n-1]))
        target t[n] : K
        loss squared_error(h, max(t, 0.3)) + squared_error(h, relu(t - 0.5)) + cross_entropy(h, softmax(t))
        """,
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_every_property_holds(name: str) -> None:
    seed, body = CORNERS[name]
    check(f"network corner(D = 3, H = 4, K = 2, V = 5) {{{body}}}", seed, known=True)


AHEAD = """network later(D = 3) {
  axis n
  input x[n] : D
  output y[n] : D = tanh(full(x) + full(y[n-1]))
  target s[n] : D
  target t[n] : D
  loss squared_error(y, s) + squared_error(y, t[n+1])
}
"""


def test_a_target_that_is_not_passed_is_zero_past_the_end_like_others() -> None:
    module = rnnc.compile_text(AHEAD)
    rng = np.random.default_rng(0)
    p = module.init(dtype="float64")
    x, s = rng.normal(size=(3, 2, 3)), rng.normal(size=(3, 2, 3))
    alone = [module.bptt(p, x=x[:n, b], s=s[:n, b]) for b, n in enumerate((3, 2))]
    for more in ({}, {"t": np.full_like(s, np.nan)}):
        value, grads = module.bptt(p, x=x, s=s, lengths=[3, 2], reduce="sum", **more)
        assert_allclose(value, sum(v for v, _ in alone), rtol=1e-12)
        assert_allclose(grads.flat, sum(g.flat for _, g in alone), rtol=1e-10, atol=1e-12)


def test_a_loss_that_reads_ahead_has_no_step_of_its_own() -> None:
    module = rnnc.compile_text(AHEAD)
    assert hasattr(module, "step") and hasattr(module, "rtrl")
    assert not hasattr(module, "rtrl_step") and not hasattr(module, "rtrl_start")
    assert hasattr(rnnc.compile_text(AHEAD.replace("n+1", "n-1")), "rtrl_step")
