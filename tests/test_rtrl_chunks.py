"""Learning forward in time, chunk by chunk: the gradients of all chunks are those of the whole sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rnnc

SPECS = Path(__file__).resolve().parent.parent / "specs"


@pytest.mark.parametrize("name", ["elman", "lstm", "narx"])
def test_chunks_carry_their_influences_on(name: str) -> None:
    module = rnnc.compile_file(SPECS / f"{name}.rnn")
    rng = np.random.default_rng(0)
    p = module.init(seed=0, dtype="float64")
    data = {
        key: rng.integers(0, 2, (10, 3))
        if record.get("token")
        else rng.standard_normal((10, 3, *module.data_shapes(**p.sizes)[key][0]))
        for key, record in (*module.INPUTS.items(), *module.TARGETS.items())
    }
    loss, whole = module.bptt(p, **data)
    first, early = module.rtrl(p, **{key: a[:6] for key, a in data.items()})
    second, late = module.rtrl(p, **{key: a[6:] for key, a in data.items()}, state=early.state)
    np.testing.assert_allclose(first + second, loss, rtol=1e-12)
    np.testing.assert_allclose(early.flat + late.flat, whole.flat, rtol=0, atol=1e-12)


def test_behind_sequences_of_different_length_there_are_states_alone() -> None:
    module = rnnc.compile_file(SPECS / "elman.rnn")
    rng = np.random.default_rng(0)
    p = module.init(seed=0, dtype="float64")
    x, t = rng.standard_normal((10, 3, 3)), rng.uniform(size=(10, 3, 2))
    state = module.rtrl(p, x=x[:6], t=t[:6], lengths=[6, 3, 2])[1].state
    assert list(state) == ["h"]
    late = module.rtrl(p, x=x[6:], t=t[6:], state=state)[1]
    expected = module.bptt(p, x=x[6:], t=t[6:], state=state)[1]
    np.testing.assert_allclose(late.flat, expected.flat, rtol=0, atol=1e-12)
