"""Coordinates for items in rows: as straight as the order allows, nothing overlapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.picture.layers import Layers

LANE = 9.0
_ROW_GAP, _FAN_GAP, _PORT_GAP, _BOX_GAP, _LINE_GAP = 40.0, 48.0, 14.0, 26.0, 14.0


@dataclass(frozen=True)
class Extent:
    """Width and height of an item, and room kept free on its left and right. A line has none of it. `pull`:
    how strongly an item draws its neighbours above or below itself."""

    width: float = 0.0
    height: float = 0.0
    left: float = 0.0
    right: float = 0.0
    pull: float = 1.0


@dataclass(frozen=True)
class Placed:
    """Items in place, y growing upward from 0: `x` of an item's centre, `bottom` and `top` of every row.
    `lanes[g]` lines run along the gap below row g (the last one: above all rows)."""

    layers: Layers
    extents: Mapping[str, Extent]
    x: Mapping[str, float]
    bottom: tuple[float, ...]
    top: tuple[float, ...]
    width: float
    height: float

    def middle(self, item: str) -> float:
        row = self.layers.row[item]
        return (self.bottom[row] + self.top[row]) / 2

    def lane(self, gap: int, number: int) -> float:
        """Height of a lane in the gap below row `gap`."""
        return (self.top[gap - 1] if gap else 0.0) + LANE * (number + 1)


def place(layers: Layers, extents: Mapping[str, Extent], lanes: Mapping[int, int]) -> Placed:
    """Put every item in its place, with room for `lanes` in the gaps."""
    x = _columns(layers, extents)
    bottom: list[float] = []
    top: list[float] = []
    at = LANE * (lanes.get(0, 0) + 1) if lanes.get(0, 0) else 0.0
    for r, line in enumerate(layers.rows):
        height = max((extents.get(k, Extent()).height for k in line), default=0.0)
        bottom.append(at)
        top.append(at + height)
        last = r == len(layers.rows) - 1
        closing = not last and not any(extents.get(k, Extent()).height for k in layers.rows[r + 1])
        gap = 0.0 if last else _PORT_GAP if closing else _ROW_GAP if height else _FAN_GAP
        at = top[-1] + gap + LANE * (lanes.get(r + 1, 0) + (1 if last and lanes.get(r + 1, 0) else 0))
    reach = ((k, extents.get(k, Extent())) for k in x)
    width = max((x[k] + e.width / 2 + e.right for k, e in reach), default=0.0)
    return Placed(layers, extents, x, tuple(bottom), tuple(top), width, at)


def _columns(layers: Layers, extents: Mapping[str, Extent]) -> dict[str, float]:
    line = Extent()
    near: dict[str, list[str]] = {k: [] for row in layers.rows for k in row}
    for a, b in layers.steps:
        near[a].append(b)
        near[b].append(a)
    room: list[list[float]] = []
    x: dict[str, float] = {}
    for row in layers.rows:
        at, before, starts = 0.0, None, []
        for k in row:
            e = extents.get(k, line)
            if before is not None:
                both = before.height > 0 and e.height > 0
                at += before.width / 2 + before.right + (_BOX_GAP if both else _LINE_GAP)
                at += e.left + e.width / 2
            starts.append(at)
            x[k] = at
            before = e
        room.append(starts)
    widest = max((s[-1] for s in room if s), default=0.0)
    for row, starts in zip(layers.rows, room, strict=True):
        for k in row:
            x[k] += (widest - starts[-1]) / 2
    order = list(range(len(room)))
    for sweep in range(24):
        for r in order if sweep % 2 == 0 else reversed(order):
            row = layers.rows[r]
            want = [_centre(k, near[k], x, extents) for k in row]
            weight = [_weight(extents.get(k, line)) for k in row]
            for k, value in zip(row, spread(want, room[r], weight), strict=True):
                x[k] = value
    left = min((x[k] - extents.get(k, line).width / 2 - extents.get(k, line).left for k in x), default=0.0)
    return {k: round(value - left, 1) for k, value in x.items()}


def _centre(key: str, near: list[str], x: Mapping[str, float], extents: Mapping[str, Extent]) -> float:
    pulls = [extents.get(o, Extent()).pull for o in near]
    return sum(x[o] * p for o, p in zip(near, pulls, strict=True)) / sum(pulls) if near else x[key]


def _weight(e: Extent) -> float:
    """How little an item gives way: a wide box less than a line, a line less than a narrow box."""
    return e.pull * (1 + (e.width / 100) ** 2) if e.height else 3.0


def spread(want: list[float], starts: list[float], weight: list[float]) -> list[float]:
    """The nearest positions to `want` at least as far apart as `starts` (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for wish, start, w in zip(want, starts, weight, strict=True):
        value, total, count = wish - start, w, 1
        while pools and pools[-1][0] > value:
            v, t, c = pools.pop()
            value, total, count = (v * t + value * total) / (t + total), t + total, c + count
        pools.append((value, total, count))
    flat = [value for value, _, count in pools for _ in range(count)]
    return [value + start for value, start in zip(flat, starts, strict=True)]
