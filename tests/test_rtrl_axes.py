"""Learning forward in time where steps go along several axes: influences of every neighbour on every position."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from counted import most_bytes, multiplications
from numpy.testing import assert_allclose
from oracle.blockwise import hybrid_is_bptt
from oracle.forward_in_time import ONLINE
from oracle.properties import Subject, adjoint_is_the_unrolled_gradient

import rnnc
from rnnc.compiler import understand
from rnnc.frontend.read import read_text
from rnnc.learning.rules import rule
from rnnc.plan.plan import plan

PICTURE = """
network picture(D = 3, H = 3) {
  axis i, j
  input  x[i, j] : D
  target t[i, j] : 2
  gate   f[i, j] : H = sigmoid(full(x) + full(h[i-1, j], as = fi) + full(h[i, j-1], as = fj) + diag(c[i-1, j]) + bias)
  gate   g[i, j] : H = sigmoid(full(x) + full(h[i-1, j], as = gi) + full(h[i, j-1], as = gj) + diag(c[i, j-1]) + bias)
  unit   c[i, j] : H = f * c[i-1, j] + g * c[i, j-1] + (1 - f) * (1 - g) * tanh(full(x) + full(h[i-1, j-1]) + bias)
  start  c = learned
  unit   h[i, j] : H = c * sigmoid(full(x) + diag(c) + bias)
  output y[i, j] : 2 = full(h, h[i-2, j-1]) + bias
  loss squared_error(y, t)
}
"""
ROWS = """
network rows(D = 3, H = 3) {
  axis n, s
  input  x[n, s] : D
  target t[n, s] : 2
  unit   r[n] : H = tanh(full(x[n, first]) + full(r[n-1]) + bias)
  start  r = learned
  unit   e[n, s] : H = tanh(full(x[n-1..n, s-1..s]) + full(r) + bias)
  unit   h[n, s] : H = tanh(full(e[n-1..n, s-2..s]) + sparse(h[n-1, s], density = 0.5)
           + full(h[n-2..n-1, s-1..s], as = W) + bias)
  unit   g[n, s] : H = tanh(diag(g[n, s-1], as = u) + diag(g[n-2, s], as = v) + full(h[n, s-1], r[n-1]))
  output y[n, s] : 2 = full(g[n, s-3], h[n-1, s]) + bias
  loss squared_error(y, t)
}
"""
SHIFTED = """
network shifted(D = 3, H = 3) {
  axis i, j
  input  x[i, j] : D
  target t[i, j] : 2
  unit   h[i, j] : H = tanh(full(x) + full(h[i-1, j-1]) + full(h[i-3, j-2], as = V) + bias)
  output y[i, j] : 2 = full(h[i, j-3], h) + bias
  loss squared_error(y, t)
}
"""
ENTRIES = """
network entries(D = 3, H = 4) {
  axis i, j
  input  x[i, j] : D
  target t[i, j] : 2
  unit   h[i, j] : H = tanh(full(x) + diag(h[i-1, j], as = u) + diag(h[i, j-1], as = v) + bias)
  output y[i, j] : 2 = full(h) + bias
  loss squared_error(y, t)
}
"""
FILM = """
network film(D = 3, H = 4) {
  axis i, j, k
  input  x[i, j, k] : D
  input  z[i, j] : D
  target t[i, j, k] : 2
  unit   g[i, j] : H = tanh(full(z) + diag(g[i-1, j-1], as = u) + bias)
  unit   h[i, j, k] : H = tanh(full(x) + sparse(g[i, j-1], density = 0.5) + full(h[i-1, j, k-1]))
  start  h = learned
  output y[i, j, k] : 2 = full(h[i-1, j, k]) + bias
  loss squared_error(y, t)
}
"""
BETWEEN = """
network between(D = 3, H = 3) {
  axis i, j, k
  input  x[i, j, k] : D
  target t[i, j, k] : 2
  unit   a[i] : H = tanh(full(a[i-1]) + bias)
  start  a = 0.5
  unit   b[i, j] : H = tanh(full(a) + full(b[i, j-1]))
  unit   c[i, j, k] : H = tanh(full(x) + full(a[i-2], b))
  output y[i, j, k] : 2 = full(c[i-1, j, k]) + bias
  loss squared_error(y, t)
}
"""
ANCHORED = """
network anchored(D = 3, H = 3) {
  axis i, j
  input  x[i, j] : D
  target t[j] : 2
  unit   h[i, j] : H = tanh(full(x) + full(h[i-1, j]) + full(h[i, j-1], as = V) + bias)
  start  h = learned
  output y[j] : 2 = full(h[first+1, j-1], x[last, j]) + bias
  loss squared_error(y, t)
}
"""
BLOCKS = """
network blocks(D = 3, H = 4) {
  axis i, j
  input  x[i, j] : D
  target t[i, j] : 2
  unit   h[i, j] : H = tanh(full(x) + block(h[i-3, j], 2))
  output y[i, j] : 2 = full(h[i-1, first])
  loss squared_error(y, t)
}
"""
SPECS = {
    "picture": PICTURE,
    "rows": ROWS,
    "shifted": SHIFTED,
    "entries": ENTRIES,
    "anchored": ANCHORED,
    "film": FILM,
    "between": BETWEEN,
    "blocks": BLOCKS,
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_rtrl_is_bptt(spec: str) -> None:
    """On ragged batches with NaN in the padding, alone and in float32; the unrolled graph holds `bptt` to account."""
    subject = Subject(spec, 3)
    for holds in (*ONLINE, adjoint_is_the_unrolled_gradient):
        holds(subject)
    assert hasattr(subject.module, "rtrl") and not hasattr(subject.module, "rtrl_step")


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_hybrid_is_bptt(spec: str) -> None:
    """In blocks of rows, of any number, on ragged batches with NaN in the padding, alone and in float32."""
    hybrid_is_bptt(Subject(spec, 3))


def _drawn(module: ModuleType, rows: int, columns: int, **sizes: int) -> tuple[Any, dict[str, Any]]:
    rng = np.random.default_rng(5)
    p = module.init(seed=2, dtype="float64", **sizes)
    shape = (rows, columns, 3)
    return p, {"x": rng.standard_normal((*shape, p.sizes["D"])), "t": rng.standard_normal((*shape, 2))}


@pytest.mark.parametrize(
    ("spec", "rule"), [(PICTURE, "snap20"), (SHIFTED, "snap20"), *((ENTRIES, r) for r in ("snap1", "eprop", "focused"))]
)
def test_rules_that_drop_nothing_here(spec: str, rule: str) -> None:
    module = rnnc.compile_text(spec, learn=("rtrl", rule))
    p, data = _drawn(module, 4, 5)
    expected, found = (getattr(module, name)(p, **data) for name in ("bptt", rule))
    assert_allclose(found[1].flat, expected[1].flat, rtol=1e-10, atol=1e-12)


GIVEN = """
network given(D = 3, H = 3) {
  axis i, j
  input  x[i, j] : D
  input  near[i, j] : H
  input  far[i, j] : H
  target t[i, j] : 2
  unit   h[i, j] : H = tanh(full(x) + full(near) + full(far, as = V) + bias)
  output y[i, j] : 2 = full(h) + bias
  loss squared_error(y, t)
}
"""


def test_the_truncated_gradient_takes_earlier_states_as_given() -> None:
    """What `bptt` makes of a network in which the earlier states are inputs."""
    module = rnnc.compile_text(SHIFTED.replace("h[i, j-3], h", "h"), learn=("truncated_gradient",))
    p, data = _drawn(module, 4, 5)
    h = np.zeros((7, 7, *module.forward(p, **data, observe=("h",))["h"].shape[2:]))
    h[3:, 2:] = module.forward(p, **data, observe=("h",))["h"]
    other = rnnc.compile_text(GIVEN)
    q = other.init(dtype="float64")
    for mine, theirs in zip(sorted(q), sorted(n.replace("h.W_h", "h.W_near") for n in p), strict=True):
        assert mine == theirs
        q[mine][...] = p[mine.replace("h.W_near", "h.W_h")]
    _, expected = other.bptt(q, **data, near=h[2:-1, 1:-1], far=h[:-3, :-2])
    _, found = module.truncated_gradient(p, **data)
    for name in found:
        assert_allclose(found[name], expected[name.replace("h.W_h", "h.W_near")], rtol=1e-10, atol=1e-12, err_msg=name)


def test_no_more_than_the_row_before_is_held() -> None:
    """Influences of two rows of positions, whatever their number: a longer picture adds its states alone."""
    module = rnnc.compile_text(PICTURE)
    peaks = []
    for rows in (6, 12):
        p, data = _drawn(module, rows, 5, H=12)
        module.rtrl(p, **data)
        tracemalloc.start()
        module.rtrl(p, **data)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    influences = 5 * 3 * 12 * sum(a.size for name, a in p.items() if not name.startswith("y.")) * 8
    assert peaks[1] - peaks[0] < influences < peaks[0] / 4


def _counted(text: str, sizes: dict[str, int], steps: dict[str, int]) -> tuple[Any, int, int]:
    """The plan of `hybrid` for several blocks, and its multiply-adds and bytes as they are counted and measured."""
    module = rnnc.compile_text(text, learn=("rtrl", "hybrid"))
    found = plan(understand(read_text(text), settings=sizes), steps, 1, (rule("rtrl"), rule("hybrid")))
    p = module.init(dtype="float32", **sizes)
    rng = np.random.default_rng(0)
    given = {name: rng.standard_normal((*steps.values(), z)).astype("float32") for name, z in (("x", 3), ("t", 2))}
    size = module.hybrid_block(p.sizes, steps)
    assert found.at[found.letters.block] == size < steps["i"] / 3
    counted = multiplications(module, lambda: module.hybrid(p, **given))
    return found, counted, most_bytes(lambda: module.hybrid(p, **given))


def test_the_plan_of_blocks_of_rows() -> None:
    """Several blocks of a picture narrower than units are many: a sixth of the multiply-adds of `rtrl`."""
    found, counted, held = _counted(
        (Path(__file__).parent.parent / "specs" / "rnn2d.rnn").read_text(), {"H": 24}, {"i": 300, "j": 3}
    )
    cost, forward = found.of("hybrid"), found.of("rtrl")
    assert found.value(cost.call) == pytest.approx(counted, rel=0.02)
    assert found.value(cost.held) * 4 == pytest.approx(held, rel=0.05)
    assert 6 * counted < found.value(forward.call)


def test_memory_does_not_grow_with_the_rows() -> None:
    module = rnnc.compile_text(ENTRIES, learn=("hybrid",))
    short, long = (_held(module, *_drawn(module, rows, 3)) for rows in (60, 240))
    assert long < 1.02 * short


def _held(module: ModuleType, p: Any, data: dict[str, Any]) -> int:
    return most_bytes(lambda: module.hybrid(p, **data, block=6))


def test_blocks_of_rows_that_dropout_and_a_mean_go_through() -> None:
    """Masks go on from block to block as they are drawn for a whole picture; targets are counted over all of it."""
    text = SHIFTED.replace("full(x)", "full(dropout(x, 0.3))").replace("full(h[i, j-3], h)", "full(dropout(h, 0.4))")
    module = rnnc.compile_text(text.replace("loss squared_error(y, t)", "loss mean over i (squared_error(y, t))"))
    hybrid = rnnc.compile_text(module.SPEC, learn=("hybrid",)).hybrid
    p, data = _drawn(module, 9, 4)
    data["t"][3:5, :, 1] = np.nan
    lengths = {"i": [9, 4, 7], "j": [2, 4, 3]}
    value, grads = module.bptt(p, **data, lengths=lengths, seed=4)
    for rows in (3, 4, 9):
        mine, found = hybrid(p, **data, lengths=lengths, seed=4, block=rows)
        assert_allclose(mine, value, rtol=1e-12)
        assert_allclose(found.flat, grads.flat, rtol=0, atol=1e-12)


def test_a_loss_of_whole_pictures_is_one_block() -> None:
    """What no row has by itself: back-propagation, whatever `block` says, and the module says so."""
    module = rnnc.compile_text(ANCHORED, learn=("hybrid",))
    p, data = _drawn(module, 4, 5)
    data["t"] = data["t"][0]
    assert_allclose(module.hybrid(p, **data, block=2)[1].flat, module.bptt(p, **data)[1].flat, rtol=1e-12, atol=1e-14)
    assert "The only block is the whole sequence" in module.hybrid.__doc__ and not hasattr(module, "hybrid_block")
    with pytest.raises(ValueError, match="cannot go on from a state"):
        module.hybrid(p, **data, state={})
