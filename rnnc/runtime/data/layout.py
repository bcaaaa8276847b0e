"""Named arrays as sequences: side by side with padding as a module takes them, end to end, or just one.

(axes..., S, *units)              S sequences; `lengths` (S,), or `lengths.AXIS`, where some are shorter
(all positions, *units)           sequences end to end, where the `lengths` (S,) add up to all positions
(axes..., *units)                 one sequence
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnnc.runtime.data.columns import Column, EndToEnd, Ints, Padded
from rnnc.runtime.data.fields import Axes, DataError, Field
from rnnc.runtime.data.mapped import Mapped
from rnnc.runtime.data.misnamed import check_unused
from rnnc.runtime.data.sequences import Sequences, all_of, numbered

SIDE_BY_SIDE, END_TO_END, ONE = "side by side", "end to end", "one"


def lay_out(arrays: Mapping[str, Mapped], fields: tuple[Field, ...], axes: Axes, name: str) -> Sequences:
    """The sequences that named arrays are; DataError where a name is missing or arrays do not agree."""
    for field in fields:
        if field.name not in arrays:
            have = ", ".join(f"`{other}`" for other in arrays) or "nothing"
            raise DataError(f"{name}: {field} is missing; the file has {have}")
        _check_kind(arrays[field.name], field, name)
    lengths = {axis: _lengths_of(arrays, axis, axes, fields, name) for axis in axes.names}
    form = _form(arrays, fields, lengths, name)
    columns: dict[str, Column] = {}
    found: dict[str, tuple[str, Ints]] = {}
    count: tuple[str, int] | None = None
    for field in fields:
        column, own = _column(arrays[field.name], field, form, lengths, name)
        columns[field.name] = column
        for axis, extent in own.items():
            other, seen = found.setdefault(axis, (field.name, extent))
            if len(seen) == len(extent) and (seen != extent).any():
                b = int(np.flatnonzero(seen != extent)[0])
                raise DataError(
                    f"{name}: on axis `{axis}`, `{other}` has {seen[b]} positions, `{field.name}` {extent[b]}"
                )
        sequences = len(next(iter(own.values()))) if own else _rows(column)
        count = count or (field.name, sequences)
        if count[1] != sequences:
            raise DataError(f"{name}: `{count[0]}` has {count[1]} sequences, `{field.name}` has {sequences}")
    if count is None:
        raise DataError(f"{name}: the network reads nothing from a file")
    final = {axis: _final(axis, axes, found, lengths, count[1], form, name) for axis in axes.names}
    known = {*(field.name for field in fields), "lengths", *(f"lengths.{axis}" for axis in axes.names)}
    unused = tuple(other for other in arrays if other not in known)
    if all(own is None for own in lengths.values()):
        optional = [f"lengths.{axis}" for axis in axes.names] if axes.several else ["lengths"]
        check_unused(unused, optional, arrays, name)
    picks = all_of(count[1], name)
    return Sequences(name, fields, columns, picks, final, np.zeros_like(picks), numbered, unused)


def _check_kind(mapped: Mapped, field: Field, name: str) -> None:
    kind = mapped.array.dtype.kind
    if field.token and kind not in "iu":
        raise DataError(f"{name}: {field} holds tokens, whole numbers; found {mapped.array.dtype}")
    if kind not in "iufb":
        raise DataError(f"{name}: {field} must hold real numbers; found {mapped.array.dtype}")


def _lengths_of(
    arrays: Mapping[str, Mapped], axis: str, axes: Axes, fields: tuple[Field, ...], name: str
) -> Ints | None:
    names = [f"lengths.{axis}"]
    if not axes.several and all(field.name != "lengths" for field in fields):
        names.append("lengths")
    for key in names:
        if key in arrays:
            own = arrays[key].array
            if own.dtype.kind not in "iu" or own.ndim != 1 or not len(own):
                raise DataError(f"{name}: `{key}` must be whole numbers, one a sequence; found {own.dtype} {own.shape}")
            if own.min() < axes.least(axis):
                b = int(np.argmin(own))
                raise DataError(f"{name}: `{key}`, sequence {b}: length {own[b]}; a sequence has at least one position")
            return own.astype(np.int64)
    if "lengths" in arrays and axes.several and all(field.name != "lengths" for field in fields):
        raise DataError(f"{name}: there are several axes; write {' and '.join(f'`lengths.{a}`' for a in axes.names)}")
    return None


def _form(
    arrays: Mapping[str, Mapped], fields: tuple[Field, ...], lengths: Mapping[str, Ints | None], name: str
) -> str:
    """Which of the three, by the first array whose number of dimensions leaves no doubt."""
    doubtful = None
    for field in fields:
        array, alone = arrays[field.name].array, len(field.axes) + len(field.units)
        if field.scalar and array.ndim == alone:
            doubtful = doubtful or field
        elif array.ndim == alone + 1:
            if len(field.axes):
                return SIDE_BY_SIDE
        elif array.ndim == alone or (field.scalar and array.ndim == alone - 1):
            if len(field.axes):
                return END_TO_END if any(own is not None for own in lengths.values()) else ONE
            return ONE
        else:
            raise _misfit(array.shape, field, name)
    if doubtful is None or not doubtful.axes:
        return SIDE_BY_SIDE
    own, shape = lengths[doubtful.axes[0]], arrays[doubtful.name].array.shape
    packed = own is not None and len(own) != shape[1] and (shape[1] == 1 or int(own.sum()) == shape[0])
    return END_TO_END if packed else SIDE_BY_SIDE


def _misfit(shape: tuple[int, ...], field: Field, name: str) -> DataError:
    batched, alone = (*field.axes, "sequences", *field.units), (*field.axes, *field.units)
    return DataError(f"{name}: {field} has shape {shape}, expected ({', '.join(batched)}) or ({', '.join(alone)})")


def _column(
    mapped: Mapped, field: Field, form: str, lengths: Mapping[str, Ints | None], name: str
) -> tuple[Column, dict[str, Ints]]:
    """The column, and what its shape says of the lengths on its axes, for each sequence."""
    array, axes = mapped.array, len(field.axes)
    batched = form == SIDE_BY_SIDE or (form == END_TO_END and not axes)
    rank = axes + len(field.units) + int(batched)
    if field.scalar and array.ndim == rank - 1:
        array = array[..., None]
    if array.ndim != rank:
        raise _misfit(mapped.array.shape, field, name)
    if form == ONE and axes != 1:
        array = np.expand_dims(array, axes)
    mapped = mapped.part(array)
    if not axes:
        return Padded(field, mapped), {}
    if form == SIDE_BY_SIDE or axes > 1:
        if form == END_TO_END:
            raise DataError(f"{name}: {field} runs over several axes; give sequences side by side, or as .jsonl")
        count = array.shape[axes]
        return Padded(field, mapped), {a: np.full(count, array.shape[k]) for k, a in enumerate(field.axes)}
    own = lengths[field.axes[0]] if form == END_TO_END else np.array([len(array)])
    if own is None:
        raise DataError(f"{name}: `lengths.{field.axes[0]}` is missing")
    if int(own.sum()) != len(array):
        raise DataError(f"{name}: the lengths add up to {int(own.sum())}, `{field.name}` has {len(array)} rows")
    offsets = np.concatenate([[0], np.cumsum(own)[:-1]])
    return EndToEnd(mapped, offsets, own[:, None]), {field.axes[0]: own}


def _rows(column: Column) -> int:
    return len(column.mapped.array) if isinstance(column, Padded) else 1


def _final(
    axis: str,
    axes: Axes,
    found: Mapping[str, tuple[str, Ints]],
    lengths: Mapping[str, Ints | None],
    count: int,
    form: str,
    name: str,
) -> Ints:
    own = lengths[axis]
    if own is None:
        if axis not in found:
            raise DataError(f"{name}: no array has the axis `{axis}`; `lengths` is needed, one number a sequence")
        own = found[axis][1]
    if len(own) != count:
        raise DataError(f"{name}: there are {len(own)} lengths of axis `{axis}` for {count} sequences")
    if axis in found and form == SIDE_BY_SIDE:
        other, longest = found[axis]
        wrong = np.flatnonzero(own > longest)
        if len(wrong):
            b = int(wrong[0])
            raise DataError(
                f"{name}: sequence {b} has length {own[b]} on axis `{axis}`, but `{other}` only {longest[b]} positions"
            )
    if len(own) and own.min() < axes.least(axis):
        raise DataError(f"{name}: a sequence is empty on axis `{axis}`; it has at least one position")
    return own
