"""Wrong parameters, sizes, choices and states: a ValueError in the spec's names, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from uncalled import G, L, T, U, W, X, begun, elman, elman_state, plain, reader, spread

Wrong = tuple[Callable[[], Any], str]
"""A call, and the whole message it gets."""

PARAMETERS: dict[str, Wrong] = {
    "missing": (lambda: elman.forward(plain(elman, h__b=None), x=X), "parameter `h.b` is missing from p"),
    "taken away": (lambda: taken_away(), "parameter `h.b` is missing from p"),
    "of another network": (
        lambda: elman.forward(plain(elman, h__c=np.zeros(4)), x=X),
        "p has `h.c`, but network `elman` has no parameter `h.c`",
    ),
    "another shape": (
        lambda: elman.forward(plain(elman, h__b=np.zeros(5)), x=X),
        "parameter `h.b` has shape (5,), expected (H,) = (4,)",
    ),
    "two dtypes": (
        lambda: elman.forward(plain(elman, h__b=np.zeros(4, "float32")), x=X),
        "parameters differ in dtype: `W_two` is float64, `h.b` is float32",
    ),
    "whole numbers": (
        lambda: elman.forward(plain(elman, h__b=np.zeros(4, int)), x=X),
        "parameter `h.b` must be float32 or float64, found int64",
    ),
    "no dict": (
        lambda: elman.forward([1, 2], x=X),
        "p must be a dict of arrays by name, as `init` gives, found list",
    ),
    "columns past the last": (
        lambda: spread.forward(plain(spread, h__W_x__columns=np.full((5, 2), 4)), x=np.zeros((5, 4))),
        "parameter `h.W_x.columns` must hold columns: whole numbers 0 to 3",
    ),
    "assigned with another shape": (
        lambda: elman.init().update({"h.b": np.zeros(5)}),
        "parameter `h.b` has shape (4,), found (5,)",
    ),
    "assigned by another name": (
        lambda: elman.init().update({"h.c": np.zeros(5)}),
        "network `elman` has no parameter `h.c`",
    ),
    "a buffer of another length": (lambda: rebuffered(), "p.flat has shape (58,), found (57,)"),
}

INIT: dict[str, Wrong] = {
    "unknown size": (lambda: elman.init(Q=3), "network `elman` has no size `Q`; its sizes are D, H, K"),
    "size 0": (lambda: elman.init(H=0), "size `H` must be a whole number of at least 1, found 0"),
    "size -1": (lambda: elman.init(H=-1), "size `H` must be a whole number of at least 1, found -1"),
    "size 2.5": (lambda: elman.init(H=2.5), "size `H` must be a whole number of at least 1, found 2.5"),
    "size True": (lambda: elman.init(H=True), "size `H` must be a whole number of at least 1, found True"),
    "dtype": (lambda: elman.init(dtype="float16"), "dtype must be float32 or float64, found 'float16'"),
    "no dtype": (lambda: elman.init(dtype="real"), "dtype must be float32 or float64, found 'real'"),
    "seed -1": (lambda: elman.init(seed=-1), "seed must be a whole number of at least 0, found -1"),
    "seed 0.5": (lambda: elman.init(seed=0.5), "seed must be a whole number of at least 0, found 0.5"),
}

CHOICES: dict[str, Wrong] = {
    "observe": (
        lambda: elman.forward(plain(elman), x=X, observe=["h", "z"]),
        "network `elman` has no unit `z`; its units are h, y",
    ),
    "wrt": (
        lambda: elman.bptt(plain(elman), x=X, t=T, wrt=("x", "t")),
        "wrt names `t`; inputs with a gradient: x",
    ),
    "wrt a token": (
        lambda: reader.bptt(plain(reader), w=W, u=U, g=G, l=L, wrt="w"),
        "wrt names `w`; inputs with a gradient: g, u",
    ),
    "reduce": (
        lambda: elman.bptt(plain(elman), x=X, t=T, reduce="max"),
        'reduce must be "mean" or "sum", found \'max\'',
    ),
    "a unit whose input is missing": (
        lambda: begun.forward(plain(begun), x=X, state=begun_state(), observe="c"),
        "input `u` is missing",
    ),
    "batch 0": (
        lambda: elman.start(plain(elman), batch=0),
        "batch must be a whole number of at least 1, found 0",
    ),
    "batch against the inputs": (
        lambda: begun.start(plain(begun), batch=3, u=U),
        "batch is 3, the inputs have 8 sequences",
    ),
    "a start without its input": (lambda: begun.start(plain(begun), batch=3), "input `u` is missing"),
    "a first chunk without its start": (lambda: begun.forward(plain(begun), x=X), "input `u` is missing"),
}

STATES: dict[str, Wrong] = {
    "none": (
        lambda: elman.step(plain(elman), None, x=X[0]),
        "state must be a dict of arrays, as `start` gives, found NoneType",
    ),
    "no dict": (
        lambda: elman.forward(plain(elman), x=X, state=[1]),
        "state must be a dict of arrays, as `start` gives, found list",
    ),
    "partial": (
        lambda: elman.forward(plain(elman), x=X, state={}),
        "state lacks `h`; a state of `elman` has h",
    ),
    "another network's": (
        lambda: elman.forward(plain(elman), x=X, state=elman_state(c=np.zeros((8, 4)))),
        "state has `c`, but a state of `elman` has h",
    ),
    "another size": (
        lambda: elman.forward(plain(elman), x=X, state=elman_state(h=np.zeros((2, 8, 5)))),
        "state `h` has shape (2, 8, 5), expected (2, batch, 4), since input `x` has a batch",
    ),
    "another batch": (
        lambda: elman.forward(plain(elman), x=X, state=elman_state(h=np.zeros((2, 7, 4)))),
        "state `h` has 7 sequences, input `x` has 8",
    ),
    "no batch": (
        lambda: elman.step(plain(elman), elman_state(h=np.zeros((2, 4))), x=X[0]),
        "state `h` has shape (2, 4), expected (2, batch, 4), since input `x` has a batch",
    ),
    "a batch without one in the data": (
        lambda: elman.step(plain(elman), elman_state(), x=X[0, 0]),
        "state `h` has shape (2, 8, 4), expected (2, 4), since input `x` has no batch",
    ),
    "complex": (
        lambda: elman.forward(plain(elman), x=X, state=elman_state(h=np.zeros((2, 8, 4), complex))),
        "state `h` must hold real numbers, found complex128",
    ),
    "one position for the batch": (
        lambda: begun.forward(plain(begun), x=X, state={**begun_state(), "n": 3.0}),
        "state `n` has shape (), expected (batch), since input `x` has a batch",
    ),
    "without the position": (
        lambda: begun.forward(plain(begun), x=X, state={"h": np.zeros((8, 4))}),
        "state lacks `n`; a state of `begun` has h, m, n",
    ),
    "without what the loss goes on from": (
        lambda: begun.forward(
            plain(begun), x=X, t=np.zeros((5, 8, 4)), state={"h": np.zeros((8, 4)), "n": np.zeros(8)}
        ),
        "state lacks `m`; a state of `begun` has h, m, n",
    ),
    "where there can be none": (
        lambda: reader.forward(plain(reader), w=W, u=U, g=G, state={}),
        "`reader` cannot go on from a state: it has several axes",
    ),
}


def taken_away() -> None:
    p = elman.init()
    del p["h.b"]
    elman.forward(p, x=X)


def rebuffered() -> None:
    p = elman.init()
    p.flat = p.flat[1:]


def begun_state() -> dict[str, Any]:
    return {"h": np.zeros((8, 4)), "m": np.zeros((8, 4)), "n": np.zeros(8)}


CASES = [
    pytest.param(*wrong, id=f"{table}: {name}")
    for table, cases in (("parameter", PARAMETERS), ("init", INIT), ("choice", CHOICES), ("state", STATES))
    for name, wrong in cases.items()
]


@pytest.mark.parametrize(("call", "message"), CASES)
def test_wrong_call(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == message
