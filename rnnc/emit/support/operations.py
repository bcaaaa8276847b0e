"""The operations of a generated module that NumPy has no one call for. A module holds those it uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

# ---- copied from here


def check_size(text: str, value: float, sizes: Mapping[str, int]) -> None:
    """Raises ValueError where a size expression comes out as no positive whole number."""
    if value != int(value) or value < 1:
        given = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise ValueError(f"size `{text}` comes out as {value:g} for {given}; it has to be a positive whole number")


def check_slice(text: str, start: float, stop: float, length: float, sizes: Mapping[str, int]) -> None:
    """Raises ValueError where a slice leaves its vector, or has nothing between its ends."""
    if not 0 <= start < stop <= length or start != int(start) or stop != int(stop):
        given = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise ValueError(f"`{text}` goes from {start:g} up to {stop:g} in a vector of {length:g} for {given}")


def halo(a: Any, rows: tuple[tuple[int, int], ...], sides: tuple[str, ...], start: Any, edge: Any = None) -> None:
    """Fill what lies outside the sequence: `start` (zero: None) on each axis's starting side, zero on the other.

    `rows` holds (before, after) for each leading axis of `a`; `edge`, where given, is a whole array to take the
    rows from.
    """
    for zero in (False, True):
        for k, (low, high) in enumerate(rows):
            for side, count in (("low", low), ("high", high)):
                if count and (sides[k] != side) is zero:
                    face = slice(0, count) if side == "low" else slice(a.shape[k] - count, None)
                    index = (slice(None),) * k + (face,)
                    if zero or start is None:
                        a[index] = 0.0
                    elif edge is not None:
                        a[index] = edge[index]
                    else:
                        a[index] = start


def both_outside(a: Any, rows: tuple[tuple[int, int], ...], sides: tuple[str, ...], lengths: tuple[Any, ...]) -> None:
    """On several axes, outside on one axis's starting side and past a sequence's end on another that starts below:
    zero."""
    for k, (low, _) in enumerate(rows):
        if sides[k] == "low":
            past = np.arange(a.shape[k])[:, None] - low >= lengths[k]
            np.moveaxis(a, (k, len(rows)), (0, 1))[past] = 0.0


def early(a: Any, low: int, values: tuple[tuple[int, Any], ...]) -> None:
    """Set the rows k before the first position, one by one."""
    for k, value in values:
        if k <= low:
            a[low - k] = 0.0 if value is None else value


def late(a: Any, lengths: Any, default: Any, values: tuple[tuple[int, Any], ...]) -> None:
    """The same past each sequence's own last position, for what runs backward: all of `a`, then the rows one by one."""
    a[...] = 0.0 if default is None else default
    b = np.arange(a.shape[1])
    for k, value in values:
        inside = lengths + k - 1 < len(a)
        whole = np.broadcast_to(0.0 if value is None else value, a.shape[1:])
        a[(lengths + k - 1)[inside], b[inside]] = whole[inside]


def clear(a: Any, past: Any, value: Any = None) -> None:
    """Put `value` (zero: None) where a position is past the end of its sequence."""
    if past is None:
        return
    if value is None:
        a[past] = 0.0
    else:
        np.copyto(a, value, where=past.reshape(past.shape + (1,) * (a.ndim - past.ndim)))


def clear_along(a: Any, past: Any, *dims: int) -> None:
    """Zero where `past` holds; it has the given dimensions of `a`."""
    np.moveaxis(a, dims, tuple(range(len(dims))))[past] = 0.0


def added_up(a: Any, b: Any) -> Any:
    """The sum over n of a[n, batch, ...] times b[n, batch, ...], every entry with every other: (batch, ..., ...)."""
    rows, columns = (x.reshape(*x.shape[:2], -1) for x in (a, b))
    product = np.matmul(rows.transpose(1, 2, 0), columns.transpose(1, 0, 2))
    return product.reshape(a.shape[1], *a.shape[2:], *b.shape[2:])


