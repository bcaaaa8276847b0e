"""What the ctc tests compare with: every path walked, and the sums over alignments in extended precision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def collapsed(path: Sequence[int], blank: int) -> tuple[int, ...]:
    """Equal neighbours merged, then blanks removed (Graves et al. 2006, the map B)."""
    return tuple(k for n, k in enumerate(path) if k != blank and (n == 0 or path[n - 1] != k))


def probabilities(logits: Array) -> Array:
    z = np.asarray(logits, np.longdouble)
    y = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(y / y.sum(axis=-1, keepdims=True))


def by_paths(logits: Array, labels: Sequence[int], blank: int) -> tuple[float, Array]:
    """Loss and gradient of one sequence (frames, classes) from all classes^frames paths."""
    y, classes = probabilities(logits), logits.shape[1]
    whole, through = np.longdouble(0), np.zeros(logits.shape, np.longdouble)
    for path in product(range(classes), repeat=len(logits)):
        if collapsed(path, blank) == tuple(labels):
            share = np.prod([y[t, k] for t, k in enumerate(path)])
            whole += share
            for t, k in enumerate(path):
                through[t, k] += share
    if whole == 0:
        return np.inf, np.zeros(logits.shape)
    return float(-np.log(whole)), np.asarray(y - through / whole, np.float64)


def by_sums(logits: Array, labels: Sequence[int], blank: int) -> tuple[float, Array]:
    """The same by forward and backward sums, one state at a time, in logarithms of extended precision."""
    z = np.asarray(logits, np.longdouble)
    z = z - z.max(axis=1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    states = [blank]
    for label in labels:
        states += [label, blank]
    forward = _walk(logs, states, blank)
    backward = _walk(logs[::-1], states[::-1], blank)[::-1, ::-1]
    both = forward + backward - logs[:, states]
    both[np.isnan(both)] = -np.inf
    last = forward[-1, -2:] if len(states) > 1 else forward[-1, -1:]
    total = np.logaddexp.reduce(last)
    if not np.isfinite(total):
        return np.inf, np.zeros(logits.shape)
    share = np.exp(both - total)
    expected = np.zeros(logits.shape, np.longdouble)
    for s, k in enumerate(states):
        expected[:, k] += share[:, s]
    return float(-total), np.asarray(np.exp(logs) - expected, np.float64)


def _walk(logs: Array, states: list[int], blank: int) -> Array:
    sums = np.full((len(logs), len(states)), -np.inf, np.longdouble)
    sums[0, :2] = logs[0, states[:2]]
    for t in range(1, len(logs)):
        for s, k in enumerate(states):
            before = [sums[t - 1, s]]
            if s > 0:
                before.append(sums[t - 1, s - 1])
            if s > 1 and k not in (blank, states[s - 2]):
                before.append(sums[t - 1, s - 2])
            sums[t, s] = np.logaddexp.reduce(np.array(before)) + logs[t, k]
    return sums
