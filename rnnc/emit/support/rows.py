"""What only a rule that goes by blocks of rows needs: the sum over all blocks, and what their last rows come to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnc.emit.support.block import Block
from rnnc.emit.support.parameters import Parameters

# ---- copied from here


def in_rows(call: Any, axis: str, size: int, reduce: str, edges: Any, run: Any, ending: Any, opening: Any) -> Any:
    """Value and gradients of a checked call, `size` rows after `size` rows.

    `edges` are the rows that a block hands on: the shape of each less the batch, how many rows back it is, and what its
    entries and its row are called in what a block is told, beside what `opening` makes. `run` makes the losses of a
    block, its gradients, the rows behind it, and the derivatives of the losses by the rows before it; `ending` those of
    all entries handed on, by parameters and by these rows.
    """
    counts = [math.prod(shape) for shape, *_ in edges]
    entries = sum(counts)
    total: Any = Parameters(call.sizes, call.real)
    grads = Parameters(call.sizes, call.real)
    share = np.full(call.batch, 1.0 / call.batch if reduce == "mean" else 1.0, call.real)
    loss = np.zeros(call.batch, call.real)
    call.draws = {}
    state: Any = None
    learned: tuple[str, ...] = ()
    influences: Any = None  # of all parameters `learned` on every entry before the block: (batch, parameters, entries)
    with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not
        told = (opening(call) if opening else {}) | last_rows_are(call, edges, counts, min(size, call.length[axis]))
        for first in range(0, call.length[axis], size):
            block = Block(call, axis, first, size, state, told)
            block.sizes = call.sizes | {"entries handed on": entries}
            part, state, before = run(block, share, grads)
            loss += part
            total.flat += grads.flat
            if influences is not None:
                add_met(total, learned, np.matmul(influences, side_by_side(call, before, counts, 1)).sum(axis=0))
            if entries and first + size < call.length[axis]:
                learned, influences = taken_over(call, influences, ending(block), counts)
    return loss.mean() if reduce == "mean" else loss.sum(), total


def last_rows_are(call: Any, edges: Any, counts: list[int], rows: int) -> dict[str, Any]:
    """What says of every entry handed on where it lies: its row in a block of `rows`, and its place there."""
    entries = sum(counts)
    one, told, start = np.zeros((entries, entries), call.real), {}, 0
    one.reshape(-1)[:: entries + 1] = 1.0
    for (shape, back, name, last), count in zip(edges, counts, strict=True):
        told[name] = one[start : start + count].reshape(*shape, entries)
        told[last] = (np.arange(rows) == rows - back).astype(call.real)
        start += count
    return told


def side_by_side(call: Any, rows: Any, counts: list[int], width: int) -> Any:
    """Derivatives by each of `rows` (positions, batch, units, perhaps of several) as one matrix for each sequence:
    (batch, entries before, width); None stands for zeros."""
    made = np.zeros((call.batch, sum(counts), width), call.real)
    start = 0
    for (a, positions), count in zip(rows, counts, strict=True):
        if a is not None:
            made[:, start : start + count] = np.moveaxis(a, positions, 0).reshape(-1, count, width)
        start += count
    return made


def taken_over(call: Any, influences: Any, ending: Any, counts: list[int]) -> tuple[tuple[str, ...], Any]:
    """The influences on the entries behind a block, and whose they are: of what its rows read of parameters ((batch,
    parameter, entries) by name), and of the influences on the entries before it."""
    own, before = ending
    entries = sum(counts)
    pieces = [a.reshape(len(a), -1, entries) for a in own.values()]
    made = np.empty((call.batch, sum(a.shape[1] for a in pieces), entries), call.real)
    start = 0
    for a in pieces:
        made[:, start : start + a.shape[1]] = a
        start += a.shape[1]
    if influences is not None and any(a is not None for a, _ in before):
        made += np.matmul(influences, side_by_side(call, before, counts, entries))
    return tuple(own), made


def add_met(total: Any, names: tuple[str, ...], met: Any) -> None:
    """Add the parts of a column, side by side, to the gradients of these names."""
    start = 0
    for name in names:
        place = total[name]
        place += met[start : start + place.size].reshape(place.shape)
        start += place.size


# ---- copied to here
