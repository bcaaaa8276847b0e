"""How far outside its sequence each value is read: the rows that its buffer needs there."""

from __future__ import annotations

from rnnc.system.forms import System

Halos = dict[tuple[str, int], tuple[int, int]]


def halos(system: System) -> Halos:
    """Rows before the first and past the last position, by value and number of its axis; (0, 0) where it is left
    out."""
    found: Halos = {}
    for e in system.equations:
        for r in e.reads:
            for k, at in enumerate(r.at):
                top = at.low if at.high is None else at.high
                if at.low < 0 or top > 0:
                    low, high = found.get((r.name, k), (0, 0))
                    found[r.name, k] = max(low, -at.low), max(high, top)
    return found
