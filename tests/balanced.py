"""Signs over which a mean is an expectation: each sequence of a batch has signs of its own, and all together they are
balanced, so that a rule that is right in the mean is right to the last digit.

The signs of one step run over the rows of a Hadamard matrix, whose mean of products is that of random signs. Every step
is drawn with either sign beside every other's: then the products of two steps cancel, the later one first.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

Array = Any


class Balanced:
    """Stands for a module's `signs`: `entries` are how many there are of one step in all, `steps` how many steps."""

    def __init__(self, entries: int, steps: int) -> None:
        rows = np.ones((1, 1))
        while len(rows) < entries:
            rows = np.block([[rows, rows], [rows, -rows]])
        # the start's sign, and one for each step but the last, whose signs nothing reads
        flips = np.array(list(product((1, -1), repeat=steps)))
        self.rows = np.tile(rows, (len(flips), 1))
        self.flips = np.repeat(flips, len(rows), axis=0)
        self.count = len(self.rows)
        self.places: dict[str, slice] = {}

    def __call__(self, seed: int, key: str, a: Array, first: int | None = None) -> None:
        start = max((s.stop for s in self.places.values()), default=0)
        shape = a.shape[1:] if first is None else a.shape[2:]
        mine = self.places.setdefault(key, slice(start, start + int(np.prod(shape))))
        rows = self.rows[:, mine].reshape(self.count, *shape)
        late = (...,) + (None,) * len(shape)
        if first is None:
            a[...] = rows * self.flips[:, 0][late]
            return
        for n in range(len(a)):
            own = self.flips[:, n + 1] if n + 1 < self.flips.shape[1] else np.ones(self.count)
            a[n] = rows * own[late]


class Paired:
    """The same for pairs of signs, of which only whether they are alike matters."""

    def __init__(self, steps: int) -> None:
        self.flips = np.array(list(product((1, -1), repeat=steps - 1)))
        self.count = len(self.flips)

    def __call__(self, seed: int, key: str, a: Array, first: int | None = None) -> None:
        a[...] = 1.0
        for n in range(min(len(a), self.flips.shape[1])):
            a[n, :, 1] = self.flips[:, n]
