"""Small networks that specs of composed expressions once found computed wrong: every property holds of each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle.check import check

import rnnc

CORNERS: dict[str, tuple[int, str]] = {
    "one distribution for the tokens of all positions": (
        1,
        """
        axis n
        input x : D
        input u[n] : D
        target t[n] : token(K)
        output p : K = softmax(full(x))
        output q[n] : K = 0.2 + sigmoid(full(u))
        loss cross_entropy(p, t) + cross_entropy(q[last], t)
        """,
    ),
    "tokens along one axis, distributions along the other": (
        2,
        """
        axis i, j
        input x[i, j] : D
        target s[i] : token(K)
        target t[i, j] : token(K)
        output p[i, j] : K = softmax(full(x))
        loss cross_entropy(p[last, j], t) + cross_entropy(p[i, first], t) + cross_entropy(p[i, last], s)
        """,
    ),
    "a mixture of which a part is the same at every position": (
        1,
        """
        axis n
        input x : D
        input u[n] : D
        target t[n] : 2
        output pi[n] : K = softmax(full(x))
        output mu[n] : 2*K = full(u)
        output sigma[n] : 2*K = exp(full(x))
        output rho[n] : K = tanh(full(x))
        loss mixture_density(pi, mu, sigma, rho, t)
        """,
    ),
    "labels for a distribution that is the same at every position": (
        1,
        """
        axis n, m
        input x : D
        input u[n] : D
        target l[m] : token(V)
        output p[n] : V = softmax(full(x))
        output q[n] : V = full(u)
        loss 2 * ctc(p, l, blank = V - 1) + ctc(softmax(2 * q), l, blank = V - 1)
        """,
    ),
    "labels for distributions that are the same in every sequence": (
        1,
        """
        axis n, m
        input x[n] : D
        target l[m] : token(V)
        unit h : K = tanh(bias)
        output p[n] : V = softmax(0.8 ^ n * full(h) + bias)
        output q[n] : V = softmax(bias)
        loss ctc(p, l, blank = V - 1) + ctc(q, l, blank = V - 1)
        """,
    ),
    "a start that reads targets": (
        0,
        """
        axis n
        input x[n] : D
        input c : H
        target z, v : H
        target t[n] : H
        unit k : H = full(c) * present(v)
        output h[n] : H = tanh(full(x) + full(h[n-1]) + k)
        start h = forced(c, z)
        loss squared_error(h, t)
        """,
    ),
    "the start of an input that a flat function alone reads late": (
        1,
        """
        axis n
        input x[n] : D
        input c : D
        output y[n] : K = full(x) * where(sum(x[n-1]) > 0.1, 1, 2)
        start x = tanh(full(c))
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "the start of an input that nothing reads": (
        1,
        """
        axis n
        input x[n], u[n] : D
        input c : H
        output y[n] : K = full(u)
        start x[first-1] = tanh(full(c))
        target t[n] : K
        loss squared_error(y, t)
        """,
    ),
    "targets with gaps, read at the ends of a sequence that is run in pieces": (
        0,
        """
        axis n
        input x[n] : D
        input w[n] : token(V)
        param T : (V, K)
        target t[n] : K
        target l[n] : token(K)
        output y : K = T[w[last]] + sum over n (full(x, as = W))
        unit p : K = softmax(y)
        loss squared_error(y, t[last]) + cross_entropy(p, l[last]) + cross_entropy(p, l[first])
        """,
    ),
    "an end along one axis, summed a step late over the other": (
        1,
        """
        axis s, t
        input x[s, t] : D
        unit h[s, t] : K = tanh(full(x) + diag(h[s+1, t]))
        output y : K = sum over t (h[last, t-1])
        target q : K
        loss squared_error(y, q)
        """,
    ),
    "states that a flat function reads further back than what moves the loss": (
        1,
        """
        axis n
        input x[n] : D
        unit g[n] : H = tanh(full(x))
        output p[n] : H = full(x)
        unit q[n] : 1 = where(max(p) < mean(p[n-2]), 0.5, sum(x))
        output h[n] : H = where(sum(g[n-2]) > 0.03, full(p[n-1]), g[n-1]) * q[n-1]
        target t[n] : H
        loss squared_error(h, t)
        """,
    ),
    "the start of an input that the loss alone reads": (
        1,
        """
        axis n
        input x[n], u[n] : D
        input c : D
        target z : D
        target t[n] : D
        output y[n] : D = full(u)
        start x[first-1] = tanh(full(c))
        start x[first-2] = forced(c, z)
        loss dot(y, x[n-2]) + squared_error(y, t)
        """,
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_every_property_holds(name: str) -> None:
    seed, body = CORNERS[name]
    check(f"network corner(D = 3, H = 4, K = 2, V = 5) {{{body}}}", seed)


def test_a_distribution_that_is_the_same_at_every_position_is_never_too_peaked() -> None:
    module = rnnc.compile_text(
        "network page(D = 1, K = 2) { axis n input x : D target t[n] : token(K) "
        "output p[n] : K = softmax(full(x)) loss cross_entropy(p, t) }"
    )
    p = module.init(dtype="float32")
    p["p.W_x"][...] = [[200], [-200]]
    value, grads = module.bptt(p, x=np.ones(1, "float32"), t=np.array([1, 1]))
    assert_allclose(value, 800)
    assert_allclose(grads["p.W_x"], [[2], [-2]])
