"""Where each step of an unrolled network stands: columns side by side, on two axes rows of blocks as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnnc.picture.axes import Place, Steps
from rnnc.picture.curve import Point
from rnnc.picture.drawing import Shape
from rnnc.picture.lay import plan
from rnnc.picture.measure import text_width
from rnnc.picture.place import spread
from rnnc.picture.plan import CHANNEL, NAME, SMALL, Plan
from rnnc.picture.wiring import Link, Node, Wiring

_GAP, BLOCK_GAP = 34.0, 40.0
# Lines from block to block stand this far right of a box's middle, clear of what climbs into it.
UPRIGHT = 12.0


@dataclass(frozen=True)
class Grid:
    """`left` and `right` bound each column's boxes, `shift` moves the plan into it; columns are (band,
    step)."""

    plan: Plan
    steps: Steps
    shift: Mapping[tuple[int, int], float]
    left: Mapping[tuple[int, int], float]
    right: Mapping[tuple[int, int], float]
    height: float
    home: Mapping[str, tuple[int, int]]
    drop: Mapping[tuple[str, Place], float]

    def column(self, key: str, place: Place) -> tuple[int, int]:
        """The column of a node at a position; what has no axis stands in its `home`."""
        drawn = self.steps.drawn[key]
        if not drawn:
            return self.home[key]
        return self.steps.band[drawn[-1]], place[-1]

    def offset(self, key: str, place: Place) -> Point:
        """How far the plan is moved to stand at a position."""
        row = place[0] if len(place) > 1 else 0
        return self.shift[self.column(key, place)], -row * (self.height + BLOCK_GAP)

    def inside(self, place: Place) -> bool:
        return all(0 <= p < self.steps.count for p in place)

    def border(self, key: str, place: Place) -> Shape:
        """What stands for a value before its first step."""
        node = self.plan.nodes[key]
        title, subtitle = border_texts(node)
        _, dy = self.offset(key, place)
        column = self.column(key, place)
        x, y = self.plan.at(key)[0], self.plan.at(key)[1] + dy + self.drop[(key, place)]
        x = x + self.shift[column] if 0 <= column[1] < self.steps.count else self._mid(column)
        if len(place) > 1 and place[0] < 0:
            x, y = x + UPRIGHT, self.height + 24
        tip = f"{key} before its first step: {title}"
        return Shape(named(key, place), "start", title, subtitle, tip, x, y, *border_size(node))

    def _mid(self, column: tuple[int, int]) -> float:
        return (self.left[column] + self.right[column]) / 2


def named(key: str, place: Place) -> str:
    """The name of a value at a position: `h@2`, `h@0,3`."""
    return f"{key}@{','.join(map(str, place))}" if place else key


def border_texts(node: Node) -> tuple[str, str]:
    return (node.border or "0", f"start {node.title}" if node.border else "")


def border_size(node: Node) -> tuple[float, float]:
    title, subtitle = border_texts(node)
    width = max(text_width(title, NAME), text_width(subtitle, SMALL)) + 20
    return max(width, 30.0), 36.0 if subtitle else 26.0


def grid(wiring: Wiring, steps: Steps, outside: Sequence[tuple[str, Place]]) -> Grid:
    """Lay out the columns. `outside` are the positions before a first step that the picture shows."""
    p = plan(wiring, steps.count)
    if steps.grid:
        p = _slanted(p)
    home = _homes(wiring, steps)
    borders: dict[tuple[int, int], float] = {}
    for key, place in outside:
        column = (steps.band[steps.drawn[key][-1]], place[-1])
        borders[column] = max(borders.get(column, 0.0), border_size(p.nodes[key])[0])
    room = _GAP + CHANNEL * max(sum(t.side == side for t in p.tracks.trunks) for side in (-1, 1))
    shift: dict[tuple[int, int], float] = {}
    left: dict[tuple[int, int], float] = {}
    right: dict[tuple[int, int], float] = {}
    at = 0.0
    for band in dict.fromkeys(steps.band.values()):
        low, high = _width(p, steps, home, band)
        for step in range(-1, steps.count + 1):
            column = (band, step)
            wide = high - low if 0 <= step < steps.count else borders.get(column, 0.0)
            if not wide:
                continue
            left[column], right[column], shift[column] = at, at + wide, at - low
            at += wide + room
        at += room
    if not left:
        left[(0, 0)], shift[(0, 0)], right[(0, 0)] = 0.0, 0.0, p.scopes[""].width
    drop = _dropped(p, steps, outside)
    return Grid(p, steps, shift, left, right, p.scopes[""].height, home, drop)


def _dropped(p: Plan, steps: Steps, outside: Sequence[tuple[str, Place]]) -> dict[tuple[str, Place], float]:
    """How far borders of one column move up or down so as not to meet; those of level lines keep their
    height."""
    level = {k.source for k in p.tracks.loops}
    columns: dict[tuple[int, int], list[tuple[str, Place]]] = {}
    for key, place in outside:
        if len(place) == 1:
            columns.setdefault((steps.band[steps.drawn[key][-1]], place[-1]), []).append((key, place))
    drop = dict.fromkeys(outside, 0.0)
    for members in columns.values():
        members.sort(key=lambda m: p.at(m[0])[1])
        starts: list[float] = []
        at = 0.0
        for i, (key, _) in enumerate(members):
            half = border_size(p.nodes[key])[1] / 2
            at += half + 6 if i else 0.0
            starts.append(at)
            at += half
        want = [p.at(key)[1] for key, _ in members]
        weight = [1e6 if key in level else 1.0 for key, _ in members]
        for member, y, old in zip(members, spread(want, starts, weight), want, strict=True):
            drop[member] = round(y - old, 1)
    return drop


def _width(p: Plan, steps: Steps, home: Mapping[str, tuple[int, int]], band: int) -> tuple[float, float]:
    """The part of the plan's width that the nodes of a band take, with the lines that pass them."""
    outer = p.scopes[""]
    items = {p.item(k) for k in p.nodes if _band(steps, home, k) == band}
    spots = [(outer.x[i], p.extents[i].width / 2) for i in items]
    for name, x in outer.x.items():
        if name.partition("~")[0] in items or name.partition("[")[0] in items:
            spots.append((x, 4.0))
    return min((x - w for x, w in spots), default=0.0), max((x + w for x, w in spots), default=40.0)


