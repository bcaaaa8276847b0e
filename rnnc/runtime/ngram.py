"""An n-gram model of characters: what a text's held-out part costs without any network.

Interpolated Kneser-Ney smoothing (Kneser and Ney 1995; Chen and Goodman 1998, section 4.1.6): every
count gives up a discount, which goes to the next shorter context; the shorter contexts count how many
different longer ones a pair was seen in. The discount of an order is n1 / (n1 + 2*n2), from how many
of its pairs were seen once and twice. Below the single characters stands the uniform distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Order:
    """Counts of one context length. Keys are sorted; a context and its successor are one number together."""

    contexts: Ids
    totals: Ids
    distinct: Ids
    pairs: Ids
    counts: Ids
    discount: float


@dataclass(frozen=True)
class NGrams:
    """The counts of a text of numbers 0..size-1, for contexts of 0, 1, 2, … characters in this order."""

    size: int
    orders: tuple[Order, ...]

    def probabilities(self, ids: Ids) -> Floats:
        """The probability of every character after its predecessors, as many as there are and the longest context
        has, float64, (len(ids),)."""
        result = np.full(len(ids), 1.0 / self.size)
        for length, order in enumerate(self.orders):
            result[length:] = _interpolated(order, _keys(ids, length + 1, self.size), self.size, result[length:])
        return result

    def bits(self, ids: Ids) -> float:
        """Mean cost of a character in bits, from the first on that has a full context."""
        return float(-np.log2(self.probabilities(ids)[len(self.orders) - 1 :]).mean())


def fit_ngrams(ids: Ids, size: int, length: int = 3) -> NGrams:
    """Count the runs of `length` in a text of numbers in 0..size-1; ValueError for a text that has none, and where
    their numbers would not fit 63 bits."""
    if len(ids) < length:
        raise ValueError(f"a model of {length}-grams needs {length} characters, not {len(ids)}")
    if size**length >= 2**63:
        raise ValueError(f"{length}-grams of {size} different characters are too many to count")
    runs, counts = np.unique(_keys(ids, length, size), return_counts=True)
    orders = [_order(runs, counts, size)]
    for shorter in range(length - 1, 0, -1):
        runs, counts = np.unique(runs % size**shorter, return_counts=True)
        orders.insert(0, _order(runs, counts, size))
    return NGrams(size, tuple(orders))


def _keys(ids: Ids, length: int, size: int) -> Ids:
    """Every run of `length` characters as one number."""
    runs = max(len(ids) - length + 1, 0)
    key = np.zeros(runs, dtype=np.int64)
    for place in range(length):
        key = key * size + ids[place : place + runs]
    return key


def _order(pairs: Ids, counts: Ids, size: int) -> Order:
    contexts, first = np.unique(pairs // size, return_index=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    # Where no count is 1 or 2 the estimate is 0 or undefined; half a count keeps every probability above 0.
    discount = once / (once + 2 * twice) if once else 0.5
    return Order(
        contexts,
        np.add.reduceat(counts, first),
        np.diff(np.append(first, len(pairs))),
        pairs,
        counts,
        discount,
    )


def _interpolated(order: Order, pairs: Ids, size: int, shorter: Floats) -> Floats:
    place, known = _find(order.contexts, pairs // size)
    total = np.where(known, order.totals[place], 1)
    left = np.where(known, order.discount * order.distinct[place], 1.0)
    place, seen = _find(order.pairs, pairs)
    count = np.where(seen, order.counts[place] - order.discount, 0.0)
    return np.asarray((count + left * shorter) / total, dtype=np.float64)


def _find(keys: Ids, wanted: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted
