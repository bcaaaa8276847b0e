"""Weights that multiply the same source become one stacked weight, and net inputs built alike become one stacked
net input.

before   i:net = W_xi @ x + W_hi @ h[n-1] + b_i      f:net = W_xf @ x + W_hf @ h[n-1] + b_f
after    net = W_x @ x + W_h @ h[n-1] + b            i:net = net[0:H]    f:net = net[H:2*H]

so that four gates are one matrix product. Only parameters used once are stacked; the named ones are rows of the stack.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from rnnc.model.forms import At
from rnnc.ops.formula import Formula, Operand, Operation, operands, plus, substitute, sum_of
from rnnc.sizes import Shape, Size
from rnnc.system.forms import Access, Contract, Equation, Pointwise, Slice, Stack, System, Value
from rnnc.system.naming import unused


@dataclass(frozen=True)
class _Product:
    """`out = weight @ source`, feeding the net input `net` (None where it is no plain term of one)."""

    out: str
    weight: str
    source: Access
    rows: Size
    net: str | None
    rank: int


class _Stacking:
    def __init__(self, system: System) -> None:
        self.system = system
        self.values = {v.name: v for v in system.values}
        self.equations = {e.out: e for e in system.equations}
        self.readers: dict[str, list[Equation]] = {}
        for e in system.equations:
            for r in e.reads:
                self.readers.setdefault(r.name, []).append(e)
        for b in system.borders:
            for name in b.reads():
                self.readers.setdefault(name, []).append(self.equations.get(b.name, system.equations[0]))
        self.stacks: list[Stack] = []
        self.added: list[Equation] = []
        self.place: dict[str, tuple[str, Size]] = {}

    def run(self) -> System:
        products = [p for e in self.system.equations if (p := self._product(e)) is not None]
        groups: dict[tuple[object, ...], list[_Product]] = {}
        for p in products:
            groups.setdefault((p.source.name, p.source.at, self.values[p.out].axes), []).append(p)
        group_of = {p.out: k for k, g in enumerate(groups.values()) if len(g) > 1 for p in g}
        signature: dict[str, tuple[int, ...]] = {}
        for p in products:
            if p.net is not None and p.out in group_of:
                signature[p.net] = (*signature.get(p.net, ()), group_of[p.out])
        signature = {n: tuple(sorted(s)) for n, s in signature.items()}

        def order(p: _Product) -> tuple[object, ...]:
            return (signature.get(p.net or "", (len(groups),)), p.rank, p.net or "", p.out)

        for group in groups.values():
            if len(group) > 1:
                self._stack_products(sorted(group, key=order))
        classes: dict[tuple[int, ...], list[str]] = {}
        for p in sorted(products, key=order):
            if p.net in signature and len(set(signature[p.net])) == len(signature[p.net]):
                members = classes.setdefault(signature[p.net], [])
                if p.net not in members:
                    members.append(p.net)
        for nets in classes.values():
            if len(nets) > 1:
                self._stack_nets(nets)
        ordered = tuple(self.equations[e.out] for e in self.system.equations)
        return replace(
            self.system,
            values=tuple(self.values.values()),
            equations=(*ordered, *self.added),
            stacks=tuple(self.stacks),
        )

    def _product(self, e: Equation) -> _Product | None:
        if not isinstance(e.op, Contract) or len(e.reads) != 2 or len(e.dims) != 1:
            return None
        weight, source = e.reads
        w = self.values[weight.name]
        if w.role != "parameter" or len(w.shape) != 2 or len(self.readers[w.name]) != 1:
            return None
        if weight.dims[0] != e.dims[0] or source.dims != weight.dims[1:] or weight.dims[1] == e.dims[0]:
            return None
        out = self.values[e.out]
        if out.role != "part" or not out.axes:
            return None
        used = self.readers.get(e.out, [])
        net = used[0].out if len(used) == 1 and e.out in self._terms(used[0]) else None
        return _Product(e.out, w.name, replace(source, dims=(".k",)), w.shape[0], net, self._rank(net))

    def _terms(self, e: Equation) -> tuple[str, ...]:
        """The values among what `e` adds up that it reads in place, and nowhere else."""
        if not isinstance(e.op, Pointwise):
            return ()
        terms = _added(e.op.formula)
        times = Counter(k for term in terms for k in operands(term))
        found: list[str] = []
        for term in terms:
            if isinstance(term, Operand) and times[term.index] == 1:
                r = e.reads[term.index]
                whole = r.in_place and r.dims == e.dims
                if whole and self.values[r.name].axes in ((), self.values[e.out].axes):
                    found.append(r.name)
        return tuple(found)

    def _rank(self, net: str | None) -> int:
        """Sigmoids side by side, then the others: one call computes neighbours."""
        for e in self.readers.get(net or "", ()):
            if isinstance(e.op, Pointwise) and isinstance(e.op.formula, Operation) and e.op.formula.op == "sigmoid":
                return 0
        return 1

    def _stacked(self, names: list[str], title: str) -> str:
        """One parameter value for several with equal trailing shapes."""
        shape = self.values[names[0]].shape
        rows = Size.of(0)
        for n in names:
            rows = rows + self.values[n].shape[0]
        stack = unused(f"stack:{title}", self.values)
        self.values[stack] = Value(stack, "parameter", (), False, (rows, *shape[1:]))
        self.stacks.append(Stack(stack, tuple(names)))
        return stack

    def _stack_products(self, group: list[_Product]) -> None:
        weight = self._stacked([p.weight for p in group], group[0].weight.rsplit(".", 1)[-1])
        whole = unused(f"stack:{group[0].source.name}:product", self.values)
        first = self.values[group[0].out]
        shape: Shape = (self.values[weight].shape[0],)
        self.values[whole] = replace(first, name=whole, shape=shape, role="part")
        reads = (Access(weight, (), (".i0", ".k")), group[0].source)
        self.added.append(Equation(whole, (".i0",), Contract(), reads))
        at = Size.of(0)
        for p in group:
            self._cut(p.out, whole, at, p.rows, self.equations[p.out])
            self.place[p.out] = (whole, at)
            at = at + p.rows

    def _cut(self, name: str, whole: str, start: Size, rows: Size, old: Equation) -> None:
        axes = tuple(At(a) for a in self.values[whole].axes)
        read = Access(whole, axes, (".r",))
        self.equations[name] = replace(old, dims=(".i0",), op=Slice(start, start + rows), reads=(read,))

    def _stack_nets(self, nets: list[str]) -> None:
        """Nets of one signature lie side by side in every product; add the products (and biases) once for all."""
        own = {n: self._terms(self.equations[n]) for n in nets}
        wholes = list(dict.fromkeys(self.place[t][0] for t in own[nets[0]] if t in self.place))
        biases = {n: sorted(t for t in own[n] if self._is_bias(t)) for n in nets}
        count = min(len(b) for b in biases.values())
        rows = Size.of(0)
        for n in nets:
            rows = rows + self.values[n].shape[0]
        reads: list[Access] = []
        axes = self.values[nets[0]].axes
        for whole in wholes:
            start = next(self.place[t][1] for t in own[nets[0]] if t in self.place and self.place[t][0] == whole)
            name = whole
            if self.values[whole].shape[0] != rows:
                name = unused(f"{whole}:part", self.values)
                self.values[name] = replace(self.values[whole], name=name, shape=(rows,))
                read = Access(whole, tuple(At(a) for a in axes), (".r",))
                self.added.append(Equation(name, (".i0",), Slice(start, start + rows), (read,)))
            reads.append(Access(name, tuple(At(a) for a in axes), (".i0",)))
        for k in range(count):
            reads.append(Access(self._stacked([biases[n][k] for n in nets], "b"), (), (".i0",)))
        net = unused("stack:net", self.values)
        self.values[net] = replace(self.values[nets[0]], name=net, shape=(rows,), role="part")
        self.added.append(Equation(net, (".i0",), Pointwise(sum_of(len(reads))), tuple(reads)))
        at = Size.of(0)
        for n in nets:
            taken = {t for t in own[n] if t in self.place} | set(biases[n][:count])
            self._rest(n, net, at, taken)
            at = at + self.values[n].shape[0]

    def _is_bias(self, name: str) -> bool:
        v = self.values[name]
        return v.role == "parameter" and len(self.readers[name]) == 1

    def _rest(self, name: str, net: str, at: Size, taken: set[str]) -> None:
        """The net input `name` is its rows of the stacked one, plus the terms that are its own."""
        old = self.equations[name]
        assert isinstance(old.op, Pointwise)
        rows = self.values[name].shape[0]
        gone = {Operand(k) for k, r in enumerate(old.reads) if r.name in taken}
        left = [term for term in _added(old.op.formula) if term not in gone]
        if not left:
            self._cut(name, net, at, rows, old)
            return
        cut = unused(f"{name}:shared", self.values)
        self.values[cut] = replace(self.values[name], name=cut, role="part")
        self.added.append(
            Equation(
                cut,
                (".i0",),
                Slice(at, at + rows),
                (Access(net, tuple(At(a) for a in self.values[net].axes), (".r",)),),
            )
        )
        here = Access(cut, tuple(At(a) for a in self.values[cut].axes), old.dims)
        kept = [k for k, r in enumerate(old.reads) if r.name not in taken]
        moved: dict[int, Formula] = {k: Operand(1 + at) for at, k in enumerate(kept)}
        formula: Formula = Operand(0)
        for term in left:
            own = substitute(term, moved)
            if isinstance(own, Operation) and own.op == "neg":
                formula = Operation("-", (formula, *own.args))
            else:
                formula = plus(formula, own)
        self.equations[name] = replace(old, op=Pointwise(formula), reads=(here, *(old.reads[k] for k in kept)))


def _added(formula: Formula) -> tuple[Formula, ...]:
    """What a formula adds up; itself, where it is no sum."""
    if isinstance(formula, Operation) and formula.op == "+":
        return tuple(term for a in formula.args for term in _added(a))
    if isinstance(formula, Operation) and formula.op == "-":
        return (*_added(formula.args[0]), Operation("neg", formula.args[1:]))
    return (formula,)


def stack(system: System) -> System:
    """The system with stacked weights; named parameters keep their values and lie in `System.stacks`."""
    if not system.equations:
        return system
    return _Stacking(system).run()
