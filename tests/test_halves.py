"""Sigmoids in scans take their half from the weights where those make all of the net input, and are right always."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pages import ROOT

from rnnc.compiler import build_text, compile_text, emit_text
from rnnc.ops.formula import Operation
from rnnc.system.forms import Pointwise, System
from rnnc.system.halves import halved

SPEC = """network one(H = 3) {{
  axis n
  input  x[n] : H
  target t[n] : H
  output h[n] : H = {0}
  loss squared_error(h, t)
}}
"""

Step = Callable[[dict[str, np.ndarray], np.ndarray, np.ndarray], np.ndarray]


def sigmoid(u: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-u)))


CASES: tuple[tuple[str, bool, Step], ...] = (
    (
        "sigmoid(full(x[n]) + full(h[n-1]) + bias)",
        True,
        lambda p, x, h: sigmoid(p["h.W_x"] @ x + p["h.W_h"] @ h + p["h.b"]),
    ),
    ("sigmoid(full(x[n]) - diag(h[n-1]))", True, lambda p, x, h: sigmoid(p["h.W_x"] @ x - p["h.w_h"] * h)),
    ("sigmoid(full(h[n-1]) + x[n])", False, lambda p, x, h: sigmoid(p["h.W_h"] @ h + x)),
    ("sigmoid(2 * full(h[n-1]) + full(x[n]))", False, lambda p, x, h: sigmoid(2 * p["h.W_h"] @ h + p["h.W_x"] @ x)),
    (
        "sigmoid(full(h[n-1])) * tanh(full(h[n-1], as = W_two) + full(x[n]))",
        True,
        lambda p, x, h: sigmoid(p["h.W_h"] @ h) * np.tanh(p["W_two"] @ h + p["h.W_x"] @ x),
    ),
)


def gates(system: System, name: str) -> int:
    return sum(isinstance(e.op, Pointwise) and _has(e.op.formula, name) for e in system.equations)


def _has(formula: object, name: str) -> bool:
    return isinstance(formula, Operation) and (formula.op == name or any(_has(a, name) for a in formula.args))


@pytest.mark.parametrize(("right", "taken", "step"), CASES, ids=[c[0] for c in CASES])
def test_a_step_is_as_written(right: str, taken: bool, step: Step) -> None:
    spec = SPEC.format(right)
    assert (gates(halved(build_text(spec)), "half_tanh") > 0) == taken
    module = compile_text(spec)
    p = module.init(seed=3, dtype="float64")
    p.flat[...] = np.random.default_rng(1).normal(size=p.flat.size)
    x = np.random.default_rng(2).normal(size=(5, 3))
    h = np.zeros(3)
    for n, row in enumerate(module.forward(p, x=x)["h"]):
        h = step(p, x[n], h)
        np.testing.assert_allclose(row, h, rtol=1e-13, atol=1e-15)


def test_a_step_of_an_lstm_calls_tanh_twice() -> None:
    text = emit_text((ROOT / "specs" / "lstm.rnn").read_text(encoding="utf-8"), learn=())
    forward = text[text.index("def _forward") : text.index("def _loss")]
    assert forward.count("np.tanh(") == 2
