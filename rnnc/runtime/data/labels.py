"""Do the labels of `ctc` fit: none is the blank, and none stands behind a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.runtime.data.columns import Array
from rnnc.runtime.data.fields import DataError, Field
from rnnc.runtime.data.sequences import Sequences


def check_labels(data: Sequences, module: Any, sizes: Mapping[str, int]) -> None:
    """DataError, with file, place and name, for the first label that a module's `CTC` says it cannot take."""
    fields = {field.name: field for field in data.fields if field.target}
    for record in getattr(module, "CTC", ()):
        if record["target"] in fields:
            _check(data, fields[record["target"]], record["blank"](**sizes))


def _check(data: Sequences, field: Field, blank: int) -> None:
    [axis] = field.axes
    column = data.columns[field.name]
    blocks = column.blocks(data.lengths)
    # one by one is slow, and labels are rarely wrong: the first look is at whole arrays
    if not any(((values == blank) | (values < 0)).any() for values, _, _ in blocks):
        return
    for number, length in zip(data.picks, data.lengths[axis], strict=True):
        labels = column.read(int(number), ((0, int(length)),))
        for wrong, said in (
            (labels == blank, f"is {blank}, the blank of ctc, which is no label"),
            (_behind_missing(labels), "follows a missing one: -1 stands behind the last label"),
        ):
            if wrong.any():
                place = data.where(int(number), ((axis, int(np.argmax(wrong))),))
                raise DataError(f"{data.name}: {place}: {field} {said}")


def _behind_missing(labels: Array) -> Array:
    return np.concatenate([np.zeros(min(1, len(labels)), bool), (labels[1:] >= 0) & (labels[:-1] < 0)])
