"""Posteriors, and what every one of their paths says: the oracle of the decoders."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = tuple[int, ...]


def softmax(logits: NDArray[Any]) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)


def random_posteriors(seed: int, frames: int, size: int, scale: float = 1.0) -> Floats:
    """(frames, size); the larger the scale, the nearer to one label a frame."""
    return softmax(scale * np.random.default_rng(seed).normal(size=(frames, size)))


def labelling(path: tuple[int, ...], blank: int) -> Labels:
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def paths(probs: Floats) -> list[tuple[tuple[int, ...], float]]:
    """Every path, and its probability."""
    frames, size = probs.shape
    return [
        (path, math.prod(float(probs[t, k]) for t, k in enumerate(path)))
        for path in itertools.product(range(size), repeat=frames)
    ]


def labellings(probs: Floats, blank: int) -> dict[Labels, float]:
    """The probability of every labelling that has any, the sum over its paths."""
    terms = defaultdict(list)
    for path, p in paths(probs):
        terms[labelling(path, blank)].append(p)
    return {labels: total for labels, each in terms.items() if (total := math.fsum(each)) > 0.0}


def most_probable(probs: Floats, blank: int, top: int) -> list[tuple[Labels, float]]:
    """The best labellings and their log probabilities, best first, in dictionary order where equal."""
    ranked = sorted(labellings(probs, blank).items(), key=lambda pair: (-pair[1], pair[0]))
    return [(labels, math.log(p)) for labels, p in ranked[:top]]
