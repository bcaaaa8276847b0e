"""The truncated gradient against differences of the loss of each step, its earlier states being given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnc

SPECS = Path(__file__).resolve().parent.parent / "specs"
STEPS, EPS = 6, 1e-6


@pytest.mark.parametrize("name", ["elman", "lstm", "gru", "narx", "two_layer", "learned_delays", "leaky", "jordan"])
def test_it_is_the_gradient_where_earlier_states_are_given(name: str) -> None:
    module = rnnc.compile_file(SPECS / f"{name}.rnn", learn=("truncated_gradient",))
    rng = np.random.default_rng(1)
    p = module.init(seed=1, dtype="float64")
    p.flat[...] = 0.4 * rng.standard_normal(p.flat.shape)
    data: dict[str, Any] = {}
    for key, record in {**module.INPUTS, **module.TARGETS}.items():
        shape, words = module.data_shapes(**p.sizes)[key]
        whole = (STEPS, 2, *shape) if record["axes"] else (2, *shape)
        data[key] = rng.integers(0, words, whole) if words else rng.uniform(0.1, 0.9, whole)

    def now(n: int) -> dict[str, Any]:
        records = {**module.INPUTS, **module.TARGETS}
        return {key: a[n : n + 1] if records[key]["axes"] else a for key, a in data.items()}

    states = [module.start(p, batch=2)]
    for n in range(STEPS):
        states.append(module.forward(p, **now(n), state=states[n])["state"])
    expected = np.zeros(p.flat.size)
    for k in range(p.flat.size):
        sides = []
        for sign in (1.0, -1.0):
            p.flat[k] += sign * EPS
            sides.append(sum(float(module.forward(p, **now(n), state=states[n])["loss"].sum()) for n in range(STEPS)))
            p.flat[k] -= sign * EPS
        expected[k] = (sides[0] - sides[1]) / (2 * EPS)
    _, grads = module.truncated_gradient(p, **data, reduce="sum")
    np.testing.assert_allclose(grads.flat, expected, rtol=1e-6, atol=1e-7)
    windows = [module.bptt(p, **now(n), state=states[n], reduce="sum")[1].flat.copy() for n in range(STEPS)]
    np.testing.assert_allclose(grads.flat, np.sum(windows, axis=0), rtol=1e-10, atol=1e-12)
    assert np.abs(module.bptt(p, **data, reduce="sum")[1].flat - grads.flat).max() > 1e-3
