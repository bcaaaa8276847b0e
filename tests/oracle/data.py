"""Random parameters and data for any network, whole or one sequence at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.system.forms import Ctc, System, Value

Array = NDArray[Any]
LARGEST = 7
# of the weights: small enough that rounding does not grow along a sequence
SPREAD = 0.4
Lengths = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of several sequences: axes, then the batch, then the shape.

    `lengths` holds one length a sequence for every axis. Past it there is NaN, or -1 for a token.
    """

    arrays: dict[str, Array]
    lengths: dict[str, tuple[int, ...]]
    axes: dict[str, tuple[str, ...]]
    size: int

    def given(self, axis_order: tuple[str, ...]) -> Any:
        """`lengths` as a module takes them: an array for one axis, a dict for several."""
        if not axis_order:
            return None
        if len(axis_order) == 1:
            return np.array(self.lengths[axis_order[0]])
        return {a: np.array(self.lengths[a]) for a in axis_order}

    def alone(self, b: int) -> tuple[dict[str, int], dict[str, Array]]:
        """Sequence b by itself: its lengths, and its arrays without batch or padding."""
        lengths = {a: n[b] for a, n in self.lengths.items()}
        return lengths, {name: self.cut(name, array, b) for name, array in self.arrays.items()}

    def cut(self, name: str, array: Array, b: int) -> Array:
        """Sequence b of an array that is laid out like `name`."""
        axes = self.axes[name]
        return array[tuple(slice(0, self.lengths[a][b]) for a in axes)][(slice(None),) * len(axes) + (b,)]


def sizes_of(system: System) -> dict[str, int]:
    """The network's own sizes, no larger than what an oracle has time for."""
    return {name: min(default, LARGEST) for name, default, _ in system.sizes}


def extents(system: System, value: Value) -> tuple[int, ...]:
    return tuple(int(size.value(sizes_of(system))) for size in value.shape)


def blanks(system: System) -> dict[str, int]:
    """The labels of ctc losses, and the class that is none: they are all there, and none is the blank."""
    found = [(e.reads[1].name, e.op.blank) for e in system.equations if isinstance(e.op, Ctc)]
    return {name: int(blank.value(sizes_of(system))) for name, blank in found}


def label_axes(system: System) -> dict[str, str]:
    """Axes of labels, and the axis they are aligned with."""
    return {e.op.over[1]: e.op.over[0] for e in system.equations if isinstance(e.op, Ctc)}


def reached(system: System, names: Iterable[str], borders: bool) -> set[str]:
    """What is read to compute `names`, with or without what stands before their first step."""
    equations = {e.out: e for e in system.equations}
    starts = {b.name: b for b in system.borders}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in equations:
            waiting += [r.name for r in equations[name].reads]
        if borders and name in starts:
            waiting += starts[name].reads()
    return found


def parameters(system: System, seed: int, initial: Mapping[str, Array]) -> dict[str, Array]:
    """Every array of `initial`; the real ones are redrawn so that none is zero, sparse patterns stay."""
    draw = np.random.default_rng(seed)
    kinds = {v.name: v.kind for v in system.values}
    found = {}
    for name in sorted(initial):
        array = np.asarray(initial[name])
        found[name] = array if kinds[name] == "token" else SPREAD * draw.standard_normal(array.shape)
    return found


def batch(system: System, seed: int, lengths: Lengths, size: int) -> Batch:
    """Inputs and targets for `size` sequences of these lengths; one target entry in six is missing."""
    draw = np.random.default_rng(seed)
    tokens = {name: int(size.value(sizes_of(system))) for name, size in system.tokens}
    arrays, axes = {}, {}
    for value in system.values:
        if value.role not in ("input", "target"):
            continue
        shape = (*(max(lengths[a]) for a in value.axes), size, *extents(system, value))
        array: Array
        if value.kind == "token":
            array = draw.integers(0, tokens[value.name] - (value.name in blanks(system)), shape)
        elif value.role == "input":
            array = draw.standard_normal(shape)
        else:
            array = draw.uniform(0.05, 0.95, shape)
        absent: Any = -1 if value.kind == "token" else np.nan
        blank = blanks(system).get(value.name)
        if blank is not None:
            array += array >= blank
        elif value.role == "target":
            array[draw.random(shape) < 1 / 6] = absent
        array[_outside(value, lengths, shape)] = absent
        arrays[value.name], axes[value.name] = array, value.axes
    return Batch(arrays, {a: tuple(n) for a, n in lengths.items()}, axes, size)


def _outside(value: Value, lengths: Lengths, shape: tuple[int, ...]) -> Array:
    """Where an array of this value is padding."""
    outside = np.zeros(shape, bool)
    for k, axis in enumerate(value.axes):
        place = np.arange(shape[k]).reshape([-1 if j == k else 1 for j in range(len(shape))])
        ends = np.array(lengths[axis]).reshape([-1 if j == len(value.axes) else 1 for j in range(len(shape))])
        outside |= place >= ends
    return outside
