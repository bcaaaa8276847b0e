"""Printing a tree and parsing the text gives the tree again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from frontend.trees import bare, right

from rnnc.frontend.show import show
from rnnc.places import specs_folder

SPECS = sorted(specs_folder().glob("*.rnn"))

EVERYTHING = """
use "lstm"
fn swish(z) = z * sigmoid(z)
cell c(x, H = 2*3) over i, j { gate g : H = full(x) unit y : H = g * y[i-1, j] return y }
network a(D = 3, leak = -0.3) {
  axis n axis s, t axis k = n / 4 axis r settle(tol = 1e-6) axis u step(dt = 0.1, method = rk4)
  input x[n], z[n] : D
  input w[n] : token(2*V)
  param W : ((H + 1) * 2, D) = glorot
  fixed R = sparse(density = 0.1)
  start h = learned start y[first-1] = a start y.c = 0
  unit h[u]' : H = (-h[u] + tanh(x)) / tau
  unit q = c(x[n-3..n+3], 4) backward over i, j as shared
  unit v : D ~ bernoulli(0.5) through
  unit b = ((a - b) - (c - d)) * -(e @ f) / (g / h) ^ -2 + (-a)^2 - (a < b) + where((a == b) * c, "s", bias)
  unit e = sum over s, t (a[t, s] * h1.c[last], where = m > 0)
  output y, z
  loss mean over n (squared_error(y, t))
  feedback x[n+1] = sample(p[n])
}
network b { }
"""


def round_trip(text: str) -> None:
    tree = right(text)
    shown = show(tree)
    assert bare(right(shown)) == bare(tree)
    assert show(right(shown)) == shown


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_library(path: Path) -> None:
    round_trip(path.read_text(encoding="utf-8"))


def test_everything() -> None:
    round_trip(EVERYTHING)


def _random_expression(rng: random.Random, depth: int) -> str:
    if depth == 0:
        return rng.choice(["x", "h[n-1]", "2", "0.5", "h.c[last]", "x[n-2..n]", "bias"])
    inner = [_random_expression(rng, depth - 1) for _ in range(3)]
    return rng.choice(
        [
            f"({inner[0]}) {rng.choice('+-*/@^')} ({inner[1]})",
            f"{inner[0]} {rng.choice('+-*/@')} {inner[1]} {rng.choice('+-')} {inner[2]}",
            f"-({inner[0]})",
            f"f({inner[0]}, {inner[1]}, as = W, init = ({inner[2]}))",
            f"max over n ({inner[0]}, where = {inner[1]} > ({inner[2]}))",
            f"(({inner[0]}) {rng.choice(['<', '>=', '=='])} ({inner[1]}))",
            f"E[{inner[0]}]",
        ]
    )


@pytest.mark.parametrize("seed", range(150))
def test_random_expressions(seed: int) -> None:
    text = _random_expression(random.Random(seed), 3)
    round_trip(f"network a {{ unit u = {text} }}")
