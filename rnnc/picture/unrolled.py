"""The unrolled picture: every value at every step, recurrent edges from step to step, what stands before the
first."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice

from rnnc.model.forms import Model
from rnnc.picture.axes import Place, Steps, steps
from rnnc.picture.curve import Curve, Point, climb, detour, line
from rnnc.picture.drawing import Drawing, Edge, Frame, Shape, Stroke
from rnnc.picture.folded import edge, framed
from rnnc.picture.grid import BLOCK_GAP, UPRIGHT, Grid, grid, named
from rnnc.picture.labels import Ground, ground
from rnnc.picture.plan import CHANNEL, LANE_START, short
from rnnc.picture.strokes import Draft, finish, told, write
from rnnc.picture.tracks import Trunk
from rnnc.picture.wire import wire
from rnnc.picture.wiring import Link, Wiring, moves

Pairs = dict[Link, list[tuple[Place, Place]]]
MOST = 5_000
"""Boxes and edges of a picture: more take longer than a person waits, and no one can look at them."""


class TooMuch(ValueError):
    """What was asked for is more than can be drawn."""


def unrolled(model: Model, count: int) -> Drawing:
    """`count` positions along every axis that is drawn out. Raises `TooMuch` for more than a picture holds."""
    wiring = wire(model)
    when = steps(wiring, count)
    things = chain(*(when.places(n.key) for n in wiring.nodes), *(when.pairs(k) for k in wiring.links))
    if count > MOST or sum(1 for _ in islice(things, MOST + 1)) > MOST:
        raise TooMuch(f"{count} steps make more than {MOST:,} boxes and edges")
    pairs = {k: _pairs(wiring, when, k) for k in wiring.links if not k.begins}
    outside: dict[tuple[str, Place], None] = {}
    for link, found in pairs.items():
        outside |= {(link.source, p): None for p, _ in found if not all(0 <= i < count for i in p)}
    g = grid(wiring, when, tuple(outside))
    shapes = tuple(_shape(g, k, p) for k in g.plan.nodes for p in when.places(k))
    shapes += tuple(g.border(k, p) for k, p in outside)
    box = {s.key: s for s in shapes}
    frames = tuple(_frames(g))
    floor = ground(shapes, frames)
    _number(g, shapes, floor)
    strokes: list[Stroke] = []
    drafts: list[Draft] = []
    levels = [
        (link, _level(link, box[named(link.source, a)], box[named(link.target, b)]))
        for link in g.plan.tracks.loops
        for a, b in pairs[link]
    ]
    strokes += [stroke for _, stroke in levels]
    for trunk in g.plan.tracks.trunks:
        _trunk(g, trunk, pairs, box, strokes, drafts)
    for link in g.plan.tracks.flows:
        few = len(pairs[link]) <= count
        drafts += [_flow(g, link, a, b, box, few) for a, b in pairs[link]]
    begun = _begin(g, wiring, list(outside), box)
    strokes += [stroke for stroke, _ in begun]
    done = finish(drafts, shapes)
    strokes += [stroke for _, stroke in done]
    for stroke in strokes:
        floor.run(stroke.curve.sampled(48))
    for frame in frames:
        floor.name(frame)
    write(done, floor)
    for link, stroke in levels:
        for weight in link.weights:
            floor.beside(short(weight, link.target), stroke.curve, "weight")
    edges = [edge(k, named(k.source, a), named(k.target, b)) for k, found in pairs.items() for a, b in found]
    edges += [e for _, e in begun]
    return framed(g.plan, shapes, frames, strokes, floor, tuple(edges))


def _pairs(wiring: Wiring, when: Steps, link: Link) -> list[tuple[Place, Place]]:
    """Edges of a link. A read from outside is an edge from the border where the border has been given a value
    or starts a recurrence; elsewhere it is a zero that nobody needs to see."""
    node = next(n for n in wiring.nodes if n.key == link.source)
    late = link.source in when.late
    found: dict[tuple[Place, Place], None] = {}
    for source, target in when.pairs(link):
        clipped = tuple(max(-1, min(p, when.count)) for p in source)
        low, high = -1 in clipped, when.count in clipped
        started = node.border is not None and (high if late else low)
        # Before the first step nothing is fed back: its input is given.
        recurrent = link.recurrent and not link.feeds and (high if moves(link.at) > 0 else low)
        if not (low or high) or started or recurrent:
            found[(clipped, target)] = None
    return list(found)


def _shape(g: Grid, key: str, place: Place) -> Shape:
    n, (x, y), e = g.plan.nodes[key], g.plan.at(key), g.plan.extents[key]
    dx, dy = g.offset(key, place)
    cell = g.plan.tracks.cell[key]
    group = named(cell, place) if cell else None
    return Shape(named(key, place), n.kind, n.title, n.subtitle, n.tooltip, x + dx, y + dy, e.width, e.height, group)


def _frames(g: Grid) -> list[Frame]:
    frames = []
    cells = dict(g.plan.wiring.groups)
    for cell in g.plan.origin:
        if not cell:
            continue
        key = next(k for k, c in g.plan.tracks.cell.items() if c == cell)
        left, bottom, width, height = g.plan.frame(cell)
        for place in g.steps.places(key):
            dx, dy = g.offset(key, place)
            label = f"{cell} = {cells[cell]}"
            frames.append(Frame(named(cell, place), label, left + dx, bottom + dy, width, height))
    return frames


def _number(g: Grid, shapes: tuple[Shape, ...], floor: Ground) -> None:
    """The step below each column; on two axes also beside each row of blocks."""
    count = g.steps.count
    rows = count if g.steps.grid else 1
    low = -(rows - 1) * (g.height + BLOCK_GAP) - 22.0
    for band in dict.fromkeys(g.steps.band.values()):
        shown = {a for axes in g.steps.drawn.values() for a in axes[-1:]}
        axes = ", ".join(a for a, b in g.steps.band.items() if b == band and a in shown)
        for step in range(count if axes else 0):
            x = _spine(shapes, g, (band, step))
            floor.put(f"{axes} = {step}", (x, low), "step", 11.0)
    if g.steps.grid:
        edge_x = min(g.left.values()) - 34.0
        for step in range(count):
            y = g.height / 2 - step * (g.height + BLOCK_GAP)
            floor.put(f"{g.steps.grid[0]} = {step}", (edge_x, y), "step", 11.0)


def _spine(shapes: tuple[Shape, ...], g: Grid, column: tuple[int, int]) -> float:
    """The middle of the lowest boxes of a column."""
    own = [s for s in shapes if g.left[column] <= s.x <= g.right[column]]
    low = min((s.y for s in own), default=0.0)
    xs = [s.x for s in own if s.y < low + 1] or [(g.left[column] + g.right[column]) / 2]
    return (min(xs) + max(xs)) / 2


def _moved(points: list[Point], by: Point) -> list[Point]:
    return [(x + by[0], y + by[1]) for x, y in points]


def _level(link: Link, a: Shape, b: Shape) -> Stroke:
    """A straight line to the next step, level or upright."""
    if abs(a.y - b.y) < 1:
        side = 1 if a.x < b.x else -1
        curve = line((a.x + side * a.width / 2, a.y), (b.x - side * b.width / 2, b.y))
    else:
        side = 1 if a.y < b.y else -1
        x = b.x + UPRIGHT
        curve = line((x, a.y + side * a.height / 2), (x, b.y - side * b.height / 2))
    e = edge(link, a.key, b.key)
    return Stroke(curve, told(e), link.multiplies, True)


def _silent(e: Edge) -> Edge:
    """The edge for its line alone: unrolled, how far it reaches says the delay."""
    return replace(e, delay="")


def _flow(g: Grid, link: Link, a: Place, b: Place, box: dict[str, Shape], few: bool) -> Draft:
    head, tail = g.plan.flow(link)
    if g.inside(a):
        head = _moved(head, g.offset(link.source, a))
    else:
        s = box[named(link.source, a)]
        head = [(s.x, s.y + s.height / 2), *((s.x, y) for _, y in head[1:])]
    e = edge(link, named(link.source, a), named(link.target, b))
    points = (*head, *_moved(tail, g.offset(link.target, b)))
    upright = g.column(link.source, a) == g.column(link.target, b)
    return Draft(_silent(e), points, told(e), written=few or upright)


def _trunk(
    g: Grid, trunk: Trunk, pairs: Pairs, box: dict[str, Shape], strokes: list[Stroke], drafts: list[Draft]
) -> None:
    """From each source step out beside its column, along a lane below the targets' rows, and up into each
    target step."""
    span = min(trunk.depth, g.steps.count)
    drawn: set[tuple[Place, Point]] = set()
    for link in trunk.links:
        for a, b in pairs[link]:
            by = g.offset(link.target, b)
            port = _moved([g.plan.port(trunk.scope, trunk.port)], by)[0]
            lane = g.plan.entry_lane(trunk, (a[-1] if a else 0) % span) + by[1]
            if (a, port) not in drawn:
                drawn.add((a, port))
                curve = _bus(g, trunk, a, box[named(trunk.source, a)], port, lane)
                tip = f"{trunk.source}[{trunk.label}]"
                strokes.append(Stroke(curve, tip, recurrent=True, feeds=trunk.feeds, arrow=False))
            e = edge(link, named(link.source, a), named(link.target, b))
            drafts.append(Draft(_silent(e), tuple(_moved(g.plan.branch(trunk, link), by)), told(e)))


def _bus(g: Grid, trunk: Trunk, a: Place, source: Shape, port: Point, lane: float) -> Curve:
    column = g.column(trunk.source, a)
    same = [t for t in g.plan.tracks.trunks if t.side == trunk.side]
    out = 8.0 + CHANNEL * same.index(trunk)
    x = g.right[column] + out if trunk.side > 0 else g.left[column] - out
    rise: tuple[Point, ...] = ()
    if not g.inside(a):
        start, high = (source.x + trunk.side * source.width / 2, source.y), source.y
    else:
        way, above = g.plan.exit(trunk)
        by = g.offset(trunk.source, a)
        rise = tuple(_moved(way, by))
        start = rise[-1]
        high = above + by[1] if above is not None else start[1]
    turns = [start, (start[0], high), (x, high), (x, lane), (port[0], lane), port]
    first = climb(rise).segments if len(rise) > 1 else ()
    return Curve((*first, *detour(turns).segments))


def _begin(
    g: Grid, wiring: Wiring, outside: list[tuple[str, Place]], box: dict[str, Shape]
) -> list[tuple[Stroke, Edge]]:
    """From what a start reads to the border that it fills."""
    found = []
    for link in wiring.links:
        if not link.begins or link.source.startswith("start:"):
            continue
        name = link.target.removeprefix("start:")
        for source, _ in dict.fromkeys(g.steps.pairs(link)):
            for place in (p for k, p in outside if k == name):
                target = box[named(name, place)]
                e = edge(link, named(link.source, source), target.key)
                found.append((_begun(g, link, source, target, told(e)), e))
    return found


def _begun(g: Grid, link: Link, source: Place, target: Shape, tip: str) -> Stroke:
    way = _moved(g.plan.leave(link.source), g.offset(link.source, source))
    column = g.column(link.source, source)
    top = way[-1]
    name = link.target.removeprefix("start:")
    row = g.plan.scopes[""].layers.row[g.plan.item(name)]
    lane = g.plan.lane("", row, g.plan.entry[link.target])
    x = g.left[column] - LANE_START if target.x < top[0] else g.right[column] + LANE_START
    side = 1 if name in g.steps.late else -1
    rim = target.x + side * target.width / 2
    beside = rim + side * (14 + 6 * _rank(g, name))
    over = lane if 0 < lane - top[1] < 20 else top[1] + 4
    turns = [top, (top[0], over), (x, over), (x, lane), (beside, lane), (beside, target.y), (rim, target.y)]
    rise = climb(way).segments if len(way) > 1 else ()
    return Stroke(Curve((*rise, *detour(turns).segments)), tip, begins=True)


def _rank(g: Grid, name: str) -> int:
    """The place of a value among those whose start reads something."""
    begun = dict.fromkeys(k.target for k in g.plan.wiring.links if k.begins and k.target.startswith("start:"))
    return list(begun).index(f"start:{name}")
