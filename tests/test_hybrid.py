"""Real-time recurrent learning in blocks (Schmidhuber 1992): exact whatever the blocks, many times fewer multiply-adds
than from step to step, and no more memory for a longer sequence."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from counted import most_bytes, multiplications
from numpy.testing import assert_allclose
from oracle.blockwise import BLOCKWISE
from oracle.properties import Subject
from recurrences import network
from test_rtrl_cost import CASES

import rnnc
from rnnc.compiler import understand
from rnnc.frontend.read import read_text
from rnnc.plan.plan import plan

DENSE = network("unit h[n] : H = tanh(full(x) + full(h[n-1]) + bias)", "")
SIZES = (1, 2, 3, 7, 12, 50)


def module_of(text: str) -> ModuleType:
    return rnnc.compile_text(text, learn=("rtrl", "hybrid"))


def data_of(steps: int, batch: tuple[int, ...] = ()) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"x": rng.standard_normal((steps, *batch, 3)), "t": rng.uniform(-1, 1, (steps, *batch, 1))}


@pytest.mark.parametrize("row", CASES, ids=lambda row: row[0])
def test_every_kind_of_recurrence(row: Any) -> None:
    """Dense, gated, sparse, in blocks, element-wise: exact, and in their own structure."""
    _, body, h, *_ = row
    for holds in BLOCKWISE:
        holds(Subject(network(body, h).replace("H = 24", "H = 6"), 1))


@pytest.mark.parametrize(("n", "least"), [(32, 11), (48, 16)])
def test_multiply_adds_against_those_from_step_to_step(n: int, least: float) -> None:
    module = module_of(DENSE)
    p, given = module.init(H=n), data_of(6 * n)
    dense = multiplications(module, lambda: module.rtrl(p, **given))
    found = multiplications(module, lambda: module.hybrid(p, **given))
    # by hand, at least: a product of n x n with all influences a step
    assert dense >= 6 * n * n * n * n * (n + 3 + 1)
    assert dense >= least * found


def test_an_elementwise_recurrence_takes_a_vector() -> None:
    n, steps = 24, 96
    module = module_of(network("unit h[n] : H = tanh(full(x) + diag(h[n-1]) + bias)", ""))
    found = multiplications(module, lambda: module.hybrid(module.init(H=n), **data_of(steps)))
    assert found < 20 * steps * n * (3 + 1 + 1)


def test_several_blocks_cost_what_the_plan_says() -> None:
    steps = 150
    found = plan(understand(read_text(DENSE), settings={"H": 20}), {"n": steps}, 1)
    module, cost = module_of(DENSE), found.of("hybrid")
    p, given = module.init(H=20, dtype="float32"), data_of(steps)
    given = {name: a.astype("float32") for name, a in given.items()}
    size = module.hybrid_block({"D": 3, "H": 20})
    assert cost is not None and found.at[found.letters.block] == size < steps / 3
    counted = multiplications(module, lambda: module.hybrid(p, **given))
    assert found.value(cost.call) == pytest.approx(counted, rel=0.05)
    assert found.value(cost.held) * 4 == pytest.approx(most_bytes(lambda: module.hybrid(p, **given)), rel=0.05)


def test_memory_does_not_grow_with_the_sequence() -> None:
    module = module_of(DENSE)
    p = module.init(H=16, dtype="float64")
    short, long = (held(module, p, data_of(steps)) for steps in (200, 3200))
    assert long == pytest.approx(short, rel=0.01)


def held(module: ModuleType, p: Any, given: dict[str, Any]) -> int:
    return most_bytes(lambda: module.hybrid(p, **given))


def test_dropout_and_a_mean_over_all_steps() -> None:
    """Masks go on from block to block as they are drawn for a whole sequence; targets are counted over all of it."""
    text = """network a(D = 3, H = 4) {
      axis n
      input x[n] : D
      target t[n] : 1
      unit h[n] : H = tanh(full(dropout(x, 0.3)) + full(h[n-1]) + bias)
      output y[n] : 1 = full(dropout(h, 0.4)) + bias
      loss mean over n (squared_error(y, t))
    }"""
    module = module_of(text)
    p, given = module.init(seed=1, dtype="float64"), data_of(12, (3,))
    given["t"][3:5, 1] = np.nan
    value, grads = module.bptt(p, **given, lengths=[12, 5, 9], seed=4)
    for size in SIZES:
        mine, found = module.hybrid(p, **given, lengths=[12, 5, 9], seed=4, block=size)
        assert_allclose(mine, value, rtol=1e-12)
        assert_allclose(found.flat, grads.flat, rtol=0, atol=1e-12)


def test_behind_sequences_of_different_length_the_influences_are_those_of_their_ends() -> None:
    module = module_of(DENSE)
    p, given = module.init(seed=1, dtype="float64"), data_of(12, (3,))
    lengths = [7, 2, 5]
    for size in SIZES:
        early = module.hybrid(p, x=given["x"][:7], t=given["t"][:7], lengths=lengths, block=size)[1]
        late = module.hybrid(p, x=given["x"][7:], t=given["t"][7:], state=early.state, reduce="sum", block=size)[1]
        total = 0.0
        for b, length in enumerate(lengths):
            x = np.concatenate([given["x"][:length, b], given["x"][7:, b]])
            t = np.concatenate([np.full((length, 1), np.nan), given["t"][7:, b]])
            total = total + module.bptt(p, x=x, t=t)[1].flat
        assert_allclose(late.flat, total, rtol=0, atol=1e-12)


def test_a_loss_of_the_whole_sequence_has_one_block() -> None:
    module = module_of(DENSE.replace("target t[n]", "target t").replace("y[n] : 1 = full(h)", "y : 1 = full(h[last])"))
    p, given = module.init(seed=1, dtype="float64"), data_of(12)
    given["t"] = given["t"][0]
    expected = module.bptt(p, **given)[1].flat
    assert_allclose(module.hybrid(p, **given, block=3)[1].flat, expected, rtol=0, atol=1e-13)
    with pytest.raises(ValueError, match=r"cannot go on from a state: `y` reads `h\[last\]`"):
        module.hybrid(p, **given, state={})


def test_mistakes() -> None:
    module = module_of(DENSE)
    p, given = module.init(), data_of(4)
    for wrong in (0, -1, 2.5):
        with pytest.raises(ValueError, match="block"):
            module.hybrid(p, **given, block=wrong)
    learner = module.hybrid(p, **given)[1].state
    learner["h by h.b"] = learner["h by h.b"][:2]
    with pytest.raises(ValueError, match=r"influence `h by h.b` has shape \(2,"):
        module.hybrid(p, **given, state=learner)
    with pytest.raises(ValueError, match="reduce must be"):
        module.hybrid(p, **given, reduce="max")
