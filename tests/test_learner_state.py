"""What a learner holds is all there is of the past: saved, loaded and copied it goes on as if nothing had been, and one
sequence of a batch begins anew where it is given its place of a fresh learner."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import rnnc

SPECS = Path(__file__).resolve().parent.parent / "specs"
NAMES = ("lstm", "skip", "narx")
"""Gates and two states; delays of one and of eight steps; outputs fed back for five steps and a window of inputs."""
SEQUENCES, STEPS, CUT = 7, 14, 5
"""As many sequences as nothing else is long, so that a shape shows where they lie."""
EVERY = pytest.mark.parametrize("name", NAMES)
State = dict[str, Any]


@cache
def module(name: str) -> ModuleType:
    return rnnc.compile_file(SPECS / f"{name}.rnn", learn=("rtrl", "hybrid", "snap1", "uoro"))


@cache
def parameters(name: str) -> Any:
    return module(name).init(seed=3, dtype="float64")


def drawn(name: str) -> dict[str, Any]:
    rng, own = np.random.default_rng(5), module(name)
    (x, _), (t, _) = (own.data_shapes(**parameters(name).sizes)[key] for key in ("x", "t"))
    whole = (STEPS, SEQUENCES)
    return {"x": rng.standard_normal((*whole, *x)), "t": rng.uniform(0.1, 0.9, (*whole, *t))}


def stepped(name: str, rule: str, learner: State, data: dict[str, Any], more: dict[str, Any]) -> tuple[Any, State]:
    """Losses and gradients of the steps of `data`, one row each, and the learner behind them."""
    step, p = getattr(module(name), f"{rule}_step"), parameters(name)
    rows = []
    for n in range(len(data["x"])):
        value, grads, learner = step(p, learner, x=data["x"][n], t=data["t"][n], reduce="sum", **more)
        rows.append(np.append(grads.flat, value))
    return np.array(rows), learner


def chunk(name: str, rule: str, state: State, data: dict[str, Any]) -> Any:
    """Loss and gradient of `data` as one chunk, the past given."""
    value, grads = getattr(module(name), rule)(parameters(name), **data, reduce="sum", state=state)
    return np.append(grads.flat, value)


def fresh(name: str, rule: str, batch: int) -> State:
    """That of `hybrid` is as `rtrl` has it; of `bptt` it is the network's own."""
    own = module(name)
    start = own.start if rule == "bptt" else own.rtrl_start if rule == "hybrid" else getattr(own, f"{rule}_start")
    found: State = start(parameters(name), batch)
    return found


def through_a_file(state: State, path: Path) -> State:
    np.savez(path, **state)
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def cut(data: dict[str, Any], rows: slice, sequences: slice | int = slice(None)) -> dict[str, Any]:
    """So many steps of some sequences; of one by itself without a batch."""
    return {key: array[rows, sequences] for key, array in data.items()}


@EVERY
@pytest.mark.parametrize("rule", ("rtrl", "snap1", "uoro"))
def test_a_learner_is_saved_and_copied(name: str, rule: str, tmp_path: Path) -> None:
    """To the last bit; and the learner that a step was given is as it was."""
    data = drawn(name)
    more = {"seed": 7} if rule == "uoro" else {}
    _, learner = stepped(name, rule, fresh(name, rule, SEQUENCES), cut(data, slice(CUT)), more)
    copied = {key: array.copy() for key, array in learner.items()}
    loaded = through_a_file(learner, tmp_path / "learner.npz")
    rest = cut(data, slice(CUT, None))
    expected, _ = stepped(name, rule, learner, rest, more)
    for other in (copied, loaded, learner):
        found, _ = stepped(name, rule, other, rest, more)
        assert_array_equal(found, expected)


@EVERY
@pytest.mark.parametrize("rule", ("rtrl", "hybrid", "bptt"))
def test_the_state_behind_a_chunk_is_saved_and_copied(name: str, rule: str, tmp_path: Path) -> None:
    data = drawn(name)
    _, grads = getattr(module(name), rule)(parameters(name), **cut(data, slice(CUT)))
    copied = {key: array.copy() for key, array in grads.state.items()}
    loaded = through_a_file(grads.state, tmp_path / "state.npz")
    rest = cut(data, slice(CUT, None))
    expected = chunk(name, rule, grads.state, rest)
    for other in (copied, loaded, grads.state):
        assert_array_equal(chunk(name, rule, other, rest), expected)


