"""Which values carry an influence: those through which a parameter reaches later steps.

Everything else that is learned lies between them and the loss within one step, where derivatives are passed back.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.derive import expression as x
from rnnc.derive.expand import Expansion
from rnnc.derive.keep import Keep
from rnnc.derive.tidy import tidy
from rnnc.system.forms import Border, System
from rnnc.system.graph import components
from rnnc.system.reach import reached
from rnnc.system.schedule import equations_of, schedule


@dataclass(frozen=True)
class Carrying:
    """`lines`: the kept forward equations in order of computation; `names`: the values that carry an influence, in
    that order."""

    lines: tuple[tuple[x.Ref, x.Expr], ...]
    names: tuple[str, ...]
    borders: tuple[Border, ...]

    def line(self, name: str) -> tuple[x.Ref, x.Expr]:
        return next(line for line in self.lines if line[0].name == name)

    def active(self, parameter: str) -> tuple[str, ...]:
        """The carrying values that a parameter has an influence on."""
        influenced = reached((parameter,), _edges(self.lines, self.borders))
        return tuple(n for n in self.names if n in influenced)


def carrying(system: System, keep: Keep, expansion: Expansion, wanted: tuple[str, ...]) -> Carrying:
    """A value in a cycle, one that reads another step, and what these are computed from; all of them only where
    something in `wanted` reaches them."""
    lines = []
    for e in equations_of(schedule(system)):
        if e.out in keep.names and e.out not in keep.errors and e.out != system.loss and not e.out.startswith("loss:"):
            left, right = expansion.equation(e.out)
            lines.append((left, tidy(right, lambda ref: (), False)))
    known = {left.name for left, _ in lines}
    # an input with a learned start: of itself it depends on nothing
    starts = [b.name for b in system.borders if b.reads() and b.name not in known and b.name not in keep.names]
    lines[:0] = [(expansion.left(name), x.ZERO) for name in starts]
    edges = _edges(tuple(lines), system.borders)
    active = reached(wanted, edges)
    inside = tuple((s, r) for s, r in edges if s in active and r in active)
    looped = {n for c in components(tuple(active), inside) for n in c if len(c) > 1 or (c[0], c[0]) in inside}
    late = {left.name for left, right in lines if any(r.name in active and elsewhere(r) for r in refs(right))}
    start = tuple(sorted((looped | late) & active & {left.name for left, _ in lines}))
    above = reached(start, tuple((r, s) for s, r in inside))
    names = tuple(left.name for left, _ in lines if left.name in above and left.name in active)
    return Carrying(tuple(lines), names, system.borders)


def refs(e: x.Expr) -> tuple[x.Ref, ...]:
    """The values that an expression reads, each reference once."""
    return tuple(dict.fromkeys(n for n in x.walk(e) if isinstance(n, x.Ref)))


def elsewhere(ref: x.Ref) -> bool:
    """Whether a value is read at another step than the reader's own, the end of its sequence aside."""
    return any(p.base != "last" and (p.offset != 0 or p.tap is not None or p.base == "first") for p in ref.at)


def _edges(lines: tuple[tuple[x.Ref, x.Expr], ...], borders: tuple[Border, ...]) -> tuple[tuple[str, str], ...]:
    edges = [(r.name, left.name) for left, right in lines for r in refs(right)]
    edges += [(name, b.name) for b in borders for name in b.reads()]
    return tuple(dict.fromkeys(edges))
