"""Small networks that random specs once found computed wrong: every property holds of each."""

from __future__ import annotations

import pytest
from oracle.check import check

CORNERS: dict[str, tuple[int, str]] = {
    "units out and out_": (
        2,
        """
        axis n
        input x[n] : H
        unit g[n] : H = sigmoid(full(x) + full(out[n-1]) + bias)
        unit out[n] : H = g * out[n-1] + (1 - g) * tanh(full(x[n-1..n]))
        output out_[n] : K = full(out[n-1], out[n])
        target t[n] : K
        loss squared_error(out_, t)
        """,
    ),
    "the halo of what a scan keeps of one position": (
        1,
        """
        axis i, j
        unit u[i, j] : H = full(v[i-1, j]) + bias
        unit v[i, j] : H = sparse(u[i, j-3], density = 0.5)
        output y[i, j] : K = full(v[i, j-3])
        target t[i, j] : K
        loss squared_error(y, t)
        """,
    ),
    "a sum over what was read a step before": (
        2,
        """
        axis n
        input x[n] : K
        input w[n] : token(V)
        output s : K = sum over n (x[n-1])
        output e : K = sum over n (embedding(w[n-1], K))
        target t : K
        loss squared_error(s, t) + squared_error(e, t)
        """,
    ),
    "a mean over what starts past the end": (
        2,
        """
        axis n
        input x[n] : D
        output s : K = mean over n (b)
        unit a[n] : K = tanh(full(x) + b)
        unit b[n] : K = a[n+1]
        start b = 0.5
        target t : K
        loss squared_error(s, t)
        """,
    ),
    "two readers of one part of a concatenation": (
        0,
        """
        axis i, j
        input x : H
        unit c[i, j] : H = x
        unit u[j] : D = bias
        output y[i, j] : K = full(concat(u[j+1], c[i, j-2]))
        start c = learned
        target t[i, j] : K
        loss squared_error(y, t)
        """,
    ),
    "a start read at an end beside another unit": (
        0,
        """
        axis i, j
        input x : H
        unit h[i, j] : H = h[i, j-2]
        start h = full(x)
        unit u[i, j] : K = bias
        output y : K = full(concat(h[last-1, first+1], u[last-1, last-1]))
        target t : K
        loss squared_error(y, t)
        """,
    ),
    "a state that only an unasked unit reads": (
        1,
        """
        axis n
        param d : 2
        input x[n] : D
        unit u[n] : D = softmax(d) @ x[n-1..n]
        output y[n] : K = bias
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "a start that nothing reads": (
        0,
        """
        axis n
        input x[n] : D
        input x0 : D
        output y[n] : K = bilinear(x0, x)
        start x = x0
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "states of different reach in one buffer": (
        1,
        """
        axis n
        input x[n] : D
        output a[n] : K = tanh(full(x))
        output b[n] : K = sin(full(x))
        output y[n] : K = full(concat(b[n-3])) + full(b, a) + full(a[n-2], x)
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_every_property_holds(name: str) -> None:
    seed, body = CORNERS[name]
    check(f"network corner(D = 3, H = 4, K = 2, V = 5) {{{body}}}", seed)
