"""Rules that estimate the influence of the past by random signs: against the papers' algorithms written densely, step
by step, with the same signs, as equations and as modules."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from drawn import Drawn
from estimated import CASES, PRODUCTS, Case, D, H, K
from numpy.testing import assert_allclose, assert_array_equal

import rnnc
from rnnc.learning.kf_rtrl import kf_rtrl
from rnnc.learning.uoro import uoro

Array = Any
EVERY = tuple(("uoro", case) for case in CASES) + tuple(("kf_rtrl", case) for case in PRODUCTS)
every = pytest.mark.parametrize(("rule", "case"), EVERY, ids=lambda v: v if isinstance(v, str) else v.name)
LENGTHS = (7, 3, 2, 1)


@every
def test_every_step_is_the_papers(rule: str, case: Case) -> None:
    drawn = Drawn(case)
    estimate = (uoro if rule == "uoro" else kf_rtrl)(drawn.system)
    expected = drawn.uoro()[0] if rule == "uoro" else drawn.kf_rtrl()
    for n, (mine, theirs) in enumerate(zip(drawn.by_steps(estimate.system), expected, strict=True)):
        for name, gradient in drawn.named(theirs).items():
            assert_allclose(mine[name], gradient, 1e-10, 1e-10, err_msg=f"{name}, step {n}")


@cache
def module(spec: str) -> ModuleType:
    rules = ("uoro",) if any(spec == c.spec for c in CASES) else ()
    return rnnc.compile_text(spec, learn=(*rules, *(("kf_rtrl",) if any(spec == c.spec for c in PRODUCTS) else ())))


def parameters(case: Case, dtype: str = "float64") -> Any:
    p = module(case.spec).init(dtype=dtype)
    for name, array in Drawn(case).parameters.items():
        p[name][...] = array
    return p


def data(batch: int, steps: int = LENGTHS[0]) -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    x, t = rng.standard_normal((steps, batch, D)), rng.standard_normal((steps, batch, K))
    t[rng.uniform(size=t.shape) < 0.2] = np.nan
    return x, t


def signs_of(case: Case, seed: int, key: str, shape: tuple[int, ...], by_step: bool = True) -> Array:
    a = np.empty(shape)
    module(case.spec).signs(seed, key, a, 0 if by_step else None)
    assert set(np.unique(a)) <= {-1.0, 1.0}
    return a


@every
def test_a_module_does_the_same_to_every_sequence_of_a_ragged_batch(rule: str, case: Case) -> None:
    x, t = data(len(LENGTHS))
    for b, length in enumerate(LENGTHS):
        x[length:, b] = t[length:, b] = np.nan
    p, shape = parameters(case), (LENGTHS[0], len(LENGTHS))
    value, grads = getattr(module(case.spec), rule)(p, x=x, t=t, lengths=LENGTHS, reduce="sum", seed=5)
    exact, _ = module(case.spec).bptt(p, x=x, t=t, lengths=LENGTHS, reduce="sum")
    assert_allclose(value, exact, 1e-12)
    columns = {n: signs_of(case, 5, n, (*shape, H)) for n in case.entries if n is not None}
    first = signs_of(case, 5, case.learned, (len(LENGTHS), H), False) if case.learned else np.zeros((len(LENGTHS), 0))
    pairs = [signs_of(case, 5, _first_name(product.blocks), (*shape, 2)) for product in case.products]
    total: Array = 0.0
    for b, length in enumerate(LENGTHS):
        one = Drawn(case, max(4, length))
        one.x, one.t = x[:length, b], t[:length, b]
        one.signs = np.zeros((length, len(case.entries), H))
        for k, name in enumerate(case.entries):
            if name is not None:
                one.signs[:, k] = columns[name][:length, b]
        one.first = first[b]
        one.pairs = np.stack([a[:length, b] for a in pairs], axis=1) if pairs else one.pairs[:length]
        total = total + sum(one.uoro()[0] if rule == "uoro" else one.kf_rtrl())
    for name, expected in Drawn(case).named(total).items():
        assert_allclose(grads[name], expected, 1e-10, 1e-10, err_msg=name)


def _first_name(blocks: tuple[tuple[str, ...], ...]) -> str:
    return min(name for row in blocks for name in row)


@every
@pytest.mark.parametrize("batch", (None, 3))
def test_steps_and_chunks_draw_the_signs_of_the_whole(rule: str, case: Case, batch: int | None) -> None:
    x, t = data(batch or 1)
    if batch is None:
        x, t = x[:, 0], t[:, 0]
    p, own = parameters(case), module(case.spec)
    whole = getattr(own, rule)(p, x=x, t=t, seed=11)
    learner = getattr(own, f"{rule}_start")(p, batch, seed=11)
    value, total = 0.0, np.zeros_like(p.flat)
    for n in range(len(x)):
        learner = {name: array.copy() for name, array in learner.items()}
        one, grads, learner = getattr(own, f"{rule}_step")(p, learner, x=x[n], t=t[n], seed=11)
        value, total = value + one, total + grads.flat
    assert_allclose(value, whole[0], 1e-12)
    assert_allclose(total, whole[1].flat, 1e-10, 1e-12)
    first = getattr(own, rule)(p, x=x[:3], t=t[:3], seed=11)
    second = getattr(own, rule)(p, x=x[3:], t=t[3:], seed=11, state=first[1].state)
    assert_allclose(first[1].flat + second[1].flat, whole[1].flat, 1e-10, 1e-12)
    assert {name: a.shape for name, a in learner.items()} == {name: a.shape for name, a in second[1].state.items()}
    for name, array in learner.items():
        assert_allclose(array, second[1].state[name], 1e-10, 1e-12, err_msg=name)


@every
def test_single_precision(rule: str, case: Case) -> None:
    x, t = data(2)
    exact = getattr(module(case.spec), rule)(parameters(case), x=x, t=t, seed=1)[1]
    x, t = x.astype("float32"), t.astype("float32")
    grads = getattr(module(case.spec), rule)(parameters(case, "float32"), x=x, t=t, seed=1)[1]
    assert grads.flat.dtype == np.float32
    assert_allclose(grads.flat, exact.flat, 0, 1e-3 * np.abs(exact.flat).max())


def test_the_seed_says_all() -> None:
    (case, *_), own = CASES, module(CASES[0].spec)
    (x, t), p = data(2), parameters(case)
    np.random.seed(0)
    first = own.uoro(p, x=x, t=t, seed=4)[1].flat.copy()
    np.random.seed(1)
    assert_array_equal(own.uoro(p, x=x, t=t, seed=4)[1].flat, first)
    assert np.abs(own.uoro(p, x=x, t=t, seed=5)[1].flat - first).max() > 1e-3
    learner = own.uoro_start(p, 2)
    for step, kept in (("", ()), ("_step", (learner,))):
        with pytest.raises(ValueError, match=f"`uoro` draws signs: uoro{step} needs seed=, a whole number"):
            getattr(own, f"uoro{step}")(p, *kept, x=x[0] if step else x, t=t[0] if step else t)
    del learner["steps drawn"]
    with pytest.raises(ValueError, match="learner lacks `steps drawn`; it is what `uoro_start` gives"):
        own.uoro_step(p, learner, x=x[0], t=t[0], seed=0)
    for wrong in (-1, 0.5, np.zeros(0, int), "two"):
        with pytest.raises(ValueError, match=r"^a learner's `steps drawn` must be whole numbers of at least 0$"):
            own.uoro_step(p, learner | {"steps drawn": wrong}, x=x[0], t=t[0], seed=0)


@pytest.mark.parametrize("rule", ("uoro", "kf_rtrl"))
def test_a_recurrence_of_data_is_data(rule: str) -> None:
    """What runs without a parameter is as if it had been given."""
    given = """network given(H = 2) {
      axis n
      input  m[n] : H
      target t[n] : H
      output h[n] : H = tanh(m * 0.7 + full(h[n-1]) + full(m[n-1], init = glorot) + bias)
      loss squared_error(h, t)
    }"""
    own = given.replace("input  m[n] : H", "input  x[n] : H\n unit m[n] : H = 0.5 * m[n-1] + x")
    (x, t), mean = np.random.default_rng(1).standard_normal((2, 6, 2)), np.zeros((7, 2))
    for n in range(6):
        mean[n + 1] = 0.5 * mean[n] + x[n]
    found = []
    for spec, data in ((own, {"x": x}), (given, {"m": mean[1:]})):
        made = rnnc.compile_text(spec, learn=(rule,))
        found.append(getattr(made, rule)(made.init(dtype="float64"), **data, t=t, seed=3)[1].flat)
    assert_allclose(found[0], found[1], rtol=1e-10)
