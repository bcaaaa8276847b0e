"""Items in rows, bottom up: longest-path layers, a stand-in for every row an edge passes, few crossings.

After Sugiyama, Tagawa & Toda (1981), "Methods for visual understanding of hierarchical system structures".
Edges of one source share their stand-ins, so that a value read in several places leaves as one line.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Layers:
    """`rows` bottom up and left to right, stand-ins included; `row` of every item in them; `steps` from row
    to row."""

    rows: Rows
    row: Mapping[str, int]
    steps: tuple[Edge, ...]

    def passing(self, source: str, target: str) -> tuple[str, ...]:
        """The stand-ins an edge goes through, from its source up."""
        return tuple(stand_in(source, r) for r in range(self.row[source] + 1, self.row[target]))


def stand_in(source: str, row: int) -> str:
    """The name of the place where the edges of `source` pass a row."""
    return f"{source}~{row}"


@dataclass(frozen=True)
class Wishes:
    """`floor`: items that stay in the lowest row, below all others; `ceiling`: above all others; `solo`:
    items that share their row with nothing but stand-ins. `before` are edges that only order rows."""

    floor: Set[str] = frozenset()
    ceiling: Set[str] = frozenset()
    solo: Set[str] = frozenset()
    before: tuple[Edge, ...] = ()


def layer(items: Sequence[str], edges: Sequence[Edge], wishes: Wishes) -> Layers:
    """Rows for `items`, whose edges have no cycle."""
    ordered = (*edges, *wishes.before)
    row = _lifted(items, ordered, _split(items, _longest(items, ordered, wishes), wishes), wishes)
    steps: dict[Edge, None] = {}
    extra: dict[str, int] = {}
    for a, b in edges:
        at = a
        for r in range(row[a] + 1, row[b]):
            extra[stand_in(a, r)] = r
            steps[(at, stand_in(a, r))] = None
            at = stand_in(a, r)
        steps[(at, b)] = None
    row |= extra
    rows: list[list[str]] = [[] for _ in range(max(row.values(), default=-1) + 1)]
    for item in (*items, *extra):
        rows[row[item]].append(item)
    return Layers(_untangled(rows, tuple(steps)), row, tuple(steps))


def _longest(items: Sequence[str], edges: Sequence[Edge], wishes: Wishes) -> dict[str, int]:
    before: dict[str, list[str]] = {k: [] for k in items}
    after: dict[str, list[str]] = {k: [] for k in items}
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    lowest = 1 if wishes.floor else 0
    row: dict[str, int] = {}
    waiting = {k: len(before[k]) for k in items}
    ready = [k for k in items if not before[k]]
    for key in ready:
        reach = max((row[a] + 1 for a in before[key]), default=0)
        row[key] = 0 if key in wishes.floor else max(reach, lowest)
        for b in after[key]:
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    if wishes.ceiling:
        highest = max(row[k] for k in items if k not in wishes.ceiling) + 1
        row |= dict.fromkeys(wishes.ceiling, highest)
    return row


def _split(items: Sequence[str], row: Mapping[str, int], wishes: Wishes) -> dict[str, int]:
    """Rows renumbered without gaps, each solo item of a crowded row above the others."""
    members: dict[int, list[str]] = {}
    for item in items:
        members.setdefault(row[item], []).append(item)
    result: dict[str, int] = {}
    number = 0
    for old in sorted(members):
        crowd = [k for k in members[old] if k not in wishes.solo]
        for group in ([crowd] if crowd else []) + [[k] for k in members[old] if k in wishes.solo]:
            result |= dict.fromkeys(group, number)
            number += 1
    return result


def _lifted(items: Sequence[str], edges: Sequence[Edge], row: Mapping[str, int], wishes: Wishes) -> dict[str, int]:
    """What is read in more places than it reads comes up to just below its first reader: shorter lines."""
    readers: dict[str, list[str]] = {k: [] for k in items}
    reads = dict.fromkeys(items, 0)
    for a, b in edges:
        readers[a].append(b)
        reads[b] += 1
    lifted = dict(row)
    taken = {row[k] for k in items if k in wishes.solo}
    for key in sorted(items, key=lambda k: -row[k]):
        if key in wishes.floor or key in wishes.solo or len(readers[key]) <= reads[key]:
            continue
        goal = min(lifted[b] for b in readers[key]) - 1
        while goal in taken and goal > row[key]:
            goal -= 1
        lifted[key] = max(goal, row[key])
    used = {old: new for new, old in enumerate(sorted(set(lifted.values())))}
    return {k: used[lifted[k]] for k in items}


def _untangled(rows: list[list[str]], steps: tuple[Edge, ...]) -> Rows:
    """Barycentre sweeps up and down; the order with the fewest crossings is kept."""
    down: dict[str, list[str]] = {k: [] for line in rows for k in line}
    up: dict[str, list[str]] = {k: [] for line in rows for k in line}
    for a, b in steps:
        up[a].append(b)
        down[b].append(a)
    best = tuple(map(tuple, rows))
    fewest = _crossings(best, up)
    for sweep in range(12):
        if not fewest:
            break
        upward = sweep % 2 == 0
        for r in range(1, len(rows)) if upward else range(len(rows) - 2, -1, -1):
            place = {k: i for i, k in enumerate(rows[r - 1 if upward else r + 1])}
            near = down if upward else up
            centre = {
                k: sum(place[o] for o in near[k]) / len(near[k]) if near[k] else float(i) for i, k in enumerate(rows[r])
            }
            rows[r].sort(key=lambda k, c=centre: c[k])  # type: ignore[misc]
        crossings = _crossings(tuple(map(tuple, rows)), up)
        if crossings < fewest:
            best, fewest = tuple(map(tuple, rows)), crossings
    return best


def _crossings(rows: Rows, up: Mapping[str, list[str]]) -> int:
    total = 0
    for low, high in pairwise(rows):
        place = {k: i for i, k in enumerate(high)}
        seen: list[int] = []
        for key in low:
            ends = sorted(place[o] for o in up[key])
            total += sum(len(seen) - bisect_right(seen, e) for e in ends)
            for e in ends:
                insort(seen, e)
    return total
