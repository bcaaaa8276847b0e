"""What structure saves of real-time recurrent learning: multiply-adds a step against those of a dense Jacobian."""

from __future__ import annotations

import pytest
from recurrences import LSTM, PLAIN, D, network

from rnnc.compiler import build_text
from rnnc.learning.cost import cost
from rnnc.learning.rtrl import rtrl


def vanilla(h: int) -> int:
    """Weights of a plain layer behind h connections a unit, by unit."""
    return h + D + 1


# multiply-adds by hand: units n, connections k a unit, weights p in all
CASES = (
    ("dense", PLAIN, "full(h[n-1])", 24, lambda n: (n * n * n * vanilla(n), (n * n) * n * vanilla(n)), 1.0),
    ("dense LSTM", LSTM, "full(h[n-1])", 10, lambda n: (_lstm(n, n), (2 * n) ** 2 * 4 * n * vanilla(n)), 0.55),
    ("sparse", PLAIN, "sparse(h[n-1], density = 0.1)", 30, lambda n: (n * 3 * n * vanilla(3), n**3 * vanilla(3)), 0.12),
    (
        "sparse LSTM",
        LSTM,
        "sparse(h[n-1], density = 0.1)",
        16,
        lambda n: (_lstm(n, 2 * 4, 2), (2 * n) ** 2 * 4 * n * vanilla(2)),
        0.19,
    ),
    (
        "blocks",
        PLAIN,
        "block(h[n-1], 6)",
        24,
        lambda n: (n * 4 * 4 * vanilla(4), n**3 * vanilla(4)),
        0.028,
    ),
    ("element-wise", PLAIN, "diag(h[n-1])", 24, lambda n: (n * vanilla(1), n**3 * vanilla(1)), 0.002),
)


def _lstm(n: int, k: int, h: int | None = None) -> int:
    """c from h (three gates) and c, h from h (one gate) and c: dense gates fold into one matrix, sparse ones do not."""
    p = 4 * n * vanilla(n if h is None else h)
    return (2 * n * k if h is None else n * k) * p + 2 * n * p


@pytest.mark.parametrize(
    ("name", "body", "h", "n", "expected", "most"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_multiply_adds(name: str, body: str, h: str, n: int, expected: object, most: float) -> None:
    found = cost(rtrl(build_text(network(body, h))))
    assert callable(expected)
    carried, dense = (int(size.value({"H": n, "D": D})) for size in (found.carried, found.dense))
    assert (carried, dense) == expected(n), name
    assert carried <= most * dense


def test_what_is_held() -> None:
    """An element-wise recurrence holds one number a weight; layers hold nothing of layers above them."""
    element = cost(rtrl(build_text(network(PLAIN, "diag(h[n-1])"))))
    assert int(element.held.value({"H": 24, "D": D})) == 24 * vanilla(1)
    two = "unit g[n] : H = tanh(full(x) + full(g[n-1]) + bias)\nunit h[n] : H = tanh(full(g) + full(h[n-1]) + bias)"
    layers = cost(rtrl(build_text(network(two, ""))))
    lower, upper = 5 * vanilla(5), 5 * (2 * 5 + 1)
    assert int(layers.held.value({"H": 5, "D": D})) == 5 * lower + 5 * (lower + upper)