def contracted(labels: str, a: Any, b: Any) -> Any:
    """What `np.einsum` makes of two arrays, by a product of matrices for all entries of what both have and it keeps."""
    operands, out = labels.split("->")
    one, two = operands.split(",")
    kept = [x for x in one if x in two and x in out]
    gone = [x for x in one if x in two and x not in out]
    rows, columns = ([x for x in mine if x not in other] for mine, other in ((one, two), (two, one)))
    a = a.transpose([one.index(x) for x in (*kept, *gone, *rows)])
    b = b.transpose([two.index(x) for x in (*kept, *columns, *gone)])
    n, m = len(kept), len(gone)
    lead, own, other = a.shape[:n], a.shape[n + m :], b.shape[n : b.ndim - m]
    count = math.prod(a.shape[n : n + m])
    left = b.reshape(*lead, math.prod(other), count)
    right = a.reshape(*lead, count, math.prod(own))
    order = [*kept, *columns, *rows]
    return np.matmul(left, right).reshape(*lead, *other, *own).transpose([order.index(x) for x in out])


def last_rows(a: Any, low: int, lengths: Any) -> Any:
    """The last `low` positions of each sequence of an array with `low` rows before the first: (low, batch, ...)."""
    b = np.arange(a.shape[1])
    return a[lengths, b] if low == 1 else np.stack([a[lengths + k, b] for k in range(low)])


def for_each(a: Any, batch: int) -> Any:
    """A vector for each sequence of a batch, (batch, units), in memory of its own or, for one, where it is."""
    return a[None] if batch == 1 else np.repeat(a[None], batch, axis=0)


def matmul_into(a: Any, b: Any, out: Any) -> None:
    """a @ b into `out`, which has the rows of `a` spread over several dimensions."""
    if out.flags.c_contiguous:
        np.matmul(a, b, out=out.reshape(len(a), -1))
    else:
        out[...] = np.matmul(a, b).reshape(out.shape)


def as_matrix(a: Any, rows: int) -> Any:
    """`a` with its first `rows` dimensions as one, and the others as one."""
    count = 1
    for n in a.shape[:rows]:
        count *= n
    return a.reshape(count, -1)


def inner(a: Any, b: Any) -> Any:
    """The inner products of two arrays along their last dimension."""
    return np.matmul(a[..., None, :], b[..., None])[..., 0, 0]


def sum_of_rows(a: Any) -> Any:
    """The sum over all dimensions but the last, as a product with ones: a sixth of the time of a sum."""
    rows = a.reshape(-1, a.shape[-1])
    return np.ones(len(rows), rows.dtype) @ rows


def windows(a: Any, taps: int, axis: int) -> Any:
    """Every `taps` neighbours along `axis`; the taps come last. A view."""
    return np.lib.stride_tricks.sliding_window_view(a, taps, axis)


def pick(a: Any, axis: int, index: Any, batch: int) -> Any:
    """`a` at a position of an axis, the same for all sequences or one for each."""
    if isinstance(index, int) or batch < 0:
        # a view, where NumPy's `take` would copy all of what does not lie in one piece
        return a[(slice(None),) * axis + (index if isinstance(index, int) else index[0],)]
    shape = [1] * a.ndim
    shape[batch] = len(index)
    return np.take_along_axis(a, index.reshape(shape), axis).squeeze(axis)


def both(*masks: Any) -> Any:
    """Where all masks hold."""
    result = masks[0]
    for mask in masks[1:]:
        result = result & mask
    return result


def softmax(a: Any, axis: int, out: Any, where: Any = None) -> None:
    """exp(a) / sum exp(a) along `axis`; what is masked is 0 and does not count."""
    if where is not None:
        a = np.where(where, a, -np.inf)
    top = np.max(a, axis, keepdims=True)
    if where is not None:
        top = np.where(np.isfinite(top), top, 0.0)
    np.subtract(a, top, out=out)
    np.exp(out, out=out)
    total = np.sum(out, axis, keepdims=True)
    if where is not None:
        total = np.where(total > 0.0, total, 1.0)
    np.divide(out, total, out=out)


