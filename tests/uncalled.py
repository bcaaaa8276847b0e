"""Networks that are called wrongly: none of them may get as far as computing anything."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

import rnnc

ELMAN = """
network elman(D = 3, H = 4, K = 2) {
  axis n
  input  x[n] : D
  target t[n] : K
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]) + full(h[n-2], as = W_two) + bias)
  output y[n] : K = sigmoid(full(h[n]) + bias)
  loss squared_error(y, t)
}
"""

# An encoder over `s`, a decoder over `t`; tokens, and a vector for each sequence.
READER = """
network reader(V = 7, K = 29, H = 4, D = 3) {
  axis s, t
  input  w[s] : token(V)
  input  u : D
  input  g[t] : 1
  target l[t] : token(K)
  unit   h[s] : H = tanh(embedding(w[s], H) + full(h[s-1]) + full(u))
  unit   q[t] : H = tanh(full(h[last]) + full(q[t-1]) + full(g[t]))
  output p[t] : K = softmax(full(q[t]) + bias)
  loss cross_entropy(p, l)
}
"""

# What stands before the first step is computed; `c` is read by the start alone, `m` by the loss alone.
BEGUN = """
network begun(D = 3, H = 4) {
  axis n
  input  x[n] : D
  input  u : D
  target t[n] : H
  unit   c : H = tanh(full(u) + bias)
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]) + n * bias)
  start  h = c
  output y[n] : H = h[n]
  unit   m[n] : H = tanh(full(m[n-1]) + h[n])
  loss squared_error(m, t)
}
"""

NO_INPUT = """
network alone(H = 2) {
  axis n
  output h[n] : H = tanh(full(h[n-1]) + bias)
}
"""

SPARSE = """
network spread(D = 4, H = 5) {
  axis n
  input  x[n] : D
  output h[n] : H = tanh(sparse(x[n], density = 0.5) + bias)
}
"""


def compiled(text: str) -> ModuleType:
    module: ModuleType = rnnc.compile_text(text)
    for name in ("_forward", "_loss", "_backward"):
        if name in module.__dict__:
            module.__dict__[name] = unreached
    return module


def unreached(*_: Any) -> None:
    raise AssertionError("something was computed before the arguments were checked")


elman, reader, begun, alone, spread = map(compiled, (ELMAN, READER, BEGUN, NO_INPUT, SPARSE))

X, T = np.zeros((5, 8, 3)), np.zeros((5, 8, 2))
W, U, G, L = np.zeros((6, 8), int), np.zeros((8, 3)), np.zeros((5, 8)), np.zeros((5, 8), int)


def plain(module: ModuleType, **changed: Any) -> dict[str, Any]:
    """Parameters as a plain dict; `None` takes one away."""
    p = {**module.init(dtype="float64"), **{name.replace("__", "."): a for name, a in changed.items()}}
    return {name: a for name, a in p.items() if a is not None}


def elman_state(**changed: Any) -> dict[str, Any]:
    state = {**elman.start(plain(elman), batch=8), **changed}
    return {name: a for name, a in state.items() if a is not None}