def one_anew(name: str, rule: str, state: State, b: int) -> State:
    """The state with sequence b at its beginning: of every array its place in that of a fresh learner."""
    new = fresh(name, rule, SEQUENCES)
    assert new.keys() == state.keys()
    found = {}
    for key, array in state.items():
        found[key] = array.copy()
        place = (slice(None),) * array.shape.index(SEQUENCES)
        found[key][(*place, b)] = new[key][(*place, b)]
    return found


@EVERY
@pytest.mark.parametrize("rule", ("rtrl", "snap1"))
def test_one_sequence_of_a_batch_begins_anew(name: str, rule: str) -> None:
    """Every step's loss and gradient are those of the sequences by themselves, one of them begun later."""
    data, b = drawn(name), 2
    _, learner = stepped(name, rule, fresh(name, rule, SEQUENCES), cut(data, slice(CUT)), {})
    found, _ = stepped(name, rule, one_anew(name, rule, learner, b), cut(data, slice(CUT, None)), {})
    kept, _ = stepped(name, rule, learner, cut(data, slice(CUT, None)), {})
    alone: Any = 0.0
    for k in range(SEQUENCES):
        begun = CUT if k == b else 0
        start = getattr(module(name), f"{rule}_start")(parameters(name))
        rows, _ = stepped(name, rule, start, cut(data, slice(begun, None), k), {})
        alone = alone + rows[CUT - begun :]
    assert_allclose(found, alone, rtol=1e-12, atol=1e-12)
    assert np.abs(found - kept).max() > 1e-6


@EVERY
@pytest.mark.parametrize("rule", ("rtrl", "hybrid", "bptt"))
def test_one_sequence_of_a_batch_begins_anew_between_chunks(name: str, rule: str) -> None:
    data, b = drawn(name), 2
    run, p = getattr(module(name), rule), parameters(name)
    first, rest = slice(CUT), slice(CUT, None)
    _, grads = run(p, **cut(data, first))
    found = chunk(name, rule, one_anew(name, rule, grads.state, b), cut(data, rest))
    alone: Any = 0.0
    for k in range(SEQUENCES):
        if k == b:
            value, late = run(p, **cut(data, rest, k), reduce="sum")
        else:
            _, early = run(p, **cut(data, first, k))
            value, late = run(p, **cut(data, rest, k), reduce="sum", state=early.state)
        alone = alone + np.append(late.flat, value)
    assert_allclose(found, alone, rtol=1e-12, atol=1e-12)
    assert np.abs(found - chunk(name, rule, grads.state, cut(data, rest))).max() > 1e-6


JOINED = """network joined(H = 2) {
  axis n
  input  x[n] : H
  input  u : H
  target t[n] : H
  unit   a[n] : H = x * u
  unit   h[n] : H = tanh(full(a[n-1..n]) + full(h[n-2]))
  unit   j[n] : 2*H = concat(h, a) * 0.9
  unit   g[n] : H = 0.5 * g[n-1]
  output y[n] : H = full(g)
  start  g = learned
  loss squared_error(y, t)
}"""


def test_states_that_are_joined_and_scaled_are_handed_on_as_they_were() -> None:
    own, rng = rnnc.compile_text(JOINED, learn=("rtrl", "truncated_gradient")), np.random.default_rng(0)
    p, u = own.init(dtype="float64"), rng.standard_normal(2)
    x, t = rng.standard_normal((2, 5, 2))
    h = own.forward(p, x=x, u=u, observe=["h"])["h"]
    for rule in ("bptt", "rtrl", "truncated_gradient"):
        state = getattr(own, rule)(p, x=x, u=u, t=t)[1].state
        assert_allclose(state["a"], x[-1] * u, rtol=1e-12, err_msg=rule)
        assert_allclose(state["h"], h[-2:], rtol=1e-12, err_msg=rule)
