"""The operations of a generated CuPy module that are not NumPy's word for word. A module holds those it uses."""

from __future__ import annotations

from typing import Any

from rnnc.emit.support.device import cp
from rnnc.emit.support.sources import Each, Source

# ---- copied from here


def on_host(a: Any) -> Any:
    """An array where numbers are drawn."""
    return cp.asnumpy(a)


def rows_of(table: Any, token: Any) -> Any:
    """Rows of a table by token; zeros for a missing one (-1)."""
    rows = table[cp.maximum(token, 0)]
    missing = (token < 0).reshape(token.shape + (1,) * (rows.ndim - token.ndim))
    return cp.where(missing, cp.zeros((), rows.dtype), rows)


def place_token(value: Any, token: Any, positions: int, out: Any) -> None:
    """The transpose of `pick_token`: zeros, and the value at the token's place. CuPy 13 has no `put_along_axis`."""
    rest = (1,) * (out.ndim - positions - 1)
    token = cp.broadcast_to(token, out.shape[:positions])
    value = cp.broadcast_to(value, out.shape[:positions] + out.shape[positions + 1 :])
    here = token.reshape((*token.shape, 1, *rest)) == cp.arange(out.shape[positions]).reshape((-1, *rest))
    out[...] = cp.where(here, cp.expand_dims(value, positions), 0.0)


ROW_SUMS = Source(
    """
template <typename T> __global__ void segment_sum(T* total, const T* rows, const long long* first,
    long long width, long long count) {
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < count;
        i += gridDim.x * (long long)blockDim.x) {
        const long long row = i / width, column = i % width;
        T sum = T(0);
        for (long long k = first[row]; k < first[row + 1]; ++k) sum += rows[k * width + column];
        total[i] = sum;
    }
}
""",
    ("segment_sum",),
)

segment_sum = Each(ROW_SUMS, "segment_sum")


def add_rows(value: Any, token: Any, count: int, out: Any) -> None:
    """The transpose of `rows_of`, each sum in the order of the positions: the same bits every time."""
    flat, width = token.reshape(-1), out[0].size
    order = cp.argsort(flat)
    first = cp.searchsorted(flat[order], cp.arange(count + 1))
    rows = cp.ascontiguousarray(value.reshape(flat.size, width)[order])
    total = out if out.flags.c_contiguous else cp.empty(out.shape, out.dtype)
    segment_sum(out.size, total, rows, first, width)
    if total is not out:
        out[...] = total


def late(a: Any, lengths: Any, default: Any, values: tuple[tuple[int, Any], ...]) -> None:
    """What stands past each sequence's own last position, for what runs backward: all of `a`, then the rows one by
    one."""
    a[...] = 0.0 if default is None else default
    b = cp.arange(a.shape[1])
    for k, value in values:
        row = lengths + k - 1
        inside = (row < len(a)).reshape((-1,) + (1,) * (a.ndim - 2))
        row = cp.minimum(row, len(a) - 1)
        a[row, b] = cp.where(inside, a.dtype.type(0) if value is None else value, a[row, b])


def clear(a: Any, past: Any, value: Any = None) -> None:
    """Put `value` (zero: None) where a position is past the end of its sequence; no mask, whose entries CuPy would have
    the host count."""
    if past is not None:
        cp.copyto(a, 0.0 if value is None else value, where=past.reshape(past.shape + (1,) * (a.ndim - past.ndim)))


def clear_along(a: Any, past: Any, *dims: int) -> None:
    """Zero where `past` holds; it has the given dimensions of `a`."""
    a = cp.moveaxis(a, dims, tuple(range(len(dims))))
    cp.copyto(a, 0.0, where=past.reshape(past.shape + (1,) * (a.ndim - past.ndim)))


def both_outside(a: Any, rows: tuple[tuple[int, int], ...], sides: tuple[str, ...], lengths: tuple[Any, ...]) -> None:
    """On several axes, outside on one axis's starting side and past a sequence's end on another that starts below:
    zero."""
    for k, (low, _) in enumerate(rows):
        if sides[k] == "low":
            past = cp.arange(a.shape[k])[:, None] - low >= lengths[k]
            whole = cp.moveaxis(a, (k, len(rows)), (0, 1))
            cp.copyto(whole, 0.0, where=past.reshape(past.shape + (1,) * (a.ndim - 2)))


def diagonal(a: Any, labels: str) -> Any:
    """The entries of the last dimensions of `a` where those with one label agree: a view, in the order of labels."""
    lead = a.ndim - len(labels)
    own = dict.fromkeys(labels, 0)
    sizes = dict(zip(labels, a.shape[lead:], strict=True))
    for label, stride in zip(labels, a.strides[lead:], strict=True):
        own[label] += stride
    shape = (*a.shape[:lead], *(sizes[label] for label in own))
    return cp.lib.stride_tricks.as_strided(a, shape, (*a.strides[:lead], *own.values()))


def untake(a: Any, table: Any, count: int) -> Any:
    """The transpose of `take`."""
    lead = a.shape[: a.ndim - 2]
    columns = a.reshape(-1, table.size)
    out = cp.empty((count, len(columns)), a.dtype)
    add_rows(columns.T, table, count, out)
    return out.T.reshape(*lead, count)


# ---- copied to here
