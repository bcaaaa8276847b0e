"""On which side "before the first step" lies: past the end for what runs backward."""

from __future__ import annotations

from dataclasses import replace

from rnnc.system.forms import System
from rnnc.system.graph import components
from rnnc.system.schedule import Node, Reach, Scan, Unschedulable, edges_of, equations_of, schedule


def directed(system: System) -> System:
    """The system with every border on the side its recurrent block starts from. A system without an order is left
    as it is
    (`rnnc.system.check` says what is wrong with it)."""
    if not system.borders:
        return system
    try:
        nodes = schedule(system)
    except Unschedulable:
        return system
    backward: set[tuple[str, str]] = set()
    _collect(nodes, backward)
    axes = {v.name: v.axes for v in system.values}
    moves = _moves(system)
    borders = tuple(
        replace(b, sides=tuple("high" if (b.name, a) in backward | moves else "low" for a in axes[b.name]))
        for b in system.borders
    )
    return replace(system, borders=borders)


def _moves(system: System) -> set[tuple[str, str]]:
    """A value in a recurrent block that is read, inside it, only upwards along an axis runs backward along it,
    scanned or not."""
    edges = edges_of(system)
    names = tuple(e.out for e in system.equations)
    found: set[tuple[str, str]] = set()
    for component in components(names, tuple((e.source, e.reader) for e in edges)):
        members = set(component)
        inside = [e for e in edges if e.source in members and e.reader in members]
        for axis in system.axes:
            reaches = [dict(e.reach).get(axis, Reach()) for e in inside]
            if any(r.high > 0 for r in reaches) and all(r.low >= 0 and not r.everywhere for r in reaches):
                found.update((name, axis) for name in members)
    return found


def _collect(nodes: tuple[Node, ...], backward: set[tuple[str, str]]) -> None:
    for node in nodes:
        if isinstance(node, Scan):
            if node.direction < 0:
                backward.update((e.out, node.axis) for e in equations_of(node.body))
            _collect(node.body, backward)
