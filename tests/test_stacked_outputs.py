"""Units whose weights lie side by side with others' and that nothing in the network reads."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import rnnc

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
