"""On which side "before the first step" lies: past the end for what runs backward."""

from __future__ import annotations

from dataclasses import replace

from rnnc.system.forms import System
from rnnc.system.schedule import Node, Scan, Unschedulable, equations_of, schedule


def directed(system: System) -> System:
    """The system with every border on the side its recurrent block starts from. A system without an order is left as it is
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
    borders = tuple(
        replace(b, sides=tuple("high" if (b.name, a) in backward else "low" for a in axes[b.name]))
        for b in system.borders
    )
    return replace(system, borders=borders)


def _collect(nodes: tuple[Node, ...], backward: set[tuple[str, str]]) -> None:
    for node in nodes:
        if isinstance(node, Scan):
            if node.direction < 0:
                backward.update((e.out, node.axis) for e in equations_of(node.body))
            _collect(node.body, backward)


