"""A sigmoid inside a scan as (1 + tanh(u/2))/2, with the half of u taken from the weights and biases that make it.

before   f[n] = sigmoid(net[n])        net[n] = W . x[n] + R . h[n-1] + b
after    f[n] = half_tanh(net[n])      net[n] = W/2 . x[n] + R/2 . h[n-1] + b/2

A half is exact in floating point. A step has one call less, and one tanh serves all the gates that lie side by side.
The derivatives are made before: they read the gate, and the weights as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnc.ops.formula import UNIT, Constant, Formula, Operand, Operation
from rnnc.sizes import Size
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Concat, Contract, Equation, Pointwise, Slice, System
from rnnc.system.graph import components

Rows = tuple[Size, Size] | None
"""Entries of a first dimension; None all of them."""

SAID = "sigmoid(u) = (1 + tanh(u/2))/2, with the half taken from the weights and biases"

Sites = dict[tuple[str, int], list[Rows]]
"""Reads of parameters, by equation and number: the rows that are to be halved."""


def halved(system: System) -> System:
    """The system with no half left to take at every step. It is scheduled and emitted; nothing differentiates it."""
    search = _Search(system)
    gates: list[str] = []
    sites: Sites = {}
    for e in system.equations:
        found: list[tuple[str, int, Rows]] = []
        if e.out in search.looped and search.gate(e, found):
            gates.append(e.out)
            for out, k, rows in found:
                sites.setdefault((out, k), []).append(rows)
    x = Extension(system)
    made = _Weights(x)
    changed = {site: made.halved(search.equations[site[0]].reads[site[1]], rows) for site, rows in sites.items()}
    if any(read is None for read in changed.values()):
        return system  # rows to be halved lie between others: no stack is made so
    for (out, k), read in changed.items():
        e = x.equations[out]
        assert read is not None
        x.equations[out] = replace(e, reads=(*e.reads[:k], read, *e.reads[k + 1 :]))
    for out in gates:
        x.equations[out] = replace(x.equations[out], op=Pointwise(Operation("half_tanh", (Operand(0),))))
    return replace(system, values=tuple(x.values.values()), equations=tuple(x.equations.values()))


class _Search:
    """Finds what a net input is made of."""

    def __init__(self, system: System) -> None:
        self.values = {v.name: v for v in system.values}
        self.equations = {e.out: e for e in system.equations}
        self.readers: dict[str, list[Equation]] = {}
        edges = []
        for e in system.equations:
            for r in e.reads:
                self.readers.setdefault(r.name, []).append(e)
                edges.append((r.name, e.out))
        known = {(a, b) for a, b in edges if a in self.equations}
        self.looped = {n for c in components(self.equations, known) for n in c if len(c) > 1 or (c[0], c[0]) in known}
        self.shared = {n for b in system.borders for n in (b.name, *b.reads())} | {n for _, n in system.gradients}

    def gate(self, e: Equation, found: list[tuple[str, int, Rows]]) -> bool:
        """Whether `e` is a sigmoid of a net input that can be halved; its weights and biases go into `found`."""
        plain = isinstance(e.op, Pointwise) and e.op.formula == Operation("sigmoid", (Operand(0),))
        return plain and self._operand(e, 0, None, found)

    def _operand(self, e: Equation, k: int, rows: Rows, found: list[tuple[str, int, Rows]]) -> bool:
        r = e.reads[k]
        if r.dims != e.dims:
            return False
        if self._weight(r):
            found.append((e.out, k, rows))
            return True
        return len(self.readers[r.name]) == 1 and self._made(r.name, rows, found)

    def _weight(self, r: Access) -> bool:
        v = self.values[r.name]
        return v.role == "parameter" and v.kind == "real" and not v.axes and bool(v.shape)

    def _made(self, name: str, rows: Rows, found: list[tuple[str, int, Rows]]) -> bool:
        """Whether these rows of a value can be halved; nothing else may read them."""
        e = self.equations.get(name)
        if e is None or self.values[name].role != "part" or name in self.shared:
            return False
        if isinstance(e.op, Slice):
            return rows is None and self._sliced(e.reads[0], (e.op.start, e.op.stop), found)
        if isinstance(e.op, Contract):
            for k, r in enumerate(e.reads):
                if self._weight(r) and r.dims[:1] == e.dims[:1]:
                    found.append((name, k, rows))
                    return True
            return False
        return isinstance(e.op, Pointwise) and self._sum(e, e.op.formula, rows, found)

    def _sliced(self, r: Access, rows: tuple[Size, Size], found: list[tuple[str, int, Rows]]) -> bool:
        cuts = [(e.op.start, e.op.stop) for e in self.readers[r.name] if isinstance(e.op, Slice)]
        apart = len(cuts) == len(self.readers[r.name]) and len(set(cuts)) == len(cuts)
        return apart and r.in_place and self._made(r.name, rows, found)

    def _sum(self, e: Equation, formula: Formula, rows: Rows, found: list[tuple[str, int, Rows]]) -> bool:
        """Every term of a sum can be halved: a value, or a product of something with a weight (a peephole)."""
        if isinstance(formula, Operand):
            return self._operand(e, formula.index, rows, found)
        if not isinstance(formula, Operation):
            return False
        if formula.op in ("+", "-"):
            return all(self._sum(e, a, rows, found) for a in formula.args)
        for a in formula.args if formula.op == "*" else ():
            if isinstance(a, Operand) and self._weight(e.reads[a.index]) and e.reads[a.index].dims == e.dims:
                found.append((e.out, a.index, rows))
                return True
        return False


@dataclass
class _Weights:
    """Makes every weight with its halved rows once, a matrix transposed as a scan multiplies with it."""

    x: Extension

    def __post_init__(self) -> None:
        self.made: dict[tuple[str, Rows], str] = {}
        self.scales: dict[tuple[Size, Rows], str] = {}

    def halved(self, r: Access, rows: list[Rows]) -> Access | None:
        """The same read of the weight with `rows` halved; None where they lie between others."""
        v = self.x.values[r.name]
        whole, span = self._span(v.shape[0], rows)
        if not whole and span is None:
            return None
        key = (r.name, span)
        back = len(r.dims) == 2
        if key not in self.made:
            labels = tuple(f".i{k}" for k in range(len(v.shape)))
            weight = self.x.here(r.name, labels)
            turned, shape = (labels[::-1], v.shape[::-1]) if back else (labels, v.shape)
            scale: Formula = Constant(0.5) if span is None else Operand(1)
            reads = (weight,) if span is None else (weight, self.x.here(self._scale(v.shape[0], span), labels[:1]))
            op = Pointwise(Operation("*", (scale, Operand(0))))
            self.made[key] = self.x.add(f"{r.name}:halved", (), False, shape, op, reads, turned)
        return Access(self.made[key], (), r.dims[::-1] if back else r.dims)

    def _span(self, size: Size, rows: list[Rows]) -> tuple[bool, Rows]:
        """Whether all rows are meant, else the one range that the rows make from the first or to the last."""
        if None in rows:
            return True, None
        cuts = {r for r in rows if r is not None}
        starts, stops = {r[0]: r[1] for r in cuts}, {r[1]: r[0] for r in cuts}
        low, high, used = Size.of(0), size, 0
        while low in starts:
            low, used = starts[low], used + 1
        if used == len(cuts):
            return low == size, None if low == size else (Size.of(0), low)
        used = 0
        while high in stops:
            high, used = stops[high], used + 1
        return False, (high, size) if used == len(cuts) else None

    def _scale(self, size: Size, span: tuple[Size, Size]) -> str:
        """One half in the rows of `span`, one in the others."""
        if (size, span) not in self.scales:
            start, stop = span
            first = start == Size.of(0)
            cut = stop if first else start
            numbers = (Constant(0.5), UNIT) if first else (UNIT, Constant(0.5))
            parts = [(cut, numbers[0]), (size - cut, numbers[1])]
            names = [self.x.add("scale:part", (), False, (z,), Pointwise(n), (), (".i0",)) for z, n in parts]
            self.x.equations[names[0]] = replace(self.x.equations[names[0]], about=SAID)
            op = Concat(tuple((z, k) for k, (z, _) in enumerate(parts)))
            reads = tuple(self.x.here(n, (".i0",)) for n in names)
            self.scales[size, span] = self.x.add("scale", (), False, (size,), op, reads, (".i0",))
        return self.scales[size, span]
