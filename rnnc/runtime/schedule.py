"""The learning rate over a run: a linear rise, then half a cosine (Loshchilov and Hutter 2017)."""

from __future__ import annotations

import math


def warm_cosine(lr: float, step: int, progress: float, *, warmup: int = 50, last: float = 0.02) -> float:
    """The rate of step 0, 1, ... when the share `progress` (0..1) of the run is over.

    It rises over `warmup` steps to `lr`, and falls with the progress to the share `last` of it.
    """
    rise = min(1.0, (step + 1) / warmup) if warmup > 0 else 1.0
    fall = 0.5 * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return lr * rise * (last + (1.0 - last) * fall)
