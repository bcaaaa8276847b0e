"""The reference interpreter: a system evaluated position by position, straight from what its forms mean.

It is the oracle of every numeric test: one sequence, float64, no order worked out beforehand, no operation
combined with another. What is asked for is computed from what it reads, each node once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from math import prod

import numpy as np

from rnnc.sizes import Shape
from rnnc.system.arithmetic import Array, evaluate
from rnnc.system.forms import (
    Access,
    Concat,
    Contract,
    Ctc,
    CtcGradient,
    Dropout,
    Equation,
    Extreme,
    Gather,
    Part,
    Pointwise,
    Products,
    Reshape,
    Scatter,
    Signs,
    Slice,
    Softmax,
    System,
    Take,
    Value,
)
from rnnc.system.labelling import labelling_gradient, labelling_loss
from rnnc.system.positions import Node, Place, Positions

Read = Callable[[Node], Array]
"""The value held by a node."""


class Evaluation:
    """A system on the data of one sequence. Made by `interpret`."""

    def __init__(
        self, system: System, sizes: Mapping[str, int], lengths: Mapping[str, int], given: Mapping[str, Array]
    ) -> None:
        self.positions = Positions(system, dict(lengths))
        self.sizes = dict(sizes)
        self._values = self.positions.values
        self._given = {name: np.asarray(array) for name, array in given.items()}
        self._stacks = {s.name: s.parts for s in system.stacks}
        self._known: dict[Node, Array] = {}
        self._shapes = {v.name: self.shape(v.shape) for v in system.values}

    def read(self, name: str) -> Array:
        """A value at all its positions: its axes in order, then its shape."""
        value = self._values[name]
        extents = tuple(self.positions.lengths[a] for a in value.axes)
        cells = [self.at((name, position)) for position in self.positions.of(name)]
        if not cells:
            return np.zeros((*extents, *self._shapes[value.name]))
        return np.stack(cells).reshape((*extents, *self._shapes[value.name]))

    def at(self, node: Node) -> Array:
        """One node's value. Raises `RecursionError` where it needs itself, `KeyError` where an input is
        missing."""
        entered: set[Node] = set()
        waiting = [node]
        while waiting:
            last = waiting[-1]
            missing = [n for n in self.positions.sources(last) if n not in self._known]
            if last in self._known or not missing:
                self._known.setdefault(last, self.compute(last, self._known.__getitem__))
                waiting.pop()
                continue
            if last in entered:
                raise RecursionError(f"`{last[0]}` at {last[1]} needs itself")
            entered.add(last)
            waiting.extend(reversed(missing))
        return self._known[node]

    def compute(self, node: Node, read: Read) -> Array:
        """A node from the nodes it reads (`rnnc.system.positions.Positions.sources`), or as it was given."""
        name, position = node
        equation = self.positions.equations.get(name)
        if equation is None:
            return self._as_given(self._values[name], position)
        if isinstance(equation.op, Ctc | CtcGradient):
            return self._labelled(equation, equation.op, position, read)
        places = [
            [self._fetch(access, place, read) for access in equation.reads]
            for place in self.positions.places(equation, position)
        ]
        with np.errstate(all="ignore"):
            result = self._operate(equation, places, position)
        return np.broadcast_to(result, self._shapes[name]).copy()

    def _labelled(self, e: Equation, op: Ctc | CtcGradient, position: tuple[int, ...], read: Read) -> Array:
        """The loss of a whole sequence of labels, or a row of its gradient."""
        logits, labels = e.reads[:2]
        shape = self._shapes[e.out]
        if labels.name not in self._given:
            return np.zeros(shape)
        cells = [read((logits.name, place)) for place in self.positions.of(logits.name)]
        rows = [cell.tolist() for cell in cells]
        tokens = [int(read((labels.name, place)).reshape(())) for place in self.positions.of(labels.name)]
        present = tokens[: tokens.index(-1)] if -1 in tokens else tokens
        blank = int(op.blank.value(self.sizes))
        if isinstance(op, Ctc):
            loss = np.asarray(labelling_loss(rows, present, blank))
            return loss if any(np.iscomplexobj(cell) for cell in cells) else np.real(loss)
        return np.asarray(labelling_gradient(rows, present, blank, position[0])) * read((e.reads[2].name, ()))

    def shape(self, shape: Shape) -> tuple[int, ...]:
        return tuple(int(size.value(self.sizes)) for size in shape)

    def _as_given(self, value: Value, position: tuple[int, ...]) -> Array:
        name, shape = value.name, self._shapes[value.name]
        if value.role == "position":
            return np.asarray(float(position[0]))
        if value.role == "length":
            return np.asarray(float(self.positions.lengths[name.strip("|")]))
        if name in self._given:
            found = self._given[name]
            extents = tuple(self.positions.lengths[a] for a in value.axes)
            if found.shape != (*extents, *shape):
                raise ValueError(f"`{name}` is {found.shape}, not {(*extents, *shape)}")
            return np.asarray(found[position])
        if name in self._stacks:
            return np.concatenate([self._as_given(self._values[p], ()) for p in self._stacks[name]])
        if value.role == "seed":
            return np.asarray(1.0)
        if value.role == "target":
            return np.full(shape, -1) if value.kind == "token" else np.full(shape, np.nan)
        raise KeyError(f"no value for {value.role} `{name}`")

    def _fetch(self, access: Access, place: Place, read: Read) -> tuple[Array, tuple[str, ...]]:
        """What an access reads, its whole-number dimensions taken, and the labels of the others."""
        nodes, windows = self.positions.taps(access, place)
        value = self._values[access.name]
        shape = self._shapes[value.name]
        zero = np.zeros(shape, float if value.kind == "real" else int)
        whole = np.stack([zero if n is None else read(n) for n in nodes]).reshape((*windows, *shape))
        chosen = tuple(d if isinstance(d, int) else slice(None) for d in access.dims)
        return whole[chosen], tuple(d for d in access.dims if isinstance(d, str))

    def _operate(
        self, e: Equation, places: list[list[tuple[Array, tuple[str, ...]]]], position: tuple[int, ...]
    ) -> Array:
        """The operation of an equation on its reads at every place."""
        op = e.op
        if isinstance(op, Contract):
            return _contract(places, e.dims)
        if isinstance(op, Extreme):
            return _extreme(op, places, e.dims)
        if isinstance(op, Softmax):
            own = 0
            if op.over not in e.dims:
                own = position[self._values[e.out].axes.index(op.over)]
            return _softmax(op, places, e.dims, own)
        if isinstance(op, Scatter):
            return _scatter(places, e.dims, self._shapes[e.out])
        if isinstance(op, Products):
            return self._products(e, op, places, self._shapes[e.out])
        (reads,) = places
        if isinstance(op, Pointwise):
            return evaluate(op.formula, [aligned(*r, e.dims) for r in reads], self.sizes)
        if isinstance(op, Gather):
            token = int(reads[1][0])
            row = reads[0][0][token] if token >= 0 else np.zeros(reads[0][0].shape[1:])
            return aligned(row, reads[0][1][1:], e.dims)
        if isinstance(op, Take):
            return aligned(reads[0][0][reads[1][0].astype(int)], reads[1][1], e.dims)
        if isinstance(op, Concat):
            return self._concat(op, [array for array, _ in reads], e)
        if isinstance(op, Slice):
            start, stop = (int(size.value(self.sizes)) for size in (op.start, op.stop))
            return reads[0][0][start:stop]
        if isinstance(op, Reshape):
            return reads[0][0].reshape(self._shapes[e.out])
        if isinstance(op, Part):
            width = 0 if op.width is None else int(op.width.value(self.sizes))
            start, offset = (int(size.value(self.sizes)) for size in (op.start, op.offset))
            return _part(reads[0][0], start, self._shapes[e.out], width, offset)
        if isinstance(op, Signs):
            return np.asarray(self._given[e.out][position])
        if isinstance(op, Dropout):
            mask = self._given[op.key][position] if op.key in self._given else np.asarray(1.0)
            return np.asarray(aligned(*reads[0], e.dims) * mask)
        return _untake(reads, self._shapes[e.out])

    def _products(self, e: Equation, op: Products, places: Places, shape: tuple[int, ...]) -> Array:
        total = np.zeros(shape, dtype=np.result_type(float, *(a for reads in places for a, _ in reads)))
        axes = self.positions.gathering[e.out]
        chosen = product(*(range(self.positions.lengths[a]) for a in axes))
        for reads, position in zip(places, chosen, strict=True):
            first = 0
            for term in op.terms:
                factors = reads[first : first + term.reads]
                reading = e.reads[first : first + term.reads]
                own = {at.axis for r in reading for at in r.at if at.anchor == "here"}
                first += term.reads
                if any(k for k, axis in zip(position, axes, strict=True) if axis not in own):
                    continue  # a term counts once along an axis that none of its reads has
                if term.taken is not None:
                    factors = _by_table(factors, term.taken)
                distinct = tuple(dict.fromkeys(term.dims))
                whole = total
                if term.start is not None:
                    block = self.shape(term.shape)
                    start = int(term.start.value(self.sizes))
                    whole = total[..., start : start + prod(block)].reshape((*shape[:-1], *block))
                extents = dict(zip(term.dims, whole.shape, strict=True))
                made = np.broadcast_to(_contract([factors], distinct), [extents[d] for d in distinct])
                place = np.ix_(*(np.arange(extents[d]) for d in distinct))
                whole[tuple(place[distinct.index(d)] for d in term.dims)] += made
        return total

    def _concat(self, op: Concat, reads: list[Array], e: Equation) -> Array:
        rest = self._shapes[e.out][1:]
        parts = []
        for size, index in op.parts:
            extent = (int(size.value(self.sizes)), *rest)
            parts.append(np.zeros(extent) if index is None else reads[index].reshape(extent))
        return np.concatenate(parts)


def interpret(
    system: System, sizes: Mapping[str, int], lengths: Mapping[str, int], given: Mapping[str, Array]
) -> Evaluation:
    """A system ready to be read, for one sequence of `lengths[axis]` positions on each axis.

    `given` holds inputs, targets and parameters by name: axes in order, then the shape, no batch; float64 or,
    for a complex step, complex. A target left out is missing everywhere. A dropout copies unless `given`
    holds its mask under its key; random signs are there under the name of their value. Raises `KeyError` on
    reading what needs an input that is missing, `ValueError` where one has the wrong shape.
    """
    return Evaluation(system, sizes, lengths, given)


def aligned(array: Array, labels: tuple[str, ...], order: Iterable[str]) -> Array:
    """`array` with its dimensions in `order`, length 1 where it lacks one; a label it has twice is a
    diagonal."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            array = np.diagonal(array, axis1=first, axis2=second)
            labels = (*(d for k, d in enumerate(labels) if k not in (first, second)), label)
    order = tuple(order)
    if not set(labels) <= set(order):
        raise AssertionError(f"labels {labels} are not all in {order}")
    moved = array.transpose([labels.index(d) for d in order if d in labels])
    return moved.reshape([array.shape[labels.index(d)] if d in labels else 1 for d in order])


