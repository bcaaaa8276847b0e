"""One field of all sequences of a file: laid side by side with padding, or end to end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.fields import Field
from rnnc.runtime.data.mapped import RELEASE, Mapped

Array = NDArray[Any]
Ints = NDArray[np.int64]
Spans = tuple[tuple[int, int], ...]
Block = tuple[Array, "NDArray[np.bool_] | None", tuple[int, ...]]

CHUNK = 8 << 20


class Column(Protocol):
    """How a field is read, wherever it lies. `units` are its unit dimensions."""

    @property
    def units(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def read(self, sequence: int, spans: Spans) -> Array:
        """Positions begin to end on every axis of one sequence: (positions..., *units)."""
        ...

    def blocks(self, lengths: Mapping[str, Ints]) -> Iterator[Block]:
        """All values in pieces that fit memory: values, which of their positions lie inside a sequence (None:
        all), and where the piece begins in the array."""
        ...

    def place(self, position: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """The sequence, and the position in it, of a position in the array."""
        ...


@dataclass(frozen=True)
class Padded:
    """(axes..., sequences, *units), as a module takes it; what lies past the end of a sequence is never read."""

    field: Field
    mapped: Mapped

    @property
    def units(self) -> tuple[int, ...]:
        return self.mapped.array.shape[len(self.field.axes) + 1 :]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.mapped.array.dtype

    def read(self, sequence: int, spans: Spans) -> Array:
        array, rest = self.mapped.array, tuple(slice(begin, end) for begin, end in spans[1:])
        if not spans:
            values: Array = array[sequence]
            self.mapped.touched(values.nbytes)
            return values
        begin, end = spans[0]
        shape = (end - begin, *(part.stop - part.start for part in rest), *self.units)
        found = np.empty(shape, array.dtype)
        # The steps of a sequence lie apart: what the system maps of the file is all that is between them.
        stride = max(1, abs(array.strides[0]))
        rows = max(1, RELEASE // stride)
        for first in range(begin, end, rows):
            last = min(first + rows, end)
            place: tuple[Any, ...] = (slice(first, last), *rest, sequence)
            found[first - begin : last - begin] = array[place]
            self.mapped.touched(stride * (last - first))
        return found

    def blocks(self, lengths: Mapping[str, Ints]) -> Iterator[Block]:
        array, axes = self.mapped.array, self.field.axes
        for index in _pieces(array.shape[: len(axes) + 1], math.prod(self.units) * array.itemsize):
            values = array[index]
            begins = tuple(part.start for part in index)
            inside = None
            picks = index[len(axes)]
            for k, axis in enumerate(axes):
                steps = np.arange(index[k].start, index[k].stop)
                shape = [len(steps) if i == k else 1 for i in range(len(axes))]
                own = steps.reshape([*shape, 1]) < lengths[axis][picks]
                inside = own if inside is None else inside & own
            if inside is not None and inside.all():
                inside = None
            yield values, inside, begins
            self.mapped.touched(values.nbytes)

    def place(self, position: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        return position[-1], position[:-1]


@dataclass(frozen=True)
class EndToEnd:
    """(positions of all sequences, *units), one sequence after the other; `offsets` are where each begins.

    A sequence on several axes lies there in C order; `extents` are its lengths, (sequences, axes).
    """

    mapped: Mapped
    offsets: Ints
    extents: Ints

    @property
    def units(self) -> tuple[int, ...]:
        return self.mapped.array.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.mapped.array.dtype

    def read(self, sequence: int, spans: Spans) -> Array:
        array, begin = self.mapped.array, int(self.offsets[sequence])
        if len(spans) == 1:
            values = array[begin + spans[0][0] : begin + spans[0][1]]
        else:
            extent = tuple(int(n) for n in self.extents[sequence])
            whole = array[begin : begin + math.prod(extent)].reshape((*extent, *self.units))
            values = whole[tuple(slice(*span) for span in spans)]
        self.mapped.touched(values.nbytes)
        return values

    def blocks(self, lengths: Mapping[str, Ints]) -> Iterator[Block]:
        array = self.mapped.array
        for index in _pieces(array.shape[:1], math.prod(self.units) * array.itemsize):
            values = array[index]
            yield values, None, (index[0].start,)
            self.mapped.touched(values.nbytes)

    def place(self, position: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        sequence = int(np.searchsorted(self.offsets, position[0], side="right")) - 1
        within = position[0] - int(self.offsets[sequence])
        extent = tuple(int(n) for n in self.extents[sequence])
        return sequence, tuple(int(n) for n in np.unravel_index(within, extent)) if extent else ()


@dataclass(frozen=True)
class Later:
    """A column one step later: the target of a network that is told what comes next."""

    column: EndToEnd

    @property
    def units(self) -> tuple[int, ...]:
        return self.column.units

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.column.dtype

    def read(self, sequence: int, spans: Spans) -> Array:
        return self.column.read(sequence, tuple((begin + 1, end + 1) for begin, end in spans))

    def blocks(self, lengths: Mapping[str, Ints]) -> Iterator[Block]:
        # The column itself has been looked at.
        return iter(())

    def place(self, position: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        return self.column.place(position)


def _pieces(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, ...]]:
    """Cut an array of entries of `size` bytes into pieces of about CHUNK, by its first axis, then its second."""
    below = size * math.prod(shape[1:])
    if len(shape) == 1 or below <= CHUNK:
        rows = max(1, CHUNK // max(below, 1))
        for begin in range(0, shape[0], rows):
            yield (slice(begin, min(begin + rows, shape[0])), *(slice(0, n) for n in shape[1:]))
        return
    for row in range(shape[0]):
        for rest in _pieces(shape[1:], size):
            yield slice(row, row + 1), *rest
