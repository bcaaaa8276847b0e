"""A character trigram model: what a text's held-out part costs without any network.

The three orders are interpolated by Witten-Bell smoothing (Witten and Bell 1991, method C; Chen and
Goodman 1998, section 2.4): a context with count c and d different successors leaves the share
d / (c + d) to the next shorter context. Below the single characters stands the uniform distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Order:
    """Counts of one context length. Keys are sorted; a context and its successor are one number each."""

    contexts: Ids
    totals: Ids
    distinct: Ids
    pairs: Ids
    counts: Ids


@dataclass(frozen=True)
class Trigram:
    """Interpolated counts of a text of numbers 0..size-1, for contexts of 0, 1 and 2 characters."""

    size: int
    orders: tuple[Order, ...]

    def probabilities(self, ids: Ids) -> Floats:
        """The probability of every character after its (at most two) predecessors, float64, (len(ids),)."""
        result = np.full(len(ids), 1.0 / self.size)
        for length, order in enumerate(self.orders):
            result[length:] = self._interpolated(order, length, ids, result[length:])
        return result

    def bits(self, ids: Ids) -> float:
        """Mean cost in bits of a character, the first two apart (they have no full context)."""
        return float(-np.log2(self.probabilities(ids)[len(self.orders) - 1 :]).mean())

    def _interpolated(self, order: Order, length: int, ids: Ids, shorter: Floats) -> Floats:
        contexts, pairs = _keys(ids, length, self.size)
        place, known = _find(order.contexts, contexts)
        total = np.where(known, order.totals[place], 0)
        distinct = np.where(known, order.distinct[place], 1)
        place, seen = _find(order.pairs, pairs)
        count = np.where(seen, order.counts[place], 0)
        return np.asarray((count + distinct * shorter) / (total + distinct), dtype=np.float64)


def fit_trigram(ids: Ids, size: int) -> Trigram:
    """Count a text of at least three numbers in 0..size-1."""
    if len(ids) < 3:
        raise ValueError(f"a trigram model needs three characters, not {len(ids)}")
    return Trigram(size, tuple(_count(ids, length, size) for length in range(3)))


def _keys(ids: Ids, length: int, size: int) -> tuple[Ids, Ids]:
    """For every position from `length` on: its context as one number, and context and character as one."""
    context = np.zeros(len(ids) - length, dtype=np.int64)
    for back in range(length, 0, -1):
        context = context * size + ids[length - back : len(ids) - back]
    return context, context * size + ids[length:]


def _count(ids: Ids, length: int, size: int) -> Order:
    _, pairs = _keys(ids, length, size)
    keys, counts = np.unique(pairs, return_counts=True)
    contexts, first = np.unique(keys // size, return_index=True)
    totals = np.add.reduceat(counts, first)
    distinct = np.diff(np.append(first, len(keys)))
    return Order(contexts, totals, distinct, keys, counts)


def _find(keys: Ids, wanted: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted
