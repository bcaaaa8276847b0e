"""One step of a network in place: every cell laid out inside its box, the boxes and lone nodes laid out
around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.picture.curve import Point
from rnnc.picture.measure import text_width
from rnnc.picture.place import Extent, Placed
from rnnc.picture.tracks import Tracks, Trunk
from rnnc.picture.wiring import Link, Node, Wiring, delay, moves

NAME, SMALL = 13.0, 10.0
PAD, HEAD, CHANNEL = 12.0, 18.0, 12.0
LOOP, LANE_START = 30.0, 16.0


@dataclass(frozen=True)
class Plan:
    """`scopes` holds the placed inside of every cell and, under "", the whole; `origin` is where a cell's
    inside begins. `entry` and `leaving` number a trunk's lanes below its port and above its source (-1: it
    leaves sideways)."""

    wiring: Wiring
    tracks: Tracks
    nodes: Mapping[str, Node]
    extents: Mapping[str, Extent]
    scopes: Mapping[str, Placed]
    origin: Mapping[str, Point]
    entry: Mapping[str, int]
    leaving: Mapping[str, int]

    def item(self, key: str) -> str:
        """What stands for a node outside: its cell or itself."""
        cell = self.tracks.cell[key]
        return f"cell:{cell}" if cell else key

    def at(self, key: str) -> Point:
        """Centre of a node."""
        scope = self.scopes[self.tracks.cell[key]]
        dx, dy = self.origin[self.tracks.cell[key]]
        return scope.x[key] + dx, scope.middle(key) + dy

    def foot(self, key: str) -> list[Point]:
        """The last two points of a line into a node: where it enters the node's row, and the node's
        bottom."""
        x, y = self.at(key)
        return [(x, self.rim(self.tracks.cell[key], key)[0]), (x, y - self.extents[key].height / 2)]

    def head(self, key: str) -> list[Point]:
        """The first two points of a line out of a node: the node's top, and where it leaves the node's
        row."""
        x, y = self.at(key)
        return [(x, y + self.extents[key].height / 2), (x, self.rim(self.tracks.cell[key], key)[1])]

    def rim(self, scope: str, item: str) -> tuple[float, float]:
        """Bottom and top of the row of an item."""
        placed, dy = self.scopes[scope], self.origin[scope][1]
        row = placed.layers.row[item]
        return placed.bottom[row] + dy, placed.top[row] + dy

    def frame(self, cell: str) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a cell's box."""
        outer, e = self.scopes[""], self.extents[f"cell:{cell}"]
        x, y = outer.x[f"cell:{cell}"], outer.middle(f"cell:{cell}")
        return x - e.width / 2, y - e.height / 2, e.width, e.height

    def leave(self, key: str) -> list[Point]:
        """From the top of a node to the top of what stands for it outside."""
        cell = self.tracks.cell[key]
        if not cell:
            return self.head(key)
        _, bottom, _, height = self.frame(cell)
        out = f"out:{key}"
        points = [*self.head(key), *self.past(cell, key, out)]
        x = self.scopes[cell].x[out] + self.origin[cell][0]
        return [*points, (x, bottom + height), (x, self.rim("", self.item(key))[1])]

    def enter(self, name: str, key: str) -> list[Point]:
        """From the bottom of what stands for a node outside to the bottom of the node; `name` is what comes
        in."""
        cell = self.tracks.cell[key]
        if not cell:
            return self.foot(key)
        port = self.port(cell, f"in:{name}")
        low = (port[0], self.rim("", self.item(key))[0])
        return [low, port, *self.past(cell, f"in:{name}", key), *self.foot(key)]

    def port(self, cell: str, name: str) -> Point:
        scope, (dx, dy) = self.scopes[cell], self.origin[cell]
        return scope.x[name] + dx, scope.middle(name) + dy

    def past(self, cell: str, source: str, target: str) -> list[Point]:
        """Through the rows between two items of a scope."""
        scope, (dx, dy) = self.scopes[cell], self.origin[cell]
        points: list[Point] = []
        for stand_in in scope.layers.passing(source, target):
            x, row = scope.x[stand_in] + dx, scope.layers.row[stand_in]
            points += [(x, scope.bottom[row] + dy), (x, scope.top[row] + dy)]
        return points

    def flow(self, link: Link) -> tuple[list[Point], list[Point]]:
        """A link that goes up: the part that belongs to the source's step, and the part that belongs to the
        target's."""
        cell = self.tracks.cell[link.source]
        if cell and cell == self.tracks.cell[link.target]:
            between = self.past(cell, link.source, link.target)
            return [*self.head(link.source), *between], self.foot(link.target)
        between = self.past("", self.item(link.source), self.item(link.target))
        return [*self.leave(link.source), *between], self.enter(link.source, link.target)

    def branch(self, trunk: Trunk, link: Link) -> list[Point]:
        """From a trunk's port to one of its targets."""
        start = self.port(trunk.scope, trunk.port)
        way = [start, (start[0], self.rim(trunk.scope, trunk.port)[1])]
        if trunk.scope:
            return [*way, *self.past(trunk.scope, trunk.port, link.target), *self.foot(link.target)]
        return [
            *way,
            *self.past("", trunk.port, self.item(link.target)),
            *self.enter(trunk.port, link.target),
        ]

    def lane(self, scope: str, gap: int, number: int) -> float:
        return self.scopes[scope].lane(gap, number) + self.origin[scope][1]

    def entry_lane(self, trunk: Trunk, offset: int = 0) -> float:
        row = self.scopes[trunk.scope].layers.row[trunk.port]
        return self.lane(trunk.scope, row, self.entry[trunk.port] + offset)

    def exit(self, trunk: Trunk) -> tuple[list[Point], float | None]:
        """Where a trunk leaves its source: the way up, and the lane above it; without a lane it leaves
        sideways."""
        number = self.leaving[trunk.port]
        if number < 0:
            x, y = self.at(trunk.source)
            return [(x + trunk.side * self.extents[trunk.source].width / 2, y)], None
        inside = bool(trunk.scope)
        item = trunk.source if inside else self.item(trunk.source)
        gap = self.scopes[trunk.scope].layers.row[item] + 1
        way = self.head(trunk.source) if inside else self.leave(trunk.source)
        return way, self.lane(trunk.scope, gap, number)


def channels(ways: Tracks, scope: str, side: int) -> float:
    """Room beside a scope for the trunks that run there, each with its label."""
    return sum(channel(t) for t in ways.trunks if t.scope == scope and t.side == side)


def channel(trunk: Trunk) -> float:
    return CHANNEL + text_width(trunk.label, SMALL) + 6


def loop_sides(ways: Tracks, key: str) -> list[tuple[Link, int]]:
    """The loops of a node and the side each is drawn on: what comes from later steps on the left."""
    loops = [k for k in ways.loops if k.source == key]
    first = [-1 if moves(k.at) > 0 else 1 for k in loops[:1]]
    return list(zip(loops, [*first, *(-s for s in first)], strict=False))


def loop_labels(link: Link) -> tuple[str, ...]:
    return (delay(link.at), *(short(w, link.target) for w in link.weights[:2]))


def short(weight: str, target: str) -> str:
    """A parameter's key as an edge of `target` shows it."""
    return weight.removeprefix(target + ".").rpartition(".")[2]
