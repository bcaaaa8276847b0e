"""Best-first search over prefixes: the next prefix to go on from is the one most probable to go on at all."""

from __future__ import annotations

import heapq
from bisect import insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.decode.posteriors import Floats, Labels


@dataclass(frozen=True)
class Forward:
    """Log probabilities that a prefix is what was read by each frame, (1+T, ...), frame 0 before the first.

    `label`: the path ends in the prefix's last label; `blank`: in a blank.
    """

    label: Floats
    blank: Floats


def best_first(rows: Floats, blank: int, top: int, limit: int) -> tuple[list[tuple[Labels, float]], bool]:
    """The `top` most probable labellings of log posteriors (T, K), and whether the search came to its end.

    It ends when no prefix can go on to anything as probable as what was found, or after `limit` prefixes. What
    a prefix can go on to is the sum over the frames at which its next label may begin: a sum of positive
    terms, not prefix less labelling, of which cancellation would leave nothing where one label is all but certain.
    """
    labels = np.delete(np.arange(rows.shape[1]), blank)
    others = _others(rows, blank)
    silent = np.concatenate(([0.0], np.cumsum(rows[:, blank])))
    nothing = Forward(np.full(len(silent), -np.inf), silent)
    best: list[tuple[float, Labels]] = [(-float(silent[-1]), ())]
    # Least first, so with the sign turned: how probable it is to go on, the prefix, and its parent's forward variables.
    waiting: list[tuple[float, Labels, Forward]] = [(-np.inf, (), nothing)]
    for _ in range(limit):
        if not waiting or waiting[0][0] > _bar(best, top):
            return _found(best), True
        _, prefix, above = heapq.heappop(waiting)
        here = _longer(above, prefix[:-1], rows, blank, np.array(prefix[-1:])) if prefix else nothing
        here = Forward(here.label.reshape(-1), here.blank.reshape(-1))
        below = _longer(here, prefix, rows, blank, labels)
        for label, p in zip(labels.tolist(), np.logaddexp(below.label[-1], below.blank[-1]).tolist(), strict=True):
            if -p <= _bar(best, top):
                insort(best, (-p, (*prefix, label)))
                del best[top:]
        goes_on = np.logaddexp(below.label[:-1] + others[:, labels], below.blank[:-1] + others[:, [blank]])
        for label, p in zip(labels.tolist(), np.logaddexp.reduce(goes_on).tolist(), strict=True):
            if p > -np.inf and -p <= _bar(best, top):
                heapq.heappush(waiting, (-p, (*prefix, label), here))
    return _found(best), False


def _bar(best: list[tuple[float, Labels]], top: int) -> float:
    """What there is to beat, with the sign turned."""
    return best[-1][0] if len(best) >= top else np.inf


def _found(best: list[tuple[float, Labels]]) -> list[tuple[Labels, float]]:
    return [(labels, -p) for p, labels in best if p < np.inf]


def _longer(here: Forward, prefix: Labels, rows: Floats, blank: int, labels: NDArray[np.int64]) -> Forward:
    """Forward variables (1+T, labels) of a prefix with each of some labels more."""
    begin = rows[:, labels] + np.logaddexp(here.label, here.blank)[:-1, None]
    if prefix:
        # A label after itself begins only after a blank.
        begin[:, labels == prefix[-1]] = (rows[:, prefix[-1]] + here.blank[:-1])[:, None]
    label = np.full((len(rows) + 1, len(labels)), -np.inf)
    silent = np.full((len(rows) + 1, len(labels)), -np.inf)
    for frame, row in enumerate(rows):
        stay = label[frame] + row[labels]
        np.logaddexp(begin[frame], stay, out=label[frame + 1])
        np.logaddexp(label[frame], silent[frame], out=silent[frame + 1])
        silent[frame + 1] += row[blank]
    return Forward(label, silent)


def _others(rows: Floats, blank: int) -> Floats:
    """Log probability (T, K), at each frame, of all labels but one and the blank; at the blank, of all labels."""
    spoken = rows.copy()
    spoken[:, blank] = -np.inf
    nothing = np.full((len(rows), 1), -np.inf)
    below = np.logaddexp.accumulate(np.hstack((nothing, spoken[:, :-1])), axis=1)
    above = np.logaddexp.accumulate(np.hstack((nothing, spoken[:, :0:-1])), axis=1)[:, ::-1]
    return np.logaddexp(below, above)
