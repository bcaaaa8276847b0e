"""Small specs for the tests of the command line: right, wrong, right with a warning, without recurrence."""

from __future__ import annotations

SPEC = """network small(D = 2, H = 3) {
  axis n
  input  x[n] : D
  target t[n] : H
  output y[n] : H = tanh(full(x) + full(y[n-1]) + bias)
  loss   squared_error(y, t)
}
"""
WRONG = SPEC.replace("full(x)", "full(z)")
WARNED = SPEC.replace("  loss", "  param  Q : (D, D)\n  loss")
FLAT = SPEC.replace(" + full(y[n-1])", "")
