"""Small networks that random specs once found computed wrong: every property holds of each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from oracle.check import check

import rnnc

CORNERS: dict[str, tuple[int, str]] = {
    "a row of the step before, read behind what the scan inside has overwritten": (
        3,
        """
        axis i, j
        input x[i, j] : D
        output s[i, j] : H = tanh(full(x) + 0.4 * s[i, j+1] + 0.4 * s[i-1, j+2] + 0.3 * s[i-1, j])
        target t[i, j] : H
        loss squared_error(s, t)
        """,
    ),
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
    "what the loss does not need reads further back": (
        2,
        """
        axis n
        input x[n] : D
        unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
        unit g[n] : H = tanh(full(h[n-3]) + diag(g[n-1]))
        output y[n] : K = full(h[n]) + bias
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "a loss of an end beside what is given": (
        2,
        """
        axis n
        input x[n] : D
        input c : D
        unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
        output y : K = tanh(full(concat(c, h[first])))
        target t : K
        loss squared_error(y, t)
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
    "windows at the ends": (
        0,
        """
        axis i, j
        input x[i, j] : D
        unit h[i, j] : H = tanh(full(x) + full(h[i-1, j+1]))
        start h = learned
        output y[j] : K = full(h[last-1..last, j-1..j+1]) + full(x[first..first+1, last])
        target t[j] : K
        loss squared_error(y, t)
        """,
    ),
    "ends that are outside a short sequence": (
        1,
        """
        axis n
        input x[n] : D
        input a, c : D
        unit p[n] : D = tanh(full(p[n-1]) + x)
        start p = a
        start p[first-1] = c
        unit b[n] : D = tanh(full(b[n+1]) + x)
        start b = learned
        start b[first-1] = c
        start b[first-3] = c
        output y : K = full(p[last-2..last], p[first-1..first+1]) + full(b[first..first+2], b[last-1..last+1])
        target t : K
        loss squared_error(y, t)
        """,
    ),
    "ends outside a short sequence on two axes": (
        0,
        """
        axis i, j
        unit h[i, j] : H = tanh(full(h[i+1, j]) + bias)
        start h = learned
        output y : K = full(h[first+1, last-1]) + bias
        target t : K
        loss squared_error(y, t)
        """,
    ),
    "an early start of what runs backward, read from behind": (
        1,
        """
        axis n
        input x[n] : D
        input c : D
        unit b[n] : D = tanh(full(b[n+1]) + x)
        start b[first-1] = c
        output y[n] : K = full(b[n-2])
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "a scan inside a scan, its neighbour's row kept": (
        1,
        """
        axis i, j
        input x : K
        unit h[i, j] : K = x + 0.4 * h[i, j+4] + 0.4 * h[i-2, j+1]
        output y[i, j] : K = full(h)
        target t[i, j] : K
        loss mean over i (squared_error(y, t))
        """,
    ),
    "one half of a concatenation's adjoint, kept for an input alone": (
        1,
        """
        axis n
        input x[n] : D
        input z[n] : K
        unit u[n] : H = tanh(full(z) + full(u[n-1]))
        output y[n] : K = softmax(full(x[n-1], u))
        target t[n] : token(K)
        loss cross_entropy(y, t)
        """,
    ),
    "strips for an input alone": (
        1,
        """
        axis i, j
        input x[i, j] : D
        unit h[i, j] : H = tanh(full(h[i+1..i+2, j]) + bias)
        unit u[j] : D = sum over i (tanh(x[i-1, j-1]))
        output y[j] : K = full(tanh(u[j+1]))
        target t[j] : K
        loss squared_error(y, t)
        """,
    ),
    "a start where a state goes on": (
        1,
        """
        axis n
        input x : D
        unit s : H = tanh(full(x) + bias)
        unit h[n] : H = tanh(full(h[n-1]) + bias)
        start h = s
        output y[n] : K = full(h)
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "a derivative that is the same at every step, not in every sequence": (
        1,
        """
        axis n
        input x : H
        unit h[n] : H = softplus(tanh(block(x, 2)))
        output y : K = full(h[first+1])
        output z[n] : K = sum(h[n-1])
        target t : K
        loss squared_error(y, t)
        """,
    ),
    "an end of a sequence, read at all its steps beside what is read there": (
        2,
        """
        axis n
        input x[n] : D
        unit h[n] : H = tanh(full(x) + 0.3 * h[n-1] + bias)
        unit g[n] : H = tanh(full(h[first], x) + h[last] * h[n-1] + full(h[first+1..first+2], h, as = Q))
        output y[n] : K = bilinear(h[last], g) + dot(h[first], g) * full(g[last-1] + h)
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "an end of one axis at all its positions, a step before of another": (
        3,
        """
        axis i, j
        input x[i, j] : D
        unit h[i, j] : H = tanh(full(x) + 0.3 * h[i-1, j] + bias)
        start h = learned
        output y[i, j] : K = full(h[i-1, first], h[first, j-2]) + full(h[first, j-1..j] * h[i, j-1..j], as = Q)
        target t[i, j] : K
        loss squared_error(y, t)
        """,
    ),
    "a masked log_softmax along an axis": (
        2,
        """
        axis s, n
        input x[n] : H
        input m[n] : 1
        input q[s] : H
        unit h[n] : H = tanh(full(x) + full(h[n-1]) + bias)
        unit a[n] : 1 = log_softmax over n (sum(h), where = m > 0)
        unit b[s, n] : 1 = log_softmax over n (dot(q, h), where = m[n-1] < 0.5)
        output y[s] : H = sum over n (a * h + 0.1 * b * h[n+1])
        target t[s] : H
        loss squared_error(y, t)
        """,
    ),
    "clip between limits that cross": (
        2,
        """
        axis n
        input x[n] : D
        unit u[n] : K = full(x) + bias
        unit h[n] : K = tanh(clip(full(x) + full(h[n-1]), -0.2, u) + clip(h[n-1], u, h[n-2]) + bias)
        output y[n] : K = clip(h, h[n-1], 0.1) * clip(h, 0.2, -0.2)
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "a state that a flat function alone reads later": (
        1,
        """
        axis n
        input x[n] : D
        unit e[n] : K = tanh(full(x) + bias)
        output h[n] : K = tanh(floor(3 * e[n-1]) * e + full(h[n-1]))
        target t[n] : K
        loss squared_error(h, t)
        """,
    ),
    "a loss that counts positions and looks back": (
        1,
        """
        axis n
        input x[n] : D
        input w[n] : token(V)
        output h[n] : K = tanh(full(x) + full(h[n-1]) + bias)
        target t[n] : K
        loss squared_error(h, t) * (n + 1) + dot(x[n-2], x) * dot(h, t[n-1]) * where(w[n-1] == 1, 2, 3)
        """,
    ),
    "a loss of ends, of what counts positions": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : H = tanh(h[n-1] + full(x) * (n + 1))
        target t : H
        loss squared_error(h[last], t) + dot(h[first+1], h[last-1])
        """,
    ),
    "the influence of a start, on what is made row by row": (
        1,
        """
        axis i, j
        input x[i, j] : D
        unit h[i, j] : H = tanh(full(x) + bias)
        start h = learned
        output y[i, j] : K = full(h[i, j-3])
        target t[i, j] : K
        loss squared_error(y, t)
        """,
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_every_property_holds(name: str) -> None:
    seed, body = CORNERS[name]
    check(f"network corner(D = 3, H = 4, K = 2, V = 5) {{{body}}}", seed)


@pytest.mark.parametrize("kind", ("max", "min", "sum", "mean"))
def test_what_is_no_number_shows_in_a_ragged_batch(kind: str) -> None:
    module = rnnc.compile_text(
        f"network page(D = 2) {{ axis n input x[n] : D output y : D = {kind} over n (x) "
        f"output z : D = {kind} over n (x, where = n > 0) }}"
    )
    p = module.init(dtype="float64")
    x = np.array([[[1, -np.inf], [1, 5]], [[np.nan, -np.inf], [-np.inf, np.inf]], [[3, -np.inf], [np.nan, 0]]])
    whole = module.forward(p, x=x, lengths=np.array([3, 2]))
    assert np.isnan(whole["y"][0, 0]) and not np.isnan(whole["y"][1]).any()
    for b, length in enumerate((3, 2)):
        alone = module.forward(p, x=x[:length, b])
        assert_array_equal(whole["y"][b], alone["y"])
        assert_array_equal(whole["z"][b], alone["z"])
    assert_array_equal(module.forward(p, x=x[:1])["z"], 0)