def _band(steps: Steps, home: Mapping[str, tuple[int, int]], key: str) -> int:
    drawn = steps.drawn[key]
    return steps.band[drawn[-1]] if drawn else home[key][0]


def _homes(wiring: Wiring, steps: Steps) -> dict[str, tuple[int, int]]:
    """Columns for what has no axis: the last step for what sums up a sequence, else the first; beside what it
    reads."""
    home: dict[str, tuple[int, int]] = {}
    free = [n.key for n in wiring.nodes if not steps.drawn[n.key]]
    reading = {k: [x for x in wiring.links if x.target == k] for k in free}
    for _ in free:
        for key in free:
            for link in reading[key]:
                found = _source_column(link, steps, home)
                if found is not None:
                    home[key] = max(home.get(key, found), found)
    for key in reversed(free):
        if key not in home:
            readers = [x.target.removeprefix("start:") for x in wiring.links if x.source == key]
            axes = [a for r in readers for a in steps.drawn[r]]
            near = [home[r] for r in readers if r in home]
            first = (steps.band[axes[-1]], 0) if axes else (0, 0)
            home[key] = near[0] if near else first
    return home


def _source_column(link: Link, steps: Steps, home: Mapping[str, tuple[int, int]]) -> tuple[int, int] | None:
    drawn = steps.drawn[link.source]
    if not drawn:
        return home.get(link.source)
    at = next((a for a in link.at if a.axis == drawn[-1]), None)
    first = at is not None and at.anchor == "first"
    return steps.band[drawn[-1]], 0 if first else steps.count - 1


def _slanted(p: Plan) -> Plan:
    """Rows moved right as they rise, so that a level or upright line from block to block meets no other
    box."""
    outer = p.scopes[""]
    loops = {p.item(k.source) for k in p.tracks.loops}
    shift: list[float] = []
    line, rim, by = float("-inf"), float("-inf"), 0.0
    for row in outer.layers.rows:
        boxes = [k for k in row if k in p.extents]
        left = min((outer.x[k] - p.extents[k].width / 2 for k in boxes), default=0.0)
        right = max((outer.x[k] + p.extents[k].width / 2 for k in boxes), default=0.0)
        mine = [outer.x[k] for k in boxes if k in loops]
        by = max(by, line + UPRIGHT + 16 - left if boxes else by, rim + 16 - min(mine) if mine else by)
        line, rim = max([line, *(x + by for x in mine)]), max(rim, right + by if boxes else rim)
        shift.append(by)
    x = {k: round(value + shift[outer.layers.row[k]], 1) for k, value in outer.x.items()}
    origin = {
        cell: (ox + shift[outer.layers.row[f"cell:{cell}"]], oy) if cell else (ox, oy)
        for cell, (ox, oy) in p.origin.items()
    }
    placed = replace(outer, x=x, width=outer.width + by)
    return replace(p, scopes={**p.scopes, "": placed}, origin=origin)
