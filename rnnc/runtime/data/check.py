"""Do the values of a file fit the network: unit shapes, numbers that are finite, tokens in range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from rnnc.runtime.data.columns import Array, Column
from rnnc.runtime.data.fields import DataError, Field
from rnnc.runtime.data.labels import check_labels
from rnnc.runtime.data.sequences import Sequences

_SIZE = re.compile(r"[A-Za-z]\w*")


def sizes_from(data: Sequences, module: Any, given: Mapping[str, int]) -> dict[str, int]:
    """The network's sizes: those given, then those the unit shapes of the data say, then the defaults.

    DataError for a size that it does not have.
    """
    for name, value in given.items():
        if name not in module.SIZES:
            raise DataError(f"the network has no size `{name}`; it has {', '.join(module.SIZES) or 'none'}")
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise DataError(f"size `{name}` is {value!r}; it must be a whole number of at least 1")
    sizes = {name: int(value) for name, value in given.items()}
    pinned = getattr(module, "PINNED", ())
    for field in data.fields:
        units = data.columns[field.name].units
        for name, found in zip(field.units, units, strict=False):
            if _SIZE.fullmatch(name) and name in module.SIZES and name not in pinned:
                sizes.setdefault(name, found)
    return {name: sizes.get(name, int(default)) for name, default in module.SIZES.items()}


def check_data(data: Sequences, module: Any, sizes: Mapping[str, int]) -> None:
    """DataError, with file, place and name, for the first value that a network of these sizes cannot take, and where
    all targets are missing everywhere."""
    shapes = module.data_shapes(**sizes)
    for field in data.fields:
        units, vocabulary = shapes[field.name]
        column = data.columns[field.name]
        if tuple(column.units) != tuple(units):
            form = ", ".join(field.units) or "none"
            raise DataError(f"{data.name}: {field} has units {column.units}, the network ({form}) = {tuple(units)}")
        _check_values(data, field, column, vocabulary)
    check_labels(data, module, sizes)
    targets = [field for field in data.fields if field.target]
    if targets and not any(_is_there(data, field) for field in targets):
        raise DataError(
            f"{data.name}: {' and '.join(map(str, targets))} {'is' if len(targets) == 1 else 'are'} missing "
            "everywhere; there is nothing to learn or to compare with"
        )


def _is_there(data: Sequences, field: Field) -> bool:
    """Whether any value of a target is known, or it has no values at all, as labels that are all empty."""
    empty = True
    for values, inside, _ in data.columns[field.name].blocks(data.lengths):
        known = values >= 0 if field.token else ~np.isnan(values) if values.dtype.kind == "f" else np.ones_like(values)
        known = _within(known.astype(bool), inside)
        if known.any():
            return True
        empty = empty and not _within(np.ones(values.shape, bool), inside).any()
    return empty


def _within(flags: Array, inside: Array | None) -> Array:
    return flags if inside is None else flags & inside.reshape(*inside.shape, *([1] * (flags.ndim - inside.ndim)))


def _check_values(data: Sequences, field: Field, column: Column, vocabulary: int) -> None:
    for values, inside, begins in column.blocks(data.lengths):
        wrong = _within(_wrong(values, field, vocabulary), inside)
        if not wrong.any():
            continue
        index = tuple(int(n) for n in np.argwhere(wrong)[0])
        lead = len(begins)
        position = tuple(a + b for a, b in zip(index, begins, strict=False))
        sequence, steps = column.place(position)
        unit = f", unit {', '.join(map(str, index[lead:]))}" if index[lead:] else ""
        place = f"{data.name}: {data.where(sequence, tuple(zip(field.axes, steps, strict=False)))}{unit}: {field}"
        if vocabulary:
            raise DataError(f"{place} is {values[index]}, expected a token 0 to {vocabulary - 1}")
        raise DataError(f"{place} is {values[index]}")


def _wrong(values: Array, field: Field, vocabulary: int) -> Array:
    if vocabulary:
        return np.asarray((values < (-1 if field.target else 0)) | (values >= vocabulary))
    if values.dtype.kind != "f":
        return np.zeros(values.shape, bool)
    return np.isinf(values) if field.target else ~np.isfinite(values)
