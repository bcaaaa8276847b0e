"""What depends on a value, and what it depends on, however far."""

from __future__ import annotations

from collections.abc import Iterable

from rnnc.system.forms import System

Edge = tuple[str, str]
"""A value and one that reads it."""


def reached(start: Iterable[str], edges: Iterable[Edge]) -> frozenset[str]:
    """What the edges lead to from `start`, itself included."""
    step: dict[str, list[str]] = {}
    for source, reader in edges:
        step.setdefault(source, []).append(reader)
    seen = set(start)
    waiting = sorted(seen)
    while waiting:
        for name in step.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return frozenset(seen)


def downstream(system: System, names: Iterable[str]) -> frozenset[str]:
    """The values that depend on any of `names`, themselves included; a start reaches what reads it."""
    return reached(names, _edges(system))


def upstream(system: System, names: Iterable[str]) -> frozenset[str]:
    """The values that any of `names` depends on, themselves included."""
    return reached(names, [(reader, source) for source, reader in _edges(system)])


def _edges(system: System) -> list[Edge]:
    edges = [(r.name, e.out) for e in system.equations for r in e.reads]
    return edges + [(name, b.name) for b in system.borders for name in b.reads()]