def log_softmax(a: Any, axis: int, out: Any, where: Any = None) -> None:
    """a - log sum exp(a) along `axis`; what is masked is 0 and does not count."""
    if where is not None:
        a = np.where(where, a, -np.inf)
    top = np.max(a, axis, keepdims=True)
    if where is not None:
        top = np.where(np.isfinite(top), top, 0.0)
    np.subtract(a, top, out=out)
    total = np.sum(np.exp(out), axis, keepdims=True)
    if where is not None:
        total = np.where(total > 0.0, total, 1.0)
    out -= np.log(total)
    if where is not None:
        out[...] = np.where(where, out, 0.0)


def extreme(reduce: Any, a: Any, axis: tuple[int, ...], where: Any = None) -> Any:
    """The largest or smallest entry along `axis`; 0 where everything is masked."""
    if where is None:
        return reduce(a, axis)
    worst = -np.inf if reduce is np.max else np.inf
    some = np.where(where, a, worst)
    # an infinity or NaN among what counts is the result, as it is without a mask
    return np.where(np.broadcast_to(where, some.shape).any(axis), reduce(some, axis), 0.0)


def rows_of(table: Any, token: Any) -> Any:
    """Rows of a table by token; zeros for a missing one (-1)."""
    rows = table[token]
    if np.any(token < 0):
        rows[token < 0] = 0.0
    return rows


def add_rows(value: Any, token: Any, count: int, out: Any) -> None:
    """The transpose of `rows_of`: each row of `out` is the sum of the values that read it."""
    flat, width = token.reshape(-1), out[0].size
    order = np.argsort(flat, kind="stable")
    order = order[flat[order] >= 0]
    out[...] = 0.0
    if len(order):
        token_of = flat[order]
        first = np.flatnonzero(np.r_[True, token_of[1:] != token_of[:-1]])
        ordered = value.reshape(flat.size, width)[order]
        out[token_of[first]] = np.add.reduceat(ordered, first, axis=0).reshape(-1, *out.shape[1:])


def pick_token(a: Any, token: Any, inner: int) -> Any:
    """a[..., token, ...]: the entry of the first of the `inner` unit dimensions that each position's token names; 0
    for a missing one."""
    lead, unit = a.shape[: a.ndim - inner], a.shape[a.ndim - inner :]
    token = np.broadcast_to(token, np.broadcast_shapes(lead, token.shape))
    index = token.reshape(token.shape + (1,) * inner)
    chosen = np.take_along_axis(np.broadcast_to(a, token.shape + unit), np.maximum(index, 0), token.ndim)
    return np.where(index >= 0, chosen, 0.0).squeeze(token.ndim)


def place_token(value: Any, token: Any, positions: int, out: Any) -> None:
    """The transpose of `pick_token`: zeros, and the value at the token's place."""
    out[...] = 0.0
    token = np.broadcast_to(token, out.shape[:positions])
    index = token.reshape(token.shape + (1,) * (out.ndim - positions))
    value = np.expand_dims(np.broadcast_to(value, out.shape[:positions] + out.shape[positions + 1 :]), positions)
    np.put_along_axis(out, np.maximum(index, 0), np.where(index >= 0, value, 0.0), positions)


def take(a: Any, table: Any) -> Any:
    """a[..., table]: entries of the last dimension by a table of columns."""
    return a[..., table]


def untake(a: Any, table: Any, count: int) -> Any:
    """The transpose of `take`."""
    lead = a.shape[: a.ndim - 2]
    out = np.zeros((*lead, count), a.dtype)
    flat = out.reshape(-1, count)
    np.add.at(flat.T, table, np.moveaxis(a.reshape(-1, *table.shape), 0, -1))
    return out


def add_taken(out: Any, values: Any, table: Any, a: Any) -> None:
    """out[..., r, :] += sum over k of values[..., r, k] * a[..., table[r, k], :], a column of the table at a time."""
    for k in range(table.shape[1]):
        out += values[..., k, None] * np.take(a, table[:, k], axis=-2)


def erf(a: Any) -> Any:
    """The error function (NumPy has none)."""
    return np.vectorize(math.erf, otypes=[np.float64])(a)


# ---- copied to here
