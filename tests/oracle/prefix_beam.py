"""Prefix beam search as it is written down: a dictionary of prefixes, in probabilities, no arrays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

from oracle.labellings import Floats, Labels


def prefix_beam(probs: Floats, blank: int, width: int, score: Callable[[Labels], Floats]) -> list[tuple[Labels, float]]:
    """What is left of a beam, best first; log weights of each next label, and at the blank of ending, are added."""
    # Probability of the paths that end in a blank, and of those that end in a label.
    held: dict[Labels, tuple[float, float]] = {(): (1.0, 0.0)}
    extra: dict[Labels, float] = {(): 0.0}

    def rank(labels: Labels, of: dict[Labels, list[float]]) -> float:
        mass = sum(of[labels])
        return math.log(mass) + extra[labels] if mass > 0.0 else -math.inf

    for row in probs.tolist():
        longer: dict[Labels, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for labels, (silent, spoken) in held.items():
            longer[labels][0] += (silent + spoken) * row[blank]
            for label, p in enumerate(row):
                if label == blank:
                    continue
                further = (*labels, label)
                extra[further] = extra[labels] + float(score(labels)[label])
                if labels and label == labels[-1]:
                    longer[labels][1] += spoken * p
                    longer[further][1] += silent * p
                else:
                    longer[further][1] += (silent + spoken) * p
        best = sorted(longer, key=lambda labels: (-rank(labels, longer), labels))
        held = {labels: (longer[labels][0], longer[labels][1]) for labels in best[:width]}
    found = [
        (labels, math.log(sum(p)) + extra[labels] + float(score(labels)[blank]))
        for labels, p in held.items()
        if sum(p) > 0.0
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))
