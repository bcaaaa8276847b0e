"""Chains of hundreds of equations and windows of hundreds of taps: nothing nests as deep as they are long."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import rnnc

Array = NDArray[Any]
LONG = 300


@pytest.mark.parametrize("before", ["x", f"u{LONG - 1}[n-1]"])
def test_a_chain_of_equations(before: str) -> None:
    units = [f"unit u{k}[n] : 1 = tanh(0.9 * {f'u{k - 1}' if k else before} + x)" for k in range(LONG)]
    module = rnnc.compile_text(f"network a {{ axis n input x[n] : 1 {' '.join(units)} loss sum(u{LONG - 1} ^ 2) }}")
    x = np.linspace(-1.0, 1.0, 3)

    def loss(x: Array) -> Any:
        total, last = x[0] * 0, x[0] * 0
        for here in x:
            last = here if before == "x" else last
            for _ in range(LONG):
                last = np.tanh(0.9 * last + here)
            total = total + last**2
        return total

    value, grads = module.bptt(module.init(dtype="float64"), x=x, wrt="x")
    assert_allclose(value, loss(x), rtol=1e-12)
    expected = [loss(x + 1e-30j * row).imag / 1e-30 for row in np.eye(3)]
    assert_allclose(grads["x"][:, 0], expected, rtol=1e-10)


def test_a_window_of_hundreds_of_taps() -> None:
    text = f"network a(H = 2) {{ axis n input x[n] : 1 output y[n] : H = full(x[n-{LONG * 3}..n]) loss sum(y) }}"
    module = rnnc.compile_text(text)
    p, rng = module.init(dtype="float64"), np.random.default_rng(0)
    x = rng.normal(size=5)
    weights = p["y.W_x"].sum(axis=0)[::-1]
    value, grads = module.bptt(p, x=x, wrt="x")
    assert_allclose(value, sum(weights[j] * x[n - j] for n in range(5) for j in range(n + 1)), rtol=1e-12)
    assert_allclose(grads["x"][:, 0], [weights[: 5 - n].sum() for n in range(5)], rtol=1e-12)
