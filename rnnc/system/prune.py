"""Equations that nothing reads are left out."""

from __future__ import annotations

from dataclasses import replace

from rnnc.system.forms import System


def prune(system: System) -> System:
    """The system with what its units, its loss and its gradients need, and the values that are read or given."""
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders}
    seen: set[str] = set()
    stack = [v.name for v in system.values if v.role == "unit"]
    stack += [*(g for _, g in system.gradients), *((system.loss,) if system.loss else ()), *system.kept]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack.extend(borders.get(name, ()))
            if name in by_out:
                stack.extend(r.name for r in by_out[name].reads)
    equations = tuple(e for e in system.equations if e.out in seen)
    values = tuple(v for v in system.values if v.name in seen or v.name not in by_out)
    borders_left = tuple(b for b in system.borders if b.name in seen)
    return replace(system, values=values, equations=equations, borders=borders_left)
