"""How far a labelling is from the right one: edit distance, and label error rate over a set."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def edit_distance(found: Sequence[Hashable], wanted: Sequence[Hashable]) -> int:
    """The least number of insertions, deletions and substitutions that turn one sequence into the other.

    Levenshtein (1966), "Binary codes capable of correcting deletions, insertions and reversals", Soviet Physics
    Doklady 10; takes time in proportion to the product of the lengths.
    """
    above = list(range(len(wanted) + 1))
    for row, have in enumerate(found, start=1):
        diagonal, above[0] = above[0], row
        for column, want in enumerate(wanted, start=1):
            least = min(above[column] + 1, above[column - 1] + 1, diagonal + (have != want))
            diagonal, above[column] = above[column], least
    return above[-1]


def label_error_rate(found: Sequence[Sequence[Hashable]], wanted: Sequence[Sequence[Hashable]]) -> float:
    """All edit distances together over the number of labels in `wanted` (Graves et al. 2006, section 2.1).

    Above 1 where more is found than there is. ValueError where the two differ in length or `wanted` has no label.
    """
    if len(found) != len(wanted):
        raise ValueError(f"`found` has {len(found)} labellings, `wanted` {len(wanted)}")
    labels = sum(len(want) for want in wanted)
    if not labels:
        raise ValueError("`wanted` has no label to measure errors against")
    return sum(edit_distance(have, want) for have, want in zip(found, wanted, strict=True)) / labels
