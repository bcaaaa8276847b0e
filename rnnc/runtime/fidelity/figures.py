"""What is said of a gradient beside the exact one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Figures:
    """Of one parameter, or of all together, g beside the exact g*.

    `error` is |g - g*| / |g*|, infinite where g* alone is zero, and `cosine` that of the angle between them, None where
    either is zero or not finite. Over several draws `error` is the root of the mean square and `cosine` the mean. Of a
    rule that draws `mean_error` is the error of the mean of the draws, and `standard_error` what it would be by chance
    were the rule unbiased, also over |g*|; both None for another.
    """

    error: float
    cosine: float | None
    mean_error: float | None = None
    standard_error: float | None = None


def figures(found: Sequence[Array], exact: Sequence[Array], means: bool = False) -> Figures:
    """One vector a draw, and the exact one for the same draw; with `means` two draws at least. Float64 throughout."""
    g, truth = (np.stack([np.ravel(a) for a in draws]).astype(np.float64) for draws in (found, exact))
    apart, scale = g - truth, _norm(truth) / math.sqrt(len(truth))
    error = _over(_norm(apart) / math.sqrt(len(g)), scale)
    angles = [_cosine(a, b) for a, b in zip(g, truth, strict=True)]
    known = [angle for angle in angles if angle is not None]
    cosine = sum(known) / len(known) if known else None
    if not means:
        return Figures(error, cosine)
    scale = _norm(truth.mean(axis=0))
    spread = math.sqrt(float(apart.var(axis=0, ddof=1).sum()) / len(g))
    return Figures(error, cosine, _over(_norm(apart.mean(axis=0)), scale), _over(spread, scale))


def _norm(a: Array) -> float:
    """The root of the sum of squares, which neither overflows nor vanishes for entries that do not."""
    largest = float(np.max(np.abs(a), initial=0.0))
    return largest * float(np.linalg.norm(a / largest)) if largest > 0.0 and math.isfinite(largest) else largest


def _over(part: float, whole: float) -> float:
    if whole == 0.0:
        return 0.0 if part == 0.0 else math.inf
    return part / whole


def _cosine(a: Array, b: Array) -> float | None:
    lengths = _norm(a), _norm(b)
    if 0.0 in lengths or not all(map(math.isfinite, lengths)):
        return None
    return float(np.clip(np.dot(a / lengths[0], b / lengths[1]), -1.0, 1.0))
