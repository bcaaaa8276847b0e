"""The influence of the parameters of one product on all states as a row times a matrix, kept unbiased by random signs.

The parameters W stand in net = W v alone, v all that they are multiplied with. With F one step of the network, A a
matrix (an entry for every state of every delay and every net input), u a vector as long as v, c1 and c2 random signs,
and all norms those of one sequence:

    p1 = sqrt(|dF/ds A| / |u|)                             p2 = sqrt(|dF/dnet| / |v|)
    A <- c1 / p1 dF/ds A + c2 / p2 dF/dnet                 u <- c1 p1 u + c2 p2 v

Mujika, Meier and Steger (2018), algorithm 1: the expectation of A[s, i] u[k] is the influence of W[i, k] on s. Norms
that are zero are met as Tallec and Ollivier (2017) do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.autodiff.kept import Whole, back
from rnnc.autodiff.net_inputs import LABEL, Product, length
from rnnc.autodiff.push import Direction, Push
from rnnc.autodiff.recursion import Recursion
from rnnc.ops.formula import UNIT, Formula, Operand, Operation
from rnnc.sizes import Shape, Size
from rnnc.system.forms import Access, Part, Pointwise, Products, Term, Value
from rnnc.system.lowering import labels_of

NET = ".p"


class Kronecker:
    """Makes the recursion `by` that of one product; `passed` are the adjoints of what the step carries."""

    def __init__(self, by: Recursion, product: Product, passed: Mapping[str, str]) -> None:
        self.by, self.x = by, by.x
        self.product = product
        self.passed = passed
        self.nets: dict[str, Size] = {}
        self.total = Size.of(0)
        for net in product.nets:
            self.nets[net] = self.total
            self.total = self.total + self.x.values[net].shape[0]
        self.columns = ((NET,), (self.total,))
        self.slopes: dict[tuple[str, Formula], Access] = {}
        self.matrices: dict[str, tuple[str, ...]] = {}
        self.vectors: dict[Access | None, str] = {}

    def run(self) -> None:
        """Makes all equations."""
        x, by = self.x, self.by
        for s in self._affected():
            names = (f"matrix({s})", *(f"matrix({s}, {k})" for k in range(1, by.depth(s))))
            self.matrices[s] = tuple(by.named(n, (*x.values[s].shape, self.total)) for n in names)
        for source in self.product.sources:
            name = "1" if source is None else source.name
            self.vectors[source] = by.named(f"vector({name})", (length(x, source),))
        read = [c for c in by.carried if c.source in self.matrices]
        before = {c.name: by.before(c, self.matrices[c.source], self.columns) for c in read}
        self._recur(before)
        self._past(before)
        title = self.product.entries[0].parameter
        by_source = {e.source: e.parameter for e in reversed(self.product.entries)}
        by.kept = (
            *(
                Whole(n, back(f"matrix of {s} by {title}", k))
                for s, m in self.matrices.items()
                for k, n in enumerate(m)
            ),
            *(Whole(n, f"vector by {by_source[a]}") for a, n in self.vectors.items()),
        )

    def _affected(self) -> tuple[str, ...]:
        """The states that the product has an influence on, at this step or a later one."""
        by = self.by
        found: frozenset[str] = frozenset()
        more = by.reached(self.product.nets)
        while not more <= found:
            found |= more
            more = by.reached(c.name for c in by.carried if c.source in found)
        return tuple(s for s in by.states if s in found)

    def _unit(self, net: str) -> Direction:
        """The directions of a net input: its own entries, one after the other."""
        x = self.x
        shape = x.values[net].shape
        (label,) = labels_of(shape)
        term = Term(0, (label, label), self.nets[net], shape)
        made = x.add(f"unit({net})", (), False, (*shape, self.total), Products((term,)), (), (label, NET))
        return Direction(made, (), (NET,))

    def _pushed(self, given: Mapping[str, Direction]) -> dict[str, Access]:
        push = Push(self.x, given, self.columns, self.slopes)
        found: dict[str, Access] = {}
        for s in self.matrices:
            direction = push.of(s)
            if direction is not None:
                found[s] = direction.read(labels_of(self.x.values[s].shape))
        self.by.loop += push.made
        return found

    def _recur(self, before: Mapping[str, Direction]) -> None:
        x, by = self.x, self.by
        moved = self._pushed(before)
        new = self._pushed({net: self._unit(net) for net in self.product.nets})
        labels = {s: (*labels_of(x.values[s].shape), NET) for s in self.matrices}
        older = {s: [by.last(n, labels[s]) for n in names[:-1]] for s, names in self.matrices.items()}
        sources = {a: self._source(a) for a in self.vectors}
        past = [by.last(n, (LABEL,)) for n in self.vectors.values()]
        p1 = by.scale("p1", [*moved.values(), *(a for reads in older.values() for a in reads)], past)
        p2 = by.scale("p2", new.values(), sources.values())
        signs = by.signs(self.product.entries[0].parameter, (Size.of(2),), (by.axis,))
        divided = [self._scaled(f"c{k}/{p}", "/", signs, k - 1, p) for k, p in ((1, p1), (2, p2))]
        times = [self._scaled(f"c{k} {p}", "*", signs, k - 1, p) for k, p in ((1, p1), (2, p2))]
        for s, (matrix, *others) in self.matrices.items():
            pairs = [(divided[0], moved[s])] if s in moved else []
            pairs += [(divided[1], new[s])] if s in new else []
            by.products(matrix, labels[s], pairs, f"the matrix of {s}")
            for k, (name, read) in enumerate(zip(others, older[s], strict=True), 1):
                by.products(name, labels[s], [(divided[0], read)], f"the matrix of {s}, {k} back")
        for source, name in self.vectors.items():
            pairs = [(times[0], by.last(name, (LABEL,))), (times[1], sources[source])]
            by.products(name, (LABEL,), pairs, "the vector of what is multiplied")

    def _scaled(self, base: str, op: str, signs: str, index: int, scale: str) -> Access:
        """A sign and a scale as one number."""
        formula: Formula = Operation(op, (Operand(0), Operand(1)))
        reads = (self.by.now(signs, (index,)), self.by.now(scale))
        return self.by.now(self.by.made(base, (), Pointwise(formula), reads))

    def _source(self, source: Access | None) -> Access:
        if source is not None:
            return source
        one = self.x.add("one", (), False, (Size.of(1),), Pointwise(UNIT), (), (LABEL,))
        return self.x.here(one, (LABEL,))

    def _past(self, before: Mapping[str, Direction]) -> None:
        """What the past adds to every gradient: what the step passes on, times the matrix, times the vector."""
        x, by = self.x, self.by
        pairs = []
        for c in by.carried:
            if c.name in self.passed and c.name in before:
                labels = labels_of(x.values[c.name].shape)
                reads = before[c.name].read(labels)
                pairs.append((by.now(self.passed[c.name], labels), reads))
        if not pairs:
            return
        share = by.named("share", (self.total,))
        by.products(share, (NET,), pairs, "what the step passes on to net inputs of the past")
        own = {net: self._part(share, net, start) for net, start in self.nets.items()}
        for entry in self.product.entries:
            v = x.values[entry.parameter]
            name = x.fresh(f"past:{entry.parameter}")
            x.values[name] = Value(name, "part", (), False, v.shape)
            dims: tuple[str, ...] = (NET,)
            if entry.source is not None:
                dims = (NET, LABEL) if entry.row == 0 else (LABEL, NET)
            last = replace(by.last(self.vectors[entry.source], (LABEL,)), dims=(LABEL,) if entry.source else (0,))
            by.products(
                name, dims, [(by.now(own[entry.net], (NET,)), last)], f"what the past adds to {entry.parameter}"
            )
            by.added[entry.parameter] = name

    def _part(self, share: str, net: str, start: Size) -> str:
        shape: Shape = self.x.values[net].shape
        if len(self.nets) == 1:
            return share
        return self.by.made(f"share({net})", shape, Part(start), (self.by.now(share, (NET,)),), (NET,))
