"""What does not change inside a scan is computed before it, for all positions at once.

before   scan n:  d(i:net) = d(c) * (g * ((1 - i) * i))
after    ahead = g * ((1 - i) * i)      scan n:  d(i:net) = d(c) * ahead
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.model.forms import At
from rnnc.ops.formula import Formula, Operand, Operation, operands, substitute
from rnnc.sizes import Size
from rnnc.system.forms import Access, Equation, Pointwise, System, Value
from rnnc.system.schedule import Node, Scan, equations_of, schedule


class _Hoisting:
    def __init__(self, system: System) -> None:
        self.system = system
        self.values = {v.name: v for v in system.values}
        self.equations = {e.out: e for e in system.equations}
        self.added: list[Equation] = []
        self._known: dict[tuple[Formula, tuple[Access, ...]], str] = {}

    def run(self) -> System:
        self._walk(schedule(self.system))
        return replace(
            self.system,
            values=tuple(self.values.values()),
            equations=(*self.equations.values(), *self.added),
        )

    def _walk(self, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            if isinstance(node, Scan):
                inside = frozenset(e.out for e in equations_of(node.body))
                for e in equations_of(node.body):
                    if isinstance(e.op, Pointwise):
                        self._equation(self.equations[e.out], inside)

    def _equation(self, e: Equation, inside: frozenset[str]) -> None:
        assert isinstance(e.op, Pointwise)
        reads = list(e.reads)
        formula = self._rewrite(e.op.formula, e, reads, inside)
        if formula == e.op.formula:
            return
        used = operands(formula)
        renumber = {k: Operand(i) for i, k in enumerate(used)}
        kept = tuple(reads[k] for k in used)
        self.equations[e.out] = replace(e, op=Pointwise(substitute(formula, dict(renumber))), reads=kept)

    def _rewrite(self, node: Formula, e: Equation, reads: list[Access], inside: frozenset[str]) -> Formula:
        if not isinstance(node, Operation):
            return node
        if self._still(node, reads, inside):
            return self._ahead(node, e, reads)
        if node.op in ("+", "-", "*"):
            node = self._regroup(node, reads, inside)
        return Operation(node.op, tuple(self._rewrite(a, e, reads, inside) for a in node.args))

    def _still(self, node: Formula, reads: list[Access], inside: frozenset[str]) -> bool:
        found = operands(node)
        return bool(found) and all(reads[k].name not in inside for k in found)

    def _regroup(self, node: Operation, reads: list[Access], inside: frozenset[str]) -> Operation:
        """The unchanging terms of a sum, or factors of a product, side by side."""
        chain = _chain(node, "*" if node.op == "*" else "+")
        still = [c for c in chain if self._still(c[1], reads, inside) or not operands(c[1])]
        moving = [c for c in chain if c not in still]
        if not moving or len(still) < 2:
            return node
        op = "*" if node.op == "*" else "+"
        a, b = _joined(op, moving), _joined(op, still)
        if op == "*":
            return Operation("*", (a[1], b[1]))
        if b[0] > 0:
            return Operation("+", (b[1], a[1])) if a[0] > 0 else Operation("-", (b[1], a[1]))
        return Operation("-", (a[1], b[1])) if a[0] > 0 else Operation("neg", (Operation("+", (a[1], b[1])),))

    def _ahead(self, node: Operation, e: Equation, reads: list[Access]) -> Formula:
        used = operands(node)
        own = tuple(reads[k] for k in used)
        formula = substitute(node, {k: Operand(i) for i, k in enumerate(used)})
        dims = tuple(d for d in e.dims if any(d in r.dims for r in own))
        key = (formula, own)
        if key not in self._known:
            out = self.values[e.out]
            sizes: dict[str, Size] = dict(zip(e.dims, out.shape, strict=True))
            here = {t.axis for r in own for t in r.at if t.anchor == "here"}
            axes = tuple(a for a in out.axes if a in here)
            batched = any(self.values[r.name].batched for r in own)
            name, count = f"{e.out}:ahead", 1
            while name in self.values:
                count += 1
                name = f"{e.out}:ahead{count}"
            reverse = any(self.values[r.name].role in ("adjoint", "given", "seed") for r in own)
            self.values[name] = Value(
                name, "adjoint" if reverse else "part", axes, batched, tuple(sizes[d] for d in dims)
            )
            self.added.append(Equation(name, dims, Pointwise(formula), own))
            self._known[key] = name
        name = self._known[key]
        access = Access(name, tuple(At(a) for a in self.values[name].axes), dims)
        if access not in reads:
            reads.append(access)
        return Operand(reads.index(access))


def _chain(node: Formula, op: str) -> list[tuple[int, Formula]]:
    """The signed terms of a sum (`+ - neg`), or the factors of a product."""
    if isinstance(node, Operation):
        if op == "*" and node.op == "*":
            return [x for a in node.args for x in _chain(a, op)]
        if op == "+" and node.op in ("+", "-"):
            left, right = (_chain(a, op) for a in node.args)
            return left + [(s if node.op == "+" else -s, x) for s, x in right]
        if op == "+" and node.op == "neg":
            return [(-s, x) for s, x in _chain(node.args[0], op)]
    return [(1, node)]


def _joined(op: str, chain: list[tuple[int, Formula]]) -> tuple[int, Formula]:
    chain = sorted(chain, key=lambda c: -c[0])
    sign, result = chain[0]
    for s, x in chain[1:]:
        result = Operation("*", (result, x)) if op == "*" else Operation("+" if s == sign else "-", (result, x))
    return sign, result


def hoist(system: System) -> System:
    """The system with everything a scan need not repeat in equations of its own."""
    return _Hoisting(system).run()
