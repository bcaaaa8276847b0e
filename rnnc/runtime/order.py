"""Which sequences, and which of their positions, a step reads: a pure function of (seed, step)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

POOL = 32


@dataclass(frozen=True)
class Turn:
    """What one step reads: positions `begin` to `end` (None: all) of the sequences `chosen`.

    A window that goes on where the last one ended is not `fresh`; its sequences are the first of the last one's.
    """

    epoch: int
    chosen: Ints
    begin: int
    end: int | None
    fresh: bool


class Order:
    """Batches of sequences of similar length in an order drawn for every epoch, whole or window after window.

    `lengths`: (sequences,). `window`: positions a step, None for all. `alike`: only sequences of exactly the same
    length go side by side.
    """

    def __init__(self, lengths: Ints, batch: int, seed: int, *, window: int | None = None, alike: bool = False) -> None:
        self._lengths, self._batch, self._seed = lengths, batch, seed
        self._window, self._alike = window, alike
        self._ragged = len(lengths) > 0 and bool((lengths != lengths[0]).any())
        self._here = (0, 0)
        self._epoch = -1
        self._groups: list[Ints] = []
        self._ends: Ints = np.zeros(0, np.int64)

    def turn(self, step: int) -> Turn:
        """What step 0, 1, ... reads."""
        epoch = self.epoch_of(step)
        place = step - self.begin_of(epoch)
        self._draw(epoch)
        group = int(np.searchsorted(self._ends, place, side="right"))
        chosen = self._groups[group]
        if self._window is None:
            return Turn(epoch, chosen, 0, None, True)
        begin = (place - (int(self._ends[group - 1]) if group else 0)) * self._window
        return Turn(epoch, chosen[self._lengths[chosen] > begin], begin, begin + self._window, begin == 0)

    def epoch_of(self, step: int) -> int:
        """The epoch in which a step lies, 0, 1, ..."""
        epoch, begin = self._here if step >= self._here[1] else (0, 0)
        while step >= begin + self._steps_in(epoch):
            epoch, begin = epoch + 1, begin + self._steps_in(epoch)
        self._here = (epoch, begin)
        return epoch

    def begin_of(self, epoch: int) -> int:
        """The first step of an epoch."""
        now, begin = self._here if epoch >= self._here[0] else (0, 0)
        for passed in range(now, epoch):
            begin += self._steps_in(passed)
        return begin

    def _steps_in(self, epoch: int) -> int:
        # Which sequences share windows, and so how many there are, is drawn; else every epoch is like the first.
        if self._window is not None or not self._groups:
            self._draw(epoch)
        return int(self._ends[-1])

    def _draw(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        draw = np.random.default_rng((self._seed, epoch))
        order = draw.permutation(len(self._lengths))
        groups = []
        # Pools, so that sequences of one length do not always meet the same others.
        for begin in range(0, len(order), self._batch * POOL):
            pool = order[begin : begin + self._batch * POOL]
            if self._ragged:
                pool = pool[np.argsort(-self._lengths[pool], kind="stable")]
            groups += self._cut(pool)
        self._groups = [groups[k] for k in draw.permutation(len(groups))]
        counts = [1] * len(groups)
        if self._window is not None:
            counts = [-(-int(self._lengths[group[0]]) // self._window) for group in self._groups]
        self._ends = np.cumsum(counts)
        self._epoch = epoch

    def _cut(self, pool: Ints) -> list[Ints]:
        same = [pool]
        if self._alike and self._ragged:
            same = np.split(pool, np.flatnonzero(np.diff(self._lengths[pool])) + 1)
        return [part[begin : begin + self._batch] for part in same for begin in range(0, len(part), self._batch)]