Places = list[list[tuple[Array, tuple[str, ...]]]]


def _lacking(reads: list[tuple[Array, tuple[str, ...]]], dims: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(d for _, labels in reads for d in labels if d not in dims))


def _contract(places: Places, dims: tuple[str, ...]) -> Array:
    total = np.zeros((1,) * len(dims))
    for reads in places:
        order = (*dims, *_lacking(reads, dims))
        product = np.ones((1,) * len(order))
        for array, labels in reads:
            product = product * aligned(array, labels, order)
        total = total + product.sum(axis=tuple(range(len(dims), len(order))))
    return np.asarray(total)


def _candidates(places: Places, order: tuple[str, ...]) -> tuple[Array, Array]:
    """reads[0] at every place along a new first dimension, and where its entries count."""
    entries = [aligned(*reads[0], order) for reads in places]
    masks = [np.real(aligned(*reads[1], order)) != 0 if len(reads) > 1 else np.array(True) for reads in places]
    pairs = [np.broadcast_arrays(a, m) for a, m in zip(entries, masks, strict=True)]
    return np.stack([a for a, _ in pairs]), np.stack([m for _, m in pairs])


def _softmax(op: Softmax, places: Places, dims: tuple[str, ...], own: int) -> Array:
    entries, counts = _candidates(places, dims)
    across = 1 + dims.index(op.over) if op.over in dims else 0
    lowest = np.where(counts, np.real(entries), -np.inf)
    highest = np.max(lowest, axis=across, keepdims=True)
    shifted = np.where(counts, entries - np.where(np.isfinite(highest), highest, 0.0), 0.0)
    total = np.sum(np.where(counts, np.exp(shifted), 0.0), axis=across, keepdims=True)
    some = np.where(np.real(total) == 0, 1.0, total)
    result = shifted - np.log(some) if op.log else np.exp(shifted) / some
    return np.asarray(np.where(counts, result, 0.0)[own])


