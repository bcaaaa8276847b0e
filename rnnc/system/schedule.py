"""In what order a system's equations are computed: batched outside the recurrent blocks, scanned inside them.

The strongly connected components of the folded graph come in order. A component without a cycle is computed for all
positions at
once. One with a cycle is scanned along an axis on which every reference inside it moves the same way; what is still
cyclic at one position of that axis is scanned along a further axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.system.forms import Access, Equation, System, Value
from rnnc.system.graph import components


@dataclass(frozen=True)
class Reach:
    """From how far a reader reads along one axis: offsets low..high, or the whole axis at once (`everywhere`)."""

    low: int = 0
    high: int = 0
    everywhere: bool = False


@dataclass(frozen=True)
class Edge:
    """`reader`'s equation reads `source`; one `Reach` per axis of the source."""

    reader: str
    source: str
    reach: tuple[tuple[str, Reach], ...]
    access: Access | None

    def along(self, axis: str) -> Reach:
        return dict(self.reach).get(axis, Reach(everywhere=True))


@dataclass(frozen=True)
class Batch:
    """One equation for all positions not fixed by an enclosing scan."""

    equation: Equation


@dataclass(frozen=True)
class Scan:
    """`body` at every position of `axis`, from the first to the last (direction 1) or back (-1)."""

    axis: str
    direction: int
    body: tuple[Node, ...]

    def equations(self) -> tuple[Equation, ...]:
        return equations_of(self.body)


@dataclass(frozen=True)
class Strip:
    """`body` for one strip of positions of `axis` after the other, so that what only the strip reads is held for no
    more than a strip; its scans go in the same direction."""

    axis: str
    direction: int
    body: tuple[Node, ...]

    def equations(self) -> tuple[Equation, ...]:
        return equations_of(self.body)


Node = Batch | Scan | Strip


class Unschedulable(Exception):
    """A recurrent block that no order of positions computes; `names` and `edges` are the block's."""

    def __init__(self, names: tuple[str, ...], edges: tuple[Edge, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names
        self.edges = edges


def equations_of(nodes: tuple[Node, ...]) -> tuple[Equation, ...]:
    """All equations below `nodes`, in order."""
    found: list[Equation] = []
    for node in nodes:
        if isinstance(node, Batch):
            found.append(node.equation)
        else:
            found.extend(node.equations())
    return tuple(found)


def edges_of(system: System) -> tuple[Edge, ...]:
    """Every reference of every equation, and of every border (a value needs its border's values whole)."""
    values = {v.name: v for v in system.values}
    made = {e.out for e in system.equations}
    edges = []
    for equation in system.equations:
        for access in equation.reads:
            if access.name in made:
                reach = _reach(equation, access, values)
                edges.append(Edge(equation.out, access.name, reach, access))
    for border in system.borders:
        for name in border.reads():
            if name not in made:
                continue
            if border.name in made:
                edges.append(Edge(border.name, name, (), None))
            else:
                readers = dict.fromkeys(e.out for e in system.equations if any(r.name == border.name for r in e.reads))
                edges.extend(Edge(reader, name, (), None) for reader in readers)
    return tuple(edges)


def _reach(equation: Equation, access: Access, values: Mapping[str, Value]) -> tuple[tuple[str, Reach], ...]:
    reach = []
    out = values[equation.out]
    for at in access.at:
        if at.anchor != "here" or at.axis not in out.axes or _mixes(equation, at.axis):
            reach.append((at.axis, Reach(everywhere=True)))
        else:
            reach.append((at.axis, Reach(at.low, at.low if at.high is None else at.high)))
    return tuple(reach)


def _mixes(equation: Equation, axis: str) -> bool:
    """Whether the equation needs a whole axis to give any one of its positions (softmax over it)."""
    over = getattr(equation.op, "over", ())
    return axis == over or (isinstance(over, tuple) and axis in over)


def schedule(system: System) -> tuple[Node, ...]:
    """The order of all equations. Raises `Unschedulable` for a block that has none."""
    equations = {e.out: e for e in system.equations}
    axes = {v.name: v.axes for v in system.values}
    names = tuple(equations)
    return _plan(names, edges_of(system), system.axes, equations, axes, frozenset())


def _plan(
    names: tuple[str, ...],
    edges: tuple[Edge, ...],
    order: tuple[str, ...],
    equations: Mapping[str, Equation],
    axes: Mapping[str, tuple[str, ...]],
    scanned: frozenset[str],
) -> tuple[Node, ...]:
    nodes: list[Node] = []
    by_reader: dict[str, list[Edge]] = {}
    for edge in edges:
        by_reader.setdefault(edge.reader, []).append(edge)
    for component in components(names, tuple((e.source, e.reader) for e in edges)):
        members = set(component)
        inside = tuple(e for n in component for e in by_reader.get(n, ()) if e.source in members)
        if not inside:
            nodes.append(Batch(equations[component[0]]))
            continue
        nodes.append(_scan(component, inside, order, equations, axes, scanned))
    return tuple(nodes)


def _scan(
    names: tuple[str, ...],
    edges: tuple[Edge, ...],
    order: tuple[str, ...],
    equations: Mapping[str, Equation],
    axes: Mapping[str, tuple[str, ...]],
    scanned: frozenset[str],
) -> Node:
    failure = Unschedulable(names, edges)
    for axis in order:
        if axis in scanned or any(axis not in axes[n] for n in names):
            continue
        for direction in (1, -1):
            if not all(_moves(e.along(axis), direction) for e in edges):
                continue
            left = tuple(e for e in edges if _stays(e.along(axis), direction))
            if len(left) == len(edges):
                continue
            try:
                body = _plan(names, left, order, equations, axes, scanned | {axis})
            except Unschedulable as inner:
                failure = inner
                continue
            return Scan(axis, direction, body)
    raise failure


def _moves(reach: Reach, direction: int) -> bool:
    """No reference looks against the direction of the scan."""
    return not reach.everywhere and (reach.high <= 0 if direction > 0 else reach.low >= 0)


def _stays(reach: Reach, direction: int) -> bool:
    """The reference reads the current position as well."""
    return reach.high == 0 if direction > 0 else reach.low == 0
