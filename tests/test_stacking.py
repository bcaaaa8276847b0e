"""Units whose weights lie side by side with others'."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose

import rnnc
from rnnc.compiler import build_text
from rnnc.learning.bptt import ready

SPEC = """network heads(D = 3, K = 2) {{
  axis n
  input  x[n] : D
  target t[n] : K
  unit   h[n] : D = tanh(full(x[n]) + full(h[n-1]))
  output a[n] : K = full(h[n]){bias}
  output b[n] : K = tanh(full(h[n]){bias})
  output c[n] : K = full(h[n], as = W)
  loss squared_error(b, t)
}}
"""


@pytest.mark.parametrize("bias", ["", " + bias"])
def test_a_linear_head_beside_others(bias: str) -> None:
    module = rnnc.compile_text(SPEC.format(bias=bias))
    assert module.UNITS == ("a", "b", "c", "h")
    p = module.init(dtype="float64")
    p.flat[...] = np.random.default_rng(1).normal(size=p.flat.size)
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    out = module.forward(p, x=x, observe=["h"])
    for name, function in (("a", np.asarray), ("b", np.tanh)):
        own = p[f"{name}.b"] if bias else 0.0
        assert_allclose(out[name], function(out["h"] @ p[f"{name}.W_h"].T + own), rtol=1e-12)
    assert_allclose(out["c"], out["h"] @ p["W"].T, rtol=1e-12)
    value, grads = module.bptt(p, x=x, t=np.zeros((4, 2, 2)))
    assert_allclose(value, 0.5 * (out["b"] ** 2).sum() / 2, rtol=1e-12)
    assert not grads["a.W_h"].any() and grads["b.W_h"].any()


REST = """network gates(D = 2, H = 3) {{
  axis n
  input  x[n] : D
  target t[n] : H
  unit   a[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias)
  unit   b[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias + {0})
  output h[n] : H = a * h[n-1] + b
  loss squared_error(h, t)
}}
"""


Arrays = dict[str, np.ndarray]
Own = Callable[[Arrays, np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

RESTS: tuple[tuple[str, Own], ...] = (
    ("diag(h[n-1])", lambda q, x, a, h, past: np.asarray(q["b.w_h"] * h)),
    ("a * h[n-2] - 2 * a", lambda q, x, a, h, past: a * past - 2 * a),
    ("full(x[n-1], as = V) * 0.5", lambda q, x, a, h, past: np.asarray(q["V"] @ x * 0.5)),
    ("bias(as = c) * bias(as = c)", lambda q, x, a, h, past: np.asarray(q["c"] * q["c"])),
)


@pytest.mark.parametrize(("rest", "own"), RESTS)
def test_what_a_net_input_has_of_its_own_is_added_to_its_rows(rest: str, own: Own) -> None:
    """The rows are one sum for both units; against the network written out, its own term included."""
    text = REST.format(rest)
    assert any(e.out == "stack:net" for e in ready(build_text(text)).equations)
    module = rnnc.compile_text(text)
    p = module.init(seed=2, dtype="float64")
    p.flat[...] = np.random.default_rng(1).normal(size=p.flat.size) / 2
    x = np.random.default_rng(0).normal(size=(4, 2))

    def by_hand(q: Arrays) -> np.ndarray:
        h, past, rows = np.zeros(3), np.zeros(3), []
        for before, now in zip([np.zeros(2), *x[:-1]], x, strict=True):
            a = 1 / (1 + np.exp(-(q["a.W_x"] @ now + q["a.W_h"] @ h + q["a.b"])))
            b = np.tanh(q["b.W_x"] @ now + q["b.W_h"] @ h + q["b.b"] + own(q, before, a, h, past))
            h, past = a * h + b, h
            rows.append(h)
        return np.array(rows)

    plain = {name: np.array(value) for name, value in p.items()}
    assert_allclose(module.forward(p, x=x)["h"], by_hand(plain), rtol=1e-12)
    _, grads = module.bptt(p, x=x, t=np.zeros((4, 3)))
    step = 1e-6
    for name, value in plain.items():
        for place in np.ndindex(value.shape):
            moved = [{**plain, name: value.copy()} for _ in range(2)]
            moved[0][name][place] += step
            moved[1][name][place] -= step
            up, down = (0.5 * (by_hand(q) ** 2).sum() for q in moved)
            assert_allclose(grads[name][place], (up - down) / (2 * step), rtol=1e-6, atol=1e-8)
