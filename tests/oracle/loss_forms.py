"""The losses that have a name, entry by entry, from what docs/language.md says of each. NaN and -1 are missing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def squared_error(y: Array, t: Array) -> float:
    """1/2 sum of (t - y)^2 over the entries that are there."""
    y, t = np.broadcast_arrays(y, t)
    total = 0.0
    for a, b in zip(y.flat, t.flat, strict=True):
        if not math.isnan(b):
            total += 0.5 * (b - a) ** 2
    return float(total)


def token_cross_entropy(p: Array, t: int) -> float:
    """-log p[t]."""
    return 0.0 if t < 0 else -_log(float(p.reshape(-1)[t]))


def cross_entropy(p: Array, t: Array) -> float:
    """-sum of t log p over the entries that are there, 0 log 0 = 0."""
    p, t = np.broadcast_arrays(p, t)
    total = 0.0
    for a, b in zip(p.flat, t.flat, strict=True):
        if not math.isnan(b) and b != 0.0:
            total -= b * _log(float(a))
    return float(total)


def binary_cross_entropy(p: Array, t: Array) -> float:
    """-sum of t log p + (1 - t) log(1 - p) over the entries that are there, 0 log 0 = 0."""
    return cross_entropy(p, t) + cross_entropy(1.0 - p, 1.0 - t)


def mixture_density(pi: Array, mu: Array, sigma: Array, rho: Array | None, t: Array) -> float:
    """-log sum_m pi_m N(t; mu_m, sigma_m, rho_m) of the coordinates that are there; 0 where none is."""
    pi, mu, sigma, t = (np.reshape(a, -1) for a in (pi, mu, sigma, t))
    here = [c for c in range(len(t)) if not math.isnan(t[c])]
    if not here:
        return 0.0
    count = len(pi)
    logs = []
    for m in range(count):
        z = [(t[c] - mu[c * count + m]) / sigma[c * count + m] for c in here]
        log = _log(float(pi[m])) - sum(_log(float(sigma[c * count + m])) for c in here)
        log -= 0.5 * len(here) * math.log(2 * math.pi)
        if rho is not None and len(here) == 2:
            r = float(np.reshape(rho, -1)[m])
            log -= 0.5 * math.log(1 - r * r) + (z[0] ** 2 - 2 * r * z[0] * z[1] + z[1] ** 2) / (2 * (1 - r * r))
        else:
            log -= 0.5 * sum(a * a for a in z)
        logs.append(log)
    return -float(np.logaddexp.reduce(np.array(logs)))


def _log(a: float) -> float:
    return math.log(a) if a > 0 else -math.inf if a == 0 else math.nan
