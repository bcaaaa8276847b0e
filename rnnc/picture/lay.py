"""Lay out one step of a network: the inside of each cell first, then the cells and lone nodes around them."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.picture.curve import Point
from rnnc.picture.layers import Edge, Layers, Wishes, layer
from rnnc.picture.measure import text_width
from rnnc.picture.place import Extent, Placed, place
from rnnc.picture.plan import HEAD, LOOP, NAME, PAD, SMALL, Plan, channels, loop_labels, loop_sides
from rnnc.picture.tracks import Tracks, tracks
from rnnc.picture.wiring import Node, Wiring


def plan(wiring: Wiring, steps: int | None) -> Plan:
    """Lay out one step. Unrolled, recurrent things get a row of their own, so that lines between steps meet
    nothing."""
    ways = tracks(wiring, steps is not None)
    nodes = {n.key: n for n in wiring.nodes if not (steps and n.kind == "start")}
    extents = {k: _extent(n, ways, steps) for k, n in nodes.items()}
    scopes: dict[str, Placed] = {}
    inside: dict[str, Point] = {}
    entry: dict[str, int] = {}
    leaving: dict[str, int] = {}
    for cell in dict.fromkeys(c for c in ways.cell.values() if c):
        layers, own = _inner(cell, wiring, ways, nodes, steps)
        lanes = _lanes(cell, layers, ways, nodes, entry, leaving, steps)
        scopes[cell] = place(layers, {k: extents.get(k, Extent()) for k in own}, lanes)
        left, right = (0.0, 0.0) if steps else (channels(ways, cell, -1), channels(ways, cell, 1))
        inside[cell] = (PAD + left, 8.0)
        label = text_width(dict(wiring.groups)[cell] + cell + "  ", SMALL)
        width = max(scopes[cell].width + left + right, label) + 2 * PAD
        extents[f"cell:{cell}"] = Extent(width, scopes[cell].height + 8 + HEAD)
    layers, own = _outer(wiring, ways, nodes, steps)
    lanes = _lanes("", layers, ways, nodes, entry, leaving, steps)
    if steps:
        _start_lanes(wiring, ways, layers, lanes, entry)
        _fan_lanes(ways, nodes, layers, lanes)
    scopes[""] = outer = place(layers, {k: extents.get(k, Extent()) for k in own}, lanes)
    origin: dict[str, Point] = {"": (0.0, 0.0)}
    for cell, (dx, dy) in inside.items():
        e = extents[f"cell:{cell}"]
        x, y = outer.x[f"cell:{cell}"], outer.middle(f"cell:{cell}")
        origin[cell] = (x - e.width / 2 + dx, y - e.height / 2 + dy)
    return Plan(wiring, ways, nodes, extents, scopes, origin, entry, leaving)


def _extent(node: Node, ways: Tracks, steps: int | None) -> Extent:
    slack = 30.0 if node.kind in ("gate", "loss") else 22.0
    width = max(text_width(node.title, NAME), text_width(node.subtitle, SMALL)) + slack
    arriving = sum(k.target == node.key for k in ways.flows)
    arriving += sum(k.target == node.key for t in ways.trunks for k in t.links)
    width = max(width, 18.0 * min(arriving, 8))
    height = 38.0 if node.subtitle else 28.0
    sides = [0.0, 0.0]
    if steps is None:
        for link, side in loop_sides(ways, node.key):
            room = max((text_width(t, SMALL) for t in loop_labels(link)), default=0.0)
            sides[side > 0] = LOOP + room
    side_show = node.kind in ("target", "start")
    return Extent(max(width, 44.0), height, sides[0], sides[1], 0.1 if side_show else 1.0)


def _inner(
    cell: str, wiring: Wiring, ways: Tracks, nodes: Mapping[str, Node], steps: int | None
) -> tuple[Layers, list[str]]:
    own = [k for k in nodes if ways.cell[k] == cell]
    edges: dict[Edge, None] = {}
    floor: dict[str, None] = {}
    ceiling: dict[str, None] = {}

    def outward(key: str) -> None:
        ceiling[f"out:{key}"] = None
        edges[(key, f"out:{key}")] = None

    def inward(port: str, key: str) -> None:
        floor[port] = None
        edges[(port, key)] = None

    for link in ways.flows:
        if ways.cell[link.source] == ways.cell[link.target] == cell:
            edges[(link.source, link.target)] = None
        elif ways.cell[link.target] == cell:
            inward(f"in:{link.source}", link.target)
        elif ways.cell[link.source] == cell:
            outward(link.source)
    for trunk in ways.trunks:
        for link in trunk.links:
            if ways.cell[link.target] == cell:
                inward(trunk.port if trunk.scope == cell else f"in:{trunk.port}", link.target)
        if ways.cell[trunk.source] == cell != trunk.scope:
            outward(trunk.source)
    if steps:
        for link in wiring.links:
            if link.begins and ways.cell[link.source] == cell:
                outward(link.source)
    solo = frozenset(k.source for k in ways.loops) if steps else frozenset()
    wishes = Wishes(frozenset(floor), frozenset(ceiling), solo=solo)
    items = [*floor, *own, *ceiling]
    return layer(items, tuple(edges), wishes), items


def _outer(wiring: Wiring, ways: Tracks, nodes: Mapping[str, Node], steps: int | None) -> tuple[Layers, list[str]]:
    def item(key: str) -> str:
        return f"cell:{ways.cell[key]}" if ways.cell[key] else key

    items: dict[str, None] = dict.fromkeys(map(item, nodes))
    edges: dict[Edge, None] = {}
    for link in ways.flows:
        if item(link.source) != item(link.target):
            edges[(item(link.source), item(link.target))] = None
    solo = [item(k.source) for k in ways.loops]
    for trunk in ways.trunks:
        if trunk.scope:
            solo.append(f"cell:{trunk.scope}")
        else:
            items[trunk.port] = None
            edges |= {(trunk.port, item(k.target)): None for k in trunk.links}
    before = [
        (item(k.source), item(k.target.removeprefix("start:")))
        for k in wiring.links
        if steps and k.begins and not k.source.startswith("start:")
    ]
    alone = frozenset(solo) if steps else frozenset()
    wishes = Wishes(solo=alone, before=tuple((a, b) for a, b in before if a != b))
    return layer(list(items), tuple(edges), wishes), list(items)


def _lanes(
    scope: str,
    layers: Layers,
    ways: Tracks,
    nodes: Mapping[str, Node],
    entry: dict[str, int],
    leaving: dict[str, int],
    steps: int | None,
) -> dict[int, int]:
    """Number the lanes of a scope's trunks; how many each gap needs."""
    count: dict[int, int] = {}
    for trunk in ways.trunks:
        if trunk.scope != scope:
            continue
        gap = layers.row[trunk.port]
        entry[trunk.port] = count.get(gap, 0)
        count[gap] = count.get(gap, 0) + (min(trunk.depth, steps) if steps else 1)
        grouped = not scope and ways.cell[trunk.source]
        item = f"cell:{grouped}" if grouped else trunk.source
        boxes = [k for k in layers.rows[layers.row[item]] if k in nodes or k.startswith("cell:")]
        leaving[trunk.port] = -1
        if grouped or boxes[-1 if trunk.side > 0 else 0] != item:
            gap = layers.row[item] + 1
            leaving[trunk.port] = count.get(gap, 0)
            count[gap] = count.get(gap, 0) + 1
    return count


def _start_lanes(wiring: Wiring, ways: Tracks, layers: Layers, lanes: dict[int, int], entry: dict[str, int]) -> None:
    """Lanes below the rows of values whose start reads something."""
    for link in wiring.links:
        if link.begins and not link.source.startswith("start:"):
            name = link.target.removeprefix("start:")
            gap = layers.row[f"cell:{ways.cell[name]}" if ways.cell[name] else name]
            entry.setdefault(link.target, lanes.get(gap, 0))
            lanes[gap] = max(lanes.get(gap, 0), entry[link.target] + 1)


def _fan_lanes(ways: Tracks, nodes: Mapping[str, Node], layers: Layers, lanes: dict[int, int]) -> None:
    """Height for lines that fan out over the steps: less flat, they are easier to follow."""
    gaps = set()
    for link in ways.flows:
        source, target = nodes[link.source], nodes[link.target]
        shifted = link.over or any(a.low or a.high for a in link.at)
        if source.axes and target.axes and (shifted or source.axes[0] != target.axes[0]):
            gaps.add(layers.row[f"cell:{ways.cell[link.target]}" if ways.cell[link.target] else link.target])
    for gap in sorted(gaps):
        lanes[gap] = lanes.get(gap, 0) + 4
