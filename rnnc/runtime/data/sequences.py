"""Sequences with names, wherever they lie: read one by one, or gathered into a batch as a module takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.columns import Column
from rnnc.runtime.data.fields import DataError, Field

Array = NDArray[Any]
Ints = NDArray[np.int64]
Place = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Batch:
    """Arguments of a module: `given` by keyword, (axes..., B, units); `lengths` by axis, each (B,).

    `positions` is how many of them a network reads.
    """

    given: Mapping[str, Array]
    lengths: Mapping[str, Ints]
    ragged: bool
    positions: int

    def arguments(self, axes: tuple[str, ...]) -> dict[str, Any]:
        """The keyword arguments, with `lengths` in the form that a network of these axes takes."""
        if not self.ragged:
            return dict(self.given)
        lengths = dict(self.lengths) if len(axes) > 1 else self.lengths[axes[0]]
        return {**self.given, "lengths": lengths}


@dataclass(frozen=True)
class Sequences:
    """Sequences of a file, or some of them, or pieces of one.

    `picks` are their numbers in the file; `lengths` their lengths by axis; `begins` where on the one axis each
    begins. `where` says a place in the file in words; `strange` is the share of a text
    that its vocabulary does not have. All arrays (number of sequences,), int64.
    """

    name: str
    fields: tuple[Field, ...]
    columns: Mapping[str, Column]
    picks: Ints
    lengths: Mapping[str, Ints]
    begins: Ints
    where: Callable[[int, Place], str]
    unused: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    strange: float = 0.0

    def __len__(self) -> int:
        return len(self.picks)

    @property
    def longest(self) -> Ints:
        """The length of every sequence: how many positions the field has that has most of them."""
        total = np.ones(len(self), np.int64)
        fields = {field.axes for field in self.fields} | {(axis,) for axis in self.lengths}
        for axes in sorted(fields):
            own = [self.lengths[axis] for axis in axes]
            total = np.maximum(total, np.prod(own, axis=0, dtype=np.int64)) if own else total
        return total

    @property
    def positions(self) -> int:
        """How many positions all sequences have together."""
        return int(self.longest.sum())

    def subset(self, chosen: Ints) -> Sequences:
        """Some of them, in the order given."""
        lengths = {axis: own[chosen] for axis, own in self.lengths.items()}
        return replace(self, picks=self.picks[chosen], lengths=lengths, begins=self.begins[chosen])

    def pieces(self, cuts: Ints) -> Sequences:
        """The one sequence cut up: `cuts` are begin and end of every piece on its axis, (pieces, 2)."""
        [(axis, _)] = self.lengths.items()
        return replace(
            self,
            picks=np.repeat(self.picks[:1], len(cuts)),
            lengths={axis: cuts[:, 1] - cuts[:, 0]},
            begins=self.begins[0] + cuts[:, 0],
        )

    def of_fields(self, *, targets: bool) -> Sequences:
        """The same with or without its targets."""
        return replace(self, fields=tuple(f for f in self.fields if targets or not f.target))

    def batch(self, chosen: Ints, begin: int = 0, end: int | None = None) -> Batch:
        """Sequences side by side: all of each, or its positions begin to end on the one axis.

        Every sequence chosen has a position there. Values past the end of a shorter one are zero.
        """
        lengths = {axis: own[chosen] for axis, own in self.lengths.items()}
        if end is not None or begin:
            # An end may be larger than an int64.
            lengths = {
                axis: np.minimum(own, own if end is None else min(end, int(own.max()))) - begin
                for axis, own in lengths.items()
            }
        longest = {axis: int(own.max()) for axis, own in lengths.items()}
        given = {}
        for field in self.fields:
            column = self.columns[field.name]
            whole = np.zeros((*(longest[axis] for axis in field.axes), len(chosen), *column.units), column.dtype)
            for b, number in enumerate(chosen):
                first = int(self.begins[number]) + begin
                extent = tuple(int(lengths[axis][b]) for axis in field.axes)
                spans = tuple((first, first + n) if len(self.lengths) == 1 else (0, n) for n in extent)
                place: tuple[Any, ...] = (*(slice(0, n) for n in extent), b)
                whole[place] = column.read(int(self.picks[number]), spans)
            given[field.keyword] = whole
        carried = {axis for field in self.fields for axis in field.axes}
        ragged = any(bool((own < longest[axis]).any()) or axis not in carried for axis, own in lengths.items())
        part = replace(self, picks=self.picks[chosen], lengths=lengths, begins=self.begins[chosen])
        return Batch(given, lengths, ragged, part.positions)


def numbered(sequence: int, position: Place) -> str:
    """A place as `sequence 3, n 17`."""
    return f"sequence {sequence}" + "".join(f", {axis} {n}" for axis, n in position)


def all_of(count: int, name: str = "data") -> Ints:
    """0, 1, ... as the numbers of all sequences of what is called `name`; DataError where there is none."""
    if count < 1:
        raise DataError(f"{name}: there is no sequence")
    return np.arange(count, dtype=np.int64)