def _extreme(op: Extreme, places: Places, dims: tuple[str, ...]) -> Array:
    order = (*dims, *_lacking(places[0], dims)) if places else dims
    if not places:
        return np.zeros((1,) * len(dims))
    entries, counts = _candidates(places, order)
    entries = np.moveaxis(entries, 0, -1).reshape((*entries.shape[1 : 1 + len(dims)], -1))
    counts = np.moveaxis(counts, 0, -1).reshape(entries.shape)
    sign = 1.0 if op.kind == "max" else -1.0
    ranked = np.where(counts, sign * np.real(entries), -np.inf)
    best = np.argmax(ranked, axis=-1)[..., None]
    found = np.take_along_axis(entries, best, axis=-1)
    return np.asarray(np.where(np.any(counts, axis=-1), found[..., 0], 0.0))


def _scatter(places: Places, dims: tuple[str, ...], shape: tuple[int, ...]) -> Array:
    total = np.zeros(shape, dtype=np.result_type(float, *(reads[0][0] for reads in places)))
    for reads in places:
        token = int(reads[1][0])
        if token >= 0:
            total[token] += np.broadcast_to(aligned(*reads[0], dims[1:]), shape[1:])
    return total


def _by_table(factors: list[tuple[Array, tuple[str, ...]]], label: str) -> list[tuple[Array, tuple[str, ...]]]:
    """The last factor at the entries that the table before it names."""
    *others, (table, places), (array, labels) = factors
    k = labels.index(label)
    taken = np.moveaxis(array, k, 0)[table.astype(int)]
    return [*others, (taken, (*places, *labels[:k], *labels[k + 1 :]))]


def _part(whole: Array, start: int, shape: tuple[int, ...], width: int, offset: int) -> Array:
    lead = whole.ndim - 1
    own = shape[lead:]
    if not width:
        return whole[..., start : start + prod(own)].reshape(shape)
    rows = whole[..., start : start + own[0] * width].reshape((*shape[: lead + 1], width))
    return rows[..., offset : offset + prod(own[1:])].reshape(shape)


def _untake(reads: list[tuple[Array, tuple[str, ...]]], shape: tuple[int, ...]) -> Array:
    columns, labels = reads[1]
    rest = tuple(d for d in reads[0][1] if d not in labels)
    entries = np.broadcast_to(aligned(*reads[0], (*labels, *rest)), (*columns.shape, *shape[1:]))
    total = np.zeros(shape, dtype=np.result_type(float, entries))
    for place in np.ndindex(columns.shape):
        total[int(columns[place])] += entries[place]
    return total
