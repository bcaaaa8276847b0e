""".jsonl: a sequence a line, {"x": [[1, 2], [3, 4]], "t": [0, null]}: nested as the axes, then the units.

`null` is a missing target. Lengths follow from the lists; an axis no field has is given as "lengths": 5 (or
{"n": 5} where there are several).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.columns import Column, EndToEnd
from rnnc.runtime.data.fields import Axes, DataError, Field
from rnnc.runtime.data.mapped import Spool
from rnnc.runtime.data.sequences import Place, Sequences, all_of

Array = NDArray[Any]

MOST = 10**12
"""Steps of a sequence: no machine has the memory for more."""


def read_jsonl(path: Path, fields: tuple[Field, ...], axes: Axes) -> Sequences:
    """The sequences of a file, read once; DataError names the line and the field."""
    spools = {field.name: Spool(np.int64 if field.token else np.float64) for field in fields}
    extents: dict[str, list[tuple[int, ...]]] = {field.name: [] for field in fields}
    units: dict[str, tuple[int, ...]] = {}
    lengths: dict[str, list[int]] = {axis: [] for axis in axes.names}
    lines: list[int] = []
    unused: dict[str, None] = {}
    for line, record in records_of(path):
        where = f"{path}:{line}"
        own: dict[str, int] = _given_lengths(record, axes, fields, where)
        for field in fields:
            value = field_value(record, field, where)
            extent, unit = value.shape[: len(field.axes)], value.shape[len(field.axes) :]
            if units.setdefault(field.name, unit) != unit:
                raise DataError(f"{where}: {field} has units {unit}, before it had {units[field.name]}")
            for axis, n in zip(field.axes, extent, strict=True):
                if own.setdefault(axis, n) != n:
                    raise DataError(f"{where}: {field} has {n} positions on axis `{axis}`, others have {own[axis]}")
            spools[field.name].add(value, int(np.prod(extent, dtype=np.int64)))
            extents[field.name].append(extent)
        for axis in axes.names:
            if axis not in own:
                raise DataError(f'{where}: no field has the axis `{axis}`; give "lengths"')
            if own[axis] < axes.least(axis):
                raise DataError(f"{where}: the sequence is empty on axis `{axis}`")
            lengths[axis].append(own[axis])
        lines.append(line)
        unused.update(dict.fromkeys(key for key in record if key != "lengths" and key not in spools))
    picks = all_of(len(lines), str(path))
    columns: dict[str, Column] = {}
    for field in fields:
        own_extents = np.array(extents[field.name], dtype=np.int64).reshape(len(lines), len(field.axes))
        sizes = own_extents.prod(axis=1, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        columns[field.name] = EndToEnd(spools[field.name].finish(units[field.name]), offsets, own_extents)

    def place(sequence: int, position: Place) -> str:
        steps = "".join(f", {axis} {n}" for axis, n in position)
        return f"line {lines[sequence]}{steps}"

    final = {axis: np.array(own, dtype=np.int64) for axis, own in lengths.items()}
    return Sequences(str(path), fields, columns, picks, final, np.zeros_like(picks), place, tuple(unused))


def records_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line that is not blank."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, parsed(text, f"{path}:{line}")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason}") from None


def parsed(text: str, where: str) -> dict[str, Any]:
    """A line as an object; DataError where it is none, or names something twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for name, _ in pairs:
            if sum(name == other for other, _ in pairs) > 1:
                raise DataError(f"{where}: `{name}` stands there twice")
        return dict(pairs)

    try:
        # without its line end, behind which an error would be in column 1 of the next line
        record = json.loads(text.rstrip(), object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: no JSON: {error.msg} (column {error.colno})") from None
    except DataError:
        raise
    except ValueError:
        most = sys.get_int_max_str_digits()
        raise DataError(f"{where}: no JSON to be read: a whole number in it has more than {most:,} digits") from None
    except RecursionError:
        raise DataError(f"{where}: no JSON to be read: its lists are nested too deep") from None
    if not isinstance(record, dict):
        raise DataError(f'{where}: a line is an object, as {{"x": [[1, 2]]}}')
    return record


def field_value(record: dict[str, Any], field: Field, where: str) -> Array:
    """A field of a line as an array with all its dimensions; DataError for ragged lists and what is no number."""
    if field.name not in record:
        have = ", ".join(f"`{key}`" for key in record) or "nothing"
        raise DataError(f"{where}: {field} is missing; the line has {have}")
    given = record[field.name]
    try:
        plain = np.asarray(given)
    except (ValueError, OverflowError):
        raise DataError(f"{where}: {field}: its lists differ in length") from None
    rank = len(field.axes) + len(field.units)
    if field.scalar and plain.ndim == rank - 1:
        plain = plain[..., None]
    if plain.ndim == 1 and not plain.size and rank > 1:
        raise DataError(f"{where}: {field} is empty")
    if plain.ndim != rank:
        form = ", ".join((*field.axes, *field.units))
        raise DataError(f"{where}: {field} is nested {plain.ndim} deep, expected ({form})")
    if plain.dtype.kind == "O":
        plain = _filled(plain, field, where)
    kinds = "iu" if field.token else "iuf"
    if plain.dtype.kind in kinds and _holds_flags(given):
        raise DataError(f"{where}: {field} holds true or false among its numbers")
    if plain.dtype.kind not in kinds and plain.size:
        raise DataError(f"{where}: {field} must be {'whole ' if field.token else ''}numbers; found {plain.dtype}")
    if plain.dtype.kind == "f" and (np.isinf(plain).any() or (np.isnan(plain).any() and not field.target)):
        raise DataError(f"{where}: {field} holds NaN or infinity")
    return plain


def _holds_flags(given: Any) -> bool:
    """Whether true or false stands anywhere in nested lists; NumPy takes them for 1 and 0 beside numbers."""
    if not isinstance(given, list):
        return isinstance(given, bool)
    kinds = set(map(type, given))
    return bool in kinds or (list in kinds and any(map(_holds_flags, given)))


def _filled(values: Array, field: Field, where: str) -> Array:
    """Nulls as missing targets; anything else among numbers is a mistake."""
    kinds = (int,) if field.token else (int, float)
    missing = -1 if field.token else np.nan
    flat: list[float] = []
    for value in values.ravel():
        if value is None and field.target:
            flat.append(missing)
        elif isinstance(value, kinds) and not isinstance(value, bool) and abs(value) < 2**63:
            flat.append(value)
        else:
            shown = "null" if value is None else repr(value)[:40]
            raise DataError(f"{where}: {field} holds {shown}, which is no number")
    return np.array(flat, np.int64 if field.token else np.float64).reshape(values.shape)


def _given_lengths(record: dict[str, Any], axes: Axes, fields: tuple[Field, ...], where: str) -> dict[str, int]:
    if "lengths" not in record or any(field.name == "lengths" for field in fields):
        return {}
    given = record["lengths"]
    by_axis = given if isinstance(given, dict) else dict.fromkeys(axes.names, given)
    for axis, n in by_axis.items():
        if axis not in axes.names or isinstance(n, bool) or not isinstance(n, int):
            raise DataError(f'{where}: "lengths" must be whole numbers by axis; the axes are {", ".join(axes.names)}')
        if n > MOST:
            raise DataError(f"{where}: a length of {MOST:,} is the greatest on axis `{axis}`")
    return dict(by_axis)
