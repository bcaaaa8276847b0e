"""The folded picture: every value once, recurrent edges around the outside."""

from __future__ import annotations

from rnnc.model.forms import Model
from rnnc.picture.curve import Curve, Point, bow, climb, detour
from rnnc.picture.drawing import Drawing, Edge, Frame, Shape, Stroke
from rnnc.picture.labels import Ground, ground
from rnnc.picture.lay import plan
from rnnc.picture.measure import text_width
from rnnc.picture.plan import CHANNEL, SMALL, Plan, channel, loop_labels, loop_sides
from rnnc.picture.strokes import Draft, finish, told, write
from rnnc.picture.tracks import Trunk
from rnnc.picture.wire import wire
from rnnc.picture.wiring import Link, label


def folded(model: Model) -> Drawing:
    """One box a value; a delay is written on each edge that has one."""
    p = plan(wire(model), steps=None)
    shapes = tuple(_shape(p, key) for key in p.nodes)
    frames = tuple(_frame(p, cell) for cell in p.origin if cell)
    floor = ground(shapes, frames)
    strokes = [*_trunks(p, floor), *_loops(p, floor)]
    drafts = [_flow(p, link) for link in p.tracks.flows] + [
        _branch(p, t, link) for t in p.tracks.trunks for link in t.links
    ]
    done = finish(drafts, shapes)
    strokes += [stroke for _, stroke in done]
    for stroke in strokes:
        floor.run(stroke.curve.sampled(48))
    for frame in frames:
        floor.name(frame)
    write(done, floor)
    edges = tuple(edge(link) for link in p.wiring.links)
    return framed(p, shapes, frames, strokes, floor, edges)


def edge(link: Link, source: str | None = None, target: str | None = None) -> Edge:
    """A link as an edge between its values, or between the given places where they stand."""
    return Edge(
        source or link.source,
        target or link.target,
        label(link),
        link.weights,
        link.multiplies,
        link.recurrent,
        link.begins,
        link.feeds,
    )


def framed(
    p: Plan,
    shapes: tuple[Shape, ...],
    frames: tuple[Frame, ...],
    strokes: list[Stroke],
    floor: Ground,
    edges: tuple[Edge, ...],
) -> Drawing:
    """A drawing with its bounds."""
    xs: list[float] = []
    ys: list[float] = []
    for s in shapes:
        xs += [s.x - s.width / 2, s.x + s.width / 2]
        ys += [s.y - s.height / 2, s.y + s.height / 2]
    for f in frames:
        xs += [f.left, f.left + f.width]
        ys += [f.bottom, f.bottom + f.height]
    for stroke in strokes:
        for x, y in stroke.curve.sampled(4):
            xs.append(x)
            ys.append(y)
    for t in floor.texts:
        half = text_width(t.text, t.size) / 2
        xs += [t.at[0] - half, t.at[0] + half]
        ys += [t.at[1] - t.size, t.at[1] + t.size]
    bounds = (min(xs, default=0), min(ys, default=0), max(xs, default=0), max(ys, default=0))
    w = p.wiring
    return Drawing(w.name, w.sizes, shapes, frames, tuple(strokes), tuple(floor.texts), edges, *bounds)


def _shape(p: Plan, key: str) -> Shape:
    n, (x, y), e = p.nodes[key], p.at(key), p.extents[key]
    cell = p.tracks.cell[key] or None
    return Shape(key, n.kind, n.title, n.subtitle, n.tooltip, x, y, e.width, e.height, cell)


def _frame(p: Plan, cell: str) -> Frame:
    return Frame(cell, f"{cell} = {dict(p.wiring.groups)[cell]}", *p.frame(cell))


def _flow(p: Plan, link: Link) -> Draft:
    head, tail = p.flow(link)
    return Draft(edge(link), (*head, *tail), told(edge(link)))


def _branch(p: Plan, trunk: Trunk, link: Link) -> Draft:
    e = edge(link)
    draft = Draft(e, tuple(p.branch(trunk, link)), told(e))
    # The delay stands once, on the trunk.
    return Draft(Edge(e.source, e.target, "", *_rest(e)), draft.points, draft.tooltip)


def _rest(e: Edge) -> tuple[tuple[str, ...], bool, bool, bool, bool]:
    return e.weights, e.multiplies, e.recurrent, e.begins, e.feeds


def _trunks(p: Plan, floor: Ground) -> list[Stroke]:
    strokes = []
    used: dict[tuple[str, int], float] = {}
    for t in p.tracks.trunks:
        scope = p.scopes[t.scope]
        edge_x = p.origin[t.scope][0] + (scope.width if t.side > 0 else 0.0)
        along = used.get((t.scope, t.side), 4.0)
        used[(t.scope, t.side)] = along + channel(t)
        x = edge_x + t.side * (along + CHANNEL / 2)
        curve, middle = trunk_curve(p, t, x)
        floor.put(t.label, (x + t.side * (text_width(t.label, SMALL) / 2 + 5), middle), "delay")
        strokes.append(Stroke(curve, f"{t.source}[{t.label}]", recurrent=True, feeds=t.feeds, arrow=False))
    return strokes


def trunk_curve(p: Plan, t: Trunk, channel_x: float) -> tuple[Curve, float]:
    """From a trunk's source by its channel to its port, and the middle of the channel."""
    way, above = p.exit(t)
    port, below = p.port(t.scope, t.port), p.entry_lane(t)
    high = above if above is not None else way[-1][1]
    start = way[-1]
    turns: list[Point] = [
        start,
        (start[0], high),
        (channel_x, high),
        (channel_x, below),
        (port[0], below),
        port,
    ]
    rise = climb(way).segments if len(way) > 1 else ()
    return Curve((*rise, *detour(turns).segments)), (high + below) / 2


def _loops(p: Plan, floor: Ground) -> list[Stroke]:
    strokes = []
    for key in dict.fromkeys(k.source for k in p.tracks.loops):
        for link, side in loop_sides(p.tracks, key):
            (x, y), e = p.at(key), p.extents[key]
            rim = x + side * e.width / 2
            curve = bow((rim, y + 7), (rim, y - 7), side * 32)
            strokes.append(Stroke(curve, told(edge(link)), link.multiplies, True))
            texts = loop_labels(link)
            for i, text in enumerate(texts):
                at = (rim + side * (28 + text_width(text, SMALL) / 2), y + 6.5 * (len(texts) - 1 - 2 * i))
                floor.put(text, at, "weight" if i else "delay")
    return strokes
