"""The probability of a label sequence, for the reference interpreter: one way of spelling at a time.

No lattice of blanks and labels here: a spelling in progress is how many labels it has written and whether its last
symbol was the blank (Graves et al. 2006 read as prefixes). Complex logarithms throughout, for a complex step.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

Rows = Sequence[Sequence[complex]]
STEP = 1e-30


def labelling_loss(logits: Rows, labels: Sequence[int], blank: int) -> complex:
    """-log P(labels) from logits, a row of classes for every position; +inf where no spelling exists."""
    spellings: dict[tuple[int, bool], complex] = {(0, True): 0.0}
    for row in logits:
        total = _logsum(row)
        ways: dict[tuple[int, bool], list[complex]] = {}
        for (written, on_blank), so_far in spellings.items():
            ways.setdefault((written, True), []).append(so_far + row[blank] - total)
            last = labels[written - 1] if written else blank
            if not on_blank:
                ways.setdefault((written, False), []).append(so_far + row[last] - total)
            if written < len(labels) and (on_blank or last != labels[written]):
                ways.setdefault((written + 1, False), []).append(so_far + row[labels[written]] - total)
        spellings = {state: _logsum(found) for state, found in ways.items()}
    finished = [spellings[state] for state in ((len(labels), True), (len(labels), False)) if state in spellings]
    return -_logsum(finished) if finished else math.inf


def labelling_gradient(logits: Rows, labels: Sequence[int], blank: int, row: int) -> list[float]:
    """Its derivative by the logits of one position, by complex steps; 0 where no spelling exists."""
    if labelling_loss(logits, labels, blank) == math.inf:
        return [0.0 for _ in logits[row]]
    result = []
    for k in range(len(logits[row])):
        moved = [list(one) for one in logits]
        moved[row][k] += 1j * STEP
        result.append(labelling_loss(moved, labels, blank).imag / STEP)
    return result


def _logsum(logs: Sequence[complex]) -> complex:
    top = max(one.real for one in logs)
    return top + cmath.log(sum(cmath.exp(one - top) for one in logs))
