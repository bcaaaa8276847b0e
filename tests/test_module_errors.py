"""Wrong arrays and lengths: a ValueError in the spec's names, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from uncalled import G, T, U, W, X, alone, elman, elman_state, plain, reader

Wrong = tuple[Callable[[], Any], str]
"""A call, and the whole message it gets."""


def ragged_list() -> Any:
    return [[1.0, 2.0], [3.0]]


def far_token(value: int) -> Any:
    tokens = np.zeros((5, 20), int)
    tokens[4, 17] = value
    return tokens


SHAPES: dict[str, Wrong] = {
    "units": (
        lambda: elman.forward(plain(elman), x=X[..., :2]),
        "input `x` has shape (5, 8, 2), expected (n, batch, D) or (n, D) with (D) = (3,)",
    ),
    "too few dimensions": (
        lambda: elman.forward(plain(elman), x=X[0, 0]),
        "input `x` has shape (3,), expected (n, batch, D) or (n, D) with (D) = (3,)",
    ),
    "too many dimensions": (
        lambda: elman.bptt(plain(elman), x=X, t=T[None]),
        "target `t` has shape (1, 5, 8, 2), expected (n, batch, K) with (K) = (2,), since input `x` has a batch",
    ),
    "units without a batch": (
        lambda: elman.forward(plain(elman), x=np.zeros((5, 2))),
        "input `x` has shape (5, 2), expected (n, batch, D) or (n, D) with (D) = (3,)",
    ),
    "a batch in one, none in the other": (
        lambda: elman.bptt(plain(elman), x=X, t=T[:, 0]),
        "target `t` has shape (5, 2), expected (n, batch, K) with (K) = (2,), since input `x` has a batch",
    ),
    "no batch in one, one in the other": (
        lambda: elman.bptt(plain(elman), x=X[:, 0], t=T),
        "target `t` has shape (5, 8, 2), expected (n, K) with (K) = (2,), since input `x` has no batch",
    ),
    "a vector for all sequences": (
        lambda: reader.forward(plain(reader), w=W, u=U[0], g=G),
        "input `g` has shape (5, 8), expected (t, 1), since input `u` has no batch",
    ),
    "lengths that differ": (
        lambda: elman.bptt(plain(elman), x=X, t=T[:4]),
        "target `t` has 4 positions on axis `n`, input `x` has 5",
    ),
    "batches that differ": (
        lambda: elman.bptt(plain(elman), x=X, t=T[:, :7]),
        "target `t` has 7 sequences, input `x` has 8",
    ),
    "an empty batch": (
        lambda: elman.forward(plain(elman), x=X[:, :0]),
        "input `x` has no sequences: it is empty",
    ),
    "an empty sequence": (
        lambda: elman.forward(plain(elman), x=X[:0]),
        "input `x` has no positions on axis `n`: it is empty",
    ),
    "a scalar": (
        lambda: elman.forward(plain(elman), x=1.0),
        "input `x` has shape (), expected (n, batch, D) or (n, D) with (D) = (3,)",
    ),
    "rows of two lengths": (
        lambda: elman.forward(plain(elman), x=ragged_list()),
        "input `x` is no array: its rows differ in length",
    ),
    "a step with the axis": (
        lambda: elman.step(plain(elman), elman_state(), x=X[None]),
        "input `x` has shape (1, 5, 8, 3), expected (batch, D) or (D) with (D) = (3,)",
    ),
    "a step with other units": (
        lambda: elman.step(plain(elman), elman_state(), x=X[0, :, :2]),
        "input `x` has shape (8, 2), expected (batch, D) or (D) with (D) = (3,)",
    ),
}

VALUES: dict[str, Wrong] = {
    "complex": (
        lambda: elman.forward(plain(elman), x=X + 1j),
        "input `x` must hold real numbers, found complex128",
    ),
    "objects": (
        lambda: elman.forward(plain(elman), x=X.astype(object)),
        "input `x` must hold real numbers, found object",
    ),
    "text": (
        lambda: elman.bptt(plain(elman), x=X, t=T.astype(str)),
        "target `t` must hold real numbers, found <U32",
    ),
    "dates": (
        lambda: elman.forward(plain(elman), x=X.astype("datetime64[s]")),
        "input `x` must hold real numbers, found datetime64[s]",
    ),
    "tokens that are no whole numbers": (
        lambda: reader.forward(plain(reader), w=W + 0.5, u=U, g=G),
        "input `w` holds tokens: whole numbers, found float64",
    ),
    "a token past the last": (
        lambda: reader.forward(plain(reader), w=np.full((6, 8), 7), u=U, g=G),
        "sequence 0, s = 0: input `w` is 7, expected a token 0 to 6 (V = 7)",
    ),
    "a missing token in an input": (
        lambda: reader.forward(plain(reader), w=np.full((6, 8), -1), u=U, g=G),
        "sequence 0, s = 0: input `w` is -1, expected a token 0 to 6 (V = 7)",
    ),
    "a label past the last": (
        lambda: reader.bptt(
            plain(reader), w=np.zeros((6, 20), int), u=np.zeros((20, 3)), g=np.zeros((5, 20)), l=far_token(30)
        ),
        "sequence 17, t = 4: target `l` is 30, expected a token 0 to 28 (K = 29), or -1 where it is missing",
    ),
    "a label below -1": (
        lambda: reader.bptt(
            plain(reader), w=np.zeros((6, 20), int), u=np.zeros((20, 3)), g=np.zeros((5, 20)), l=far_token(-2)
        ),
        "sequence 17, t = 4: target `l` is -2, expected a token 0 to 28 (K = 29), or -1 where it is missing",
    ),
    "an unsigned label too large for a whole number": (
        lambda: reader.bptt(plain(reader), w=W, u=U, g=G, l=np.full((5, 8), 2**64 - 1, np.uint64)),
        "sequence 0, t = 0: target `l` is 18446744073709551615, expected a token 0 to 28 (K = 29), "
        "or -1 where it is missing",
    ),
    "a missing input": (lambda: elman.forward(plain(elman), t=T), "input `x` is missing"),
    "no target": (lambda: elman.bptt(plain(elman), x=X), "a target is missing: t"),
}

LENGTHS: dict[str, Wrong] = {
    "zero": (
        lambda: elman.forward(plain(elman), x=X, lengths=[5, 5, 0, 5, 5, 5, 5, 5]),
        "sequence 2 has length 0 on axis `n`, expected 1 to 5",
    ),
    "negative": (
        lambda: elman.forward(plain(elman), x=X, lengths=-1),
        "sequence 0 has length -1 on axis `n`, expected 1 to 5",
    ),
    "longer than the data": (
        lambda: elman.forward(plain(elman), x=X, lengths=np.arange(1, 9)),
        "sequence 5 has length 6 on axis `n`, expected 1 to 5",
    ),
    "not one a sequence": (
        lambda: elman.forward(plain(elman), x=X, lengths=[5, 5]),
        "lengths of axis `n` has 2 sequences, input `x` has 8",
    ),
    "no whole numbers": (
        lambda: elman.forward(plain(elman), x=X, lengths=np.full(8, 3.0)),
        "lengths of axis `n` must be one whole number, or one a sequence, found float64 of shape (8,)",
    ),
    "two dimensions": (
        lambda: elman.forward(plain(elman), x=X, lengths=np.ones((8, 1), int)),
        "lengths of axis `n` must be one whole number, or one a sequence, found int64 of shape (8, 1)",
    ),
    "rows of two lengths": (
        lambda: elman.forward(plain(elman), x=X, lengths=ragged_list()),
        "lengths of axis `n` are no array: rows differ in length",
    ),
    "several without a batch": (
        lambda: elman.forward(plain(elman), x=X[:, 0], lengths=[5]),
        "lengths of axis `n` must be one whole number, since input `x` has no batch",
    ),
    "an unknown axis": (
        lambda: elman.forward(plain(elman), x=X, lengths={"m": 3}),
        "lengths names an axis `m`; the axes of `elman` are n",
    ),
    "one number for two axes": (
        lambda: reader.forward(plain(reader), w=W, u=U, g=G, lengths=3),
        "lengths must be a dict by axis; the axes of `reader` are s, t",
    ),
    "an axis that no array carries": (
        lambda: alone.forward(plain(alone)),
        "lengths of axis `n` are needed: no array carries it",
    ),
    "zero where no array carries the axis": (
        lambda: alone.forward(plain(alone), lengths=[3, 0]),
        "sequence 1 has length 0 on axis `n`, expected at least 1",
    ),
    "no sequence at all": (
        lambda: alone.forward(plain(alone), lengths=np.zeros(0, int)),
        "lengths of axis `n` has no sequences: it is empty",
    ),
}

CASES = [
    pytest.param(*wrong, id=f"{table}: {name}")
    for table, cases in (("shape", SHAPES), ("value", VALUES), ("lengths", LENGTHS))
    for name, wrong in cases.items()
]


@pytest.mark.parametrize(("call", "message"), CASES)
def test_wrong_call(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == message
