"""What structure saves of real-time recurrent learning: multiply-adds a step against those of a dense Jacobian.

Dense means states x states x weights, the product of a Jacobian without zeros with an influence of every weight on
every state. There are two readings of it. By the first the weights are those that the network has, so that a sparse
layer has few: the Jacobian's structure alone is what saves, and only the products that carry influences on are compared
with it (`CASES`: by the compiler's own figures, and counted in the emitted code). By the second the weights are those
of the network with all its connections, and all that a step takes is compared with the products of that one (`WHOLE`):
its forward pass, its derivatives, its products and its gradient. Weights of the read-out have no influence and count in
neither.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from counted import by_line, multiplications
from recurrences import LSTM, PLAIN, D, network

from rnnc.compiler import build_text, emit, load_module, understand
from rnnc.frontend.read import read_text
from rnnc.learning.cost import cost
from rnnc.learning.rtrl import rtrl


def vanilla(h: int) -> int:
    """Weights of a plain layer behind h connections a unit, by unit."""
    return h + D + 1


# multiply-adds by hand: units n, connections k a unit, weights p in all
CASES = (
    ("dense", PLAIN, "full(h[n-1])", 24, lambda n: (n * n * n * vanilla(n), (n * n) * n * vanilla(n)), 1.0),
    ("dense LSTM", LSTM, "full(h[n-1])", 10, lambda n: (_lstm(n, n), (2 * n) ** 2 * 4 * n * vanilla(n)), 0.55),
    ("sparse", PLAIN, "sparse(h[n-1], density = 0.1)", 24, lambda n: (n * 2 * n * vanilla(2), n**3 * vanilla(2)), 0.12),
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


def emitted(body: str, h: str) -> tuple[str, ModuleType]:
    text = emit(understand(read_text(network(body, h))), learn=("rtrl",))
    return text, load_module(text, "counted")


def data_of(steps: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"x": rng.standard_normal((steps, D)), "t": rng.standard_normal((steps, 1))}


INFLUENCE = re.compile(r"\bJ_\w+?_n(?:_minus_1)?\b")
"""A variable of the emitted code: the influences on one state at a step or at the step before."""
STEPS = 5


@pytest.mark.parametrize(
    ("name", "body", "h", "n", "expected", "most"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_multiply_adds_of_the_emitted_code(name: str, body: str, h: str, n: int, expected: Any, most: float) -> None:
    """First reading: the products that make influences of influences, in a run of `rtrl`, are those by hand."""
    text, module = emitted(body, h)
    p, given = module.init(H=n), data_of(STEPS)
    found = by_line(module, "_rtrl", lambda: module.rtrl(p, **given))
    lines = text.splitlines()
    carried = sum(count for line, count in found.items() if len(INFLUENCE.findall(lines[line - 1])) > 1)
    by_hand, dense = expected(n)
    assert carried == STEPS * by_hand, name
    assert carried <= most * STEPS * dense


# of all that a step takes, against the products of the net with all its weights
WHOLE = (
    ("dense", PLAIN, "full(h[n-1])", 24, 1, 1.05),
    ("dense LSTM", LSTM, "full(h[n-1])", 10, 2, 0.59),
    ("sparse", PLAIN, "sparse(h[n-1], density = 0.1)", 24, 1, 0.044),
    ("sparse LSTM", LSTM, "sparse(h[n-1], density = 0.1)", 16, 2, 0.053),
    ("blocks", PLAIN, "block(h[n-1], 6)", 24, 1, 0.012),
    ("element-wise", PLAIN, "diag(h[n-1])", 24, 1, 0.002),
)


@pytest.mark.parametrize(("name", "body", "h", "n", "states", "most"), WHOLE, ids=[row[0] for row in WHOLE])
def test_whole_steps_against_the_net_with_all_its_weights(
    name: str, body: str, h: str, n: int, states: int, most: float
) -> None:
    """Second reading: everything that a step of the stream multiplies, the read-out's own gradient included."""
    _, module = emitted(body, h)
    p = module.init(H=n)
    learner, now = module.rtrl_start(p), {name: a[0] for name, a in data_of(1).items()}
    found = multiplications(module, lambda: module.rtrl_step(p, learner, **now))
    gates = 4 if body == LSTM else 1
    dense = (states * n) ** 2 * gates * n * vanilla(n)
    assert found <= most * dense, name


def test_what_is_held() -> None:
    """An element-wise recurrence holds one number a weight; layers hold nothing of layers above them."""
    element = cost(rtrl(build_text(network(PLAIN, "diag(h[n-1])"))))
    assert int(element.held.value({"H": 24, "D": D})) == 24 * vanilla(1)
    two = "unit g[n] : H = tanh(full(x) + full(g[n-1]) + bias)\nunit h[n] : H = tanh(full(g) + full(h[n-1]) + bias)"
    layers = cost(rtrl(build_text(network(two, ""))))
    lower, upper = 5 * vanilla(5), 5 * (2 * 5 + 1)
    assert int(layers.held.value({"H": 5, "D": D})) == 5 * lower + 5 * (lower + upper)
