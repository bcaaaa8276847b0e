"""Did you mean: the candidate an author most likely meant by a name that is not declared."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The nearest candidate, or None where none is near: first one that differs by case alone, then by few
    edits.

    Equally near candidates are taken in the order given, so the answer does not depend on a set's order.
    """
    known = [candidate for candidate in dict.fromkeys(candidates) if candidate != name]
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    if len(name) > 60:
        return None
    best: str | None = None
    least = 1 + (0 if len(name) < 3 else 1 if len(name) < 6 else 2)
    for candidate in known:
        if abs(len(candidate) - len(name)) < least and len(candidate) > 1:
            distance = edit_distance(name.lower(), candidate.lower())
            if distance < least:
                best, least = candidate, distance
    return best


def edit_distance(a: str, b: str) -> int:
    """Letters to insert, delete, replace, or swap with their neighbour (Damerau 1964, optimal alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        two_back, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, two_back[j - 2] + 1)
            row.append(cost)
    return row[-1]
