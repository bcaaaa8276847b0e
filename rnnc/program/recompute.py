"""What the loss made with a little arithmetic is made again for the gradients, rather than kept from one to the other.

before   loss: net = t - y, kept      backward: d(y) = -net
after    loss: net = t - y            backward: d(y) = y - t

Where several gradients read it, it is made again as a value of its own, `net:again`.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.ops.formula import ARITHMETIC, LOGICAL, Formula, Operand, Operation, substitute
from rnnc.system.fold import folded
from rnnc.system.forms import Access, CtcGradient, Equation, Pointwise, System
from rnnc.system.needed import needed


def recompute(system: System) -> System:
    """The system with those equations of the loss written twice."""
    if system.loss is None:
        return system
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders}
    roles = {v.name: v.role for v in system.values}
    units = tuple(n for n in by_out if roles[n] == "unit")
    forward = needed(by_out, borders, system.outputs or units)
    loss = needed(by_out, borders, (*units, system.loss)) - forward

    def cheap(name: str) -> bool:
        e = by_out[name]
        return (
            name in loss
            and roles[name] == "part"
            and isinstance(e.op, Pointwise)
            and _arithmetic(e.op.formula)
            and all(r.in_place and (r.name not in loss or cheap(r.name)) for r in e.reads)
        )

    readers: dict[str, int] = {}
    for e in system.equations:
        if e.out not in forward and e.out not in loss:
            for r in e.reads:
                readers[r.name] = readers.get(r.name, 0) + 1
    added: dict[str, Equation] = {}

    def spelled(e: Equation) -> Equation:
        """The equation with what it alone reads of the loss written into its own formula."""
        for k, r in enumerate(e.reads):
            if isinstance(e.op, Pointwise) and r.name in loss and cheap(r.name) and readers.get(r.name, 1) == 1:
                return spelled(_inlined(e, k, by_out[r.name]))
        return e

    def again(access: Access) -> Access:
        name = f"{access.name}:again"
        if name not in added:
            e = by_out[access.name]
            added[name] = replace(e, out=name, reads=tuple(again(r) if r.name in loss else r for r in e.reads))
        return replace(access, name=name)

    equations = []
    for e in system.equations:
        if e.out not in forward and e.out not in loss:
            e = spelled(e)
            if not isinstance(e.op, CtcGradient):  # what it reads says which loss keeps its sums
                e = replace(e, reads=tuple(again(r) if r.name in loss and cheap(r.name) else r for r in e.reads))
        equations.append(e)
    values = {v.name: v for v in system.values}
    more = tuple(replace(values[name.removesuffix(":again")], name=name) for name in added)
    return replace(system, values=(*system.values, *more), equations=(*equations, *added.values()))


def _inlined(e: Equation, index: int, made: Equation) -> Equation:
    """`e` with the formula that makes its read `index` in that read's stead."""
    assert isinstance(e.op, Pointwise) and isinstance(made.op, Pointwise)
    access = e.reads[index]
    rename: dict[str | int, str | int] = dict(zip(made.dims, access.dims, strict=True))
    reads = [r for k, r in enumerate(e.reads) if k != index]
    own = {k: Operand(reads.index(r)) for k, r in enumerate(e.reads) if k != index}
    inner: dict[int, Formula] = {}
    for k, r in enumerate(made.reads):
        moved = replace(r, dims=tuple(rename.get(d, d) for d in r.dims))
        if moved not in reads:
            reads.append(moved)
        inner[k] = Operand(reads.index(moved))
    formula = substitute(e.op.formula, {**own, index: substitute(made.op.formula, inner)})
    return replace(e, op=Pointwise(folded(formula)), reads=tuple(reads))


def _arithmetic(formula: Formula) -> bool:
    """Whether a formula is as quickly computed as its value is fetched."""
    if not isinstance(formula, Operation):
        return True
    quick = (*ARITHMETIC, *LOGICAL, "square", "abs", "min", "max")
    return formula.op in quick and formula.op not in ("/", "^") and all(_arithmetic(a) for a in formula.args)
