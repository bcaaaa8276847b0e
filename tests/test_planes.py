"""Stacks whose parts are whole in memory: which they are, and that nothing sees it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle.check import check

import rnnc
from rnnc.compiler import build_text
from rnnc.learning.bptt import bptt
from rnnc.program.lower import lower

GATES = """
    axis n
    input x[n] : D
    target t[n] : H
    gate f[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    gate g[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
    unit h[n] : H = f[n] * h[n-1] + (1 - f[n]) * g[n]
    output h
    loss squared_error(h, t)
"""
CORNERS = {
    "two gates": GATES,
    "parts of different sizes": """
    axis n
    input x[n] : D
    target t[n] : H
    gate f[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    gate g[n] : K = tanh(full(x[n]) + full(h[n-1]) + bias)
    gate o[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    unit h[n] : H = f[n] * h[n-1] + o[n] * sum(g[n])
    output h
    loss squared_error(h, t)
""",
    "parts of one entry": """
    axis n
    input x[n] : D
    target t[n] : 1
    gate f[n] : 1 = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    gate g[n] : 1 = tanh(full(x[n]) + full(h[n-1]) + bias)
    unit h[n] : 1 = f[n] * h[n-1] + g[n]
    output h
    loss squared_error(h, t)
""",
    "a product of three parts, of which two have one source more": """
    axis n
    input x[n] : D
    target t[n] : H
    gate z[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    gate r[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    unit h[n] : H = (1 - z[n]) * h[n-1] + z[n] * tanh(full(x[n]) + full(r[n] * h[n-1]) + bias)
    output h
    loss squared_error(h, t)
""",
    "no bias, nothing ahead of the scan": """
    axis n
    input x[n] : D
    target t[n] : H
    gate f[n] : H = sigmoid(full(x[n]) + full(h[n-1]))
    gate g[n] : H = tanh(full(x[n]) + full(h[n-1]))
    unit h[n] : H = f[n] * h[n-1] + (1 - f[n]) * g[n]
    output h
    loss squared_error(h, t)
""",
    "weights of each sequence alone": """
    axis n
    input x[n] : D
    target t[n] : H
    gate f[n] : H = sigmoid(full(h[n-1]) + diag(c[n-1]) + bias)
    gate g[n] : H = tanh(full(h[n-1]) + diag(h[n-2]) + bias)
    unit c[n] : H = f[n] * c[n-1] + (1 - f[n]) * g[n] + full(x[n])
    gate o[n] : H = sigmoid(full(h[n-1]) + diag(c[n]) + bias)
    unit h[n] : H = o[n] * c[n]
    output h
    loss squared_error(h, t)
""",
    "a gate that is read a step later, and at an end": """
    axis n
    input x[n] : D
    target t[n] : H
    gate f[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    gate g[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
    unit h[n] : H = f[n-1] * h[n-1] + g[n]
    output y[n] : H = h[n] + g[n-2] * f[last]
    loss squared_error(y, t) + 0.1 * dot(g[first], f[n])
""",
    "a start that is learned, and one of an input": """
    axis n
    input x[n] : D
    input s : H
    target t[n] : H
    start h = learned
    start c = s
    gate f[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
    gate g[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
    unit c[n] : H = f[n] * c[n-1] + g[n]
    unit h[n] : H = tanh(c[n])
    output h
    loss squared_error(h, t)
""",
    "from the last to the first": """
    axis n
    input x[n] : D
    target t[n] : H
    gate f[n] : H = sigmoid(full(x[n]) + full(h[n+1]) + bias)
    gate g[n] : H = tanh(full(x[n]) + full(h[n+1]) + bias)
    unit h[n] : H = f[n] * h[n+1] + (1 - f[n]) * g[n]
    output h
    loss squared_error(h, t)
""",
    "along two axes": """
    axis i, j
    input x[i, j] : D
    target t[i, j] : H
    gate f[i, j] : H = sigmoid(full(x[i, j]) + full(h[i-1, j]) + full(h[i, j-1], as = V_f) + bias)
    gate g[i, j] : H = tanh(full(x[i, j]) + full(h[i-1, j]) + full(h[i, j-1], as = V_g) + bias)
    unit h[i, j] : H = f[i, j] * h[i-1, j] + (1 - f[i, j]) * h[i, j-1] + g[i, j]
    output h
    loss squared_error(h, t)
""",
}


@pytest.mark.parametrize("name", CORNERS)
def test_every_property_holds(name: str) -> None:
    check(f"network corner(D = 3, H = 4, K = 2) {{{CORNERS[name]}}}", 1)


def planes(body: str, **options: bool) -> dict[str, str]:
    """The buffers in planes, and the size of one."""
    program = lower(bptt(build_text(f"network corner(D = 3, H = 4, K = 2) {{{body}}}")), **options)
    return {b.name: str(b.plane) for b in program.buffers if b.plane is not None}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("two gates", {"stack:net:ahead": "H", "d(stack:net):parts": "H"}),
        ("parts of one entry", {"stack:net:ahead": "1", "d(stack:net):parts": "1"}),
        ("from the last to the first", {"stack:net:ahead": "H", "d(stack:net):parts": "H"}),
        ("along two axes", {"stack:net:ahead": "H", "d(stack:net):parts": "H"}),
        ("parts of different sizes", {}),
    ],
)
def test_which_stacks_lie_in_planes(name: str, found: dict[str, str]) -> None:
    assert planes(CORNERS[name]) == found
    assert planes(CORNERS[name], by_strips=False) == {}


def test_a_gate_is_whole_in_memory_at_every_step() -> None:
    module = rnnc.compile_text(f"network corner(D = 3, H = 4) {{{GATES}}}")
    p = module.init(seed=0)
    call = module.Call(p, {"x": np.ones((5, 2, 3), "float32"), "t": np.zeros((5, 2, 4), "float32")})
    saved = module._forward(call)
    assert all(saved[gate][n].flags.c_contiguous for gate in "fg" for n in range(5))
    assert saved["f"].base is saved["g"].base is not None


def test_the_gradient_of_one_step_by_hand() -> None:
    module = rnnc.compile_text(f"network corner(D = 3, H = 4) {{{GATES}}}")
    p = module.init(seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(1, 3, 3)), rng.normal(size=(1, 3, 4))
    value, grads = module.bptt(p, x=x, t=t, wrt=("x", "x"))
    f = 1 / (1 + np.exp(-(x[0] @ p["f.W_x"].T + p["f.b"])))
    g = np.tanh(x[0] @ p["g.W_x"].T + p["g.b"])
    d = ((1 - f) * g - t[0]) / 3
    assert_allclose(value, 0.5 * 3 * (d**2).sum(), rtol=1e-12)
    d_f, d_g = -d * g * f * (1 - f), d * (1 - f) * (1 - g**2)
    assert_allclose(grads["f.W_x"], d_f.T @ x[0], rtol=1e-10)
    assert_allclose(grads["g.b"], d_g.sum(0), rtol=1e-10)
    assert_allclose(grads["x"][0], d_f @ p["f.W_x"] + d_g @ p["g.W_x"], rtol=1e-10)
    whole = module.bptt(p, x=x, t=t, wrt="x", reduce="sum")[1]
    assert_allclose(whole.flat, 3 * grads.flat, rtol=1e-12)
    assert_allclose(whole["x"], 3 * grads["x"], rtol=1e-12)
