"""What each operation contributes to the adjoints of its operands, in the space of the equation that reads them.

An elementwise equation contributes its own adjoint times the partial derivative that sympy gives; every other
operation has its
rule here. A contribution is a formula over reads at the equation's positions and labels, or, for a contraction, the
reads of the contraction that gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnnc.autodiff.symbols import OUT, partials
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, ZERO, Formula, Operand, Operation, operands, substitute, times
from rnnc.sizes import Size
from rnnc.system import forms as s

if TYPE_CHECKING:
    from rnnc.autodiff.adjoint import Adjoint


@dataclass(frozen=True)
class Contribution:
    """`formula` over `reads` in the reader's space; with `product` set, the product of all reads (to be summed
    where needed)."""

    formula: Formula
    reads: tuple[s.Access, ...]
    product: bool = False


def contributions(adj: Adjoint, equation: s.Equation, index: int) -> Iterator[Contribution]:
    """What `equation` contributes to the adjoint of its read number `index` (none where the derivative is zero)."""
    op = equation.op
    if isinstance(op, s.Pointwise):
        yield from _pointwise(adj, equation, index, op)
    elif isinstance(op, s.Contract):
        out = adj.value(equation.out)
        here = replace(adj.whole(out), dims=equation.dims)
        others = tuple(r for k, r in enumerate(equation.reads) if k != index)
        yield Contribution(UNIT, (here, *others), product=True)
    elif isinstance(op, s.Softmax):
        if index == 0:
            yield _softmax(adj, equation, op)
    elif isinstance(op, s.Extreme):
        if index == 0:
            yield _extreme(adj, equation, op)
    elif isinstance(op, s.Ctc):
        if index == 0:
            yield _ctc(adj, equation, op)
    elif isinstance(op, s.Dropout):
        yield _single(adj, equation, index, op)
    elif isinstance(op, s.Slice | s.Concat | s.Reshape | s.Gather | s.Take):
        if adj.values[equation.reads[index].name].kind == "real":
            yield _single(adj, equation, index, _transposed(adj, equation, index))
    else:
        raise AssertionError(f"no adjoint rule for {type(op).__name__}")


def moves(equation: s.Equation, index: int) -> bool:
    """Whether a derivative goes back to a read."""
    if isinstance(equation.op, s.Pointwise):
        return partials(equation.op.formula, len(equation.reads))[index] != ZERO
    return index == 0 or not isinstance(equation.op, s.Softmax | s.Extreme | s.Ctc | s.Gather | s.Take)


def _pointwise(adj: Adjoint, equation: s.Equation, index: int, op: s.Pointwise) -> Iterator[Contribution]:
    partial = partials(op.formula, len(equation.reads))[index]
    if partial == ZERO:
        return
    own = adj.scaled(equation.out, equation.dims)
    reads = [*own.reads]
    v = adj.values[equation.out]
    here = s.Access(equation.out, tuple(At(a) for a in v.axes), equation.dims)
    replace_by: dict[int, Formula] = {}
    for k in operands(partial):
        access = here if k == OUT.index else equation.reads[k]
        if access not in reads:
            reads.append(access)
        replace_by[k] = Operand(reads.index(access))
    factor = substitute(partial, replace_by)
    yield Contribution(_scale(own.formula, factor), tuple(reads))


def _scale(own: Formula, factor: Formula) -> Formula:
    """own * factor with the adjoint (operand 0) leftmost and the factors gathered at its right; signs and choices
    go outside."""
    if isinstance(factor, Operation) and factor.op == "neg":
        inner = _scale(own, factor.args[0])
        return inner.args[0] if isinstance(inner, Operation) and inner.op == "neg" else Operation("neg", (inner,))
    if factor.__class__.__name__ == "Constant" and factor.value == -1.0:  # type: ignore[union-attr]
        return _scale(own, Operation("neg", (UNIT,)))
    if isinstance(own, Operation) and own.op == "neg":
        inner = _scale(own.args[0], factor)
        return inner.args[0] if isinstance(inner, Operation) and inner.op == "neg" else Operation("neg", (inner,))
    if isinstance(own, Operation) and own.op == "*" and own.args[0] == Operand(0):
        return Operation("*", (Operand(0), times(own.args[1], factor)))
    return times(own, factor)


def _space(adj: Adjoint, equation: s.Equation) -> tuple[tuple[str, ...], bool]:
    v = adj.values[equation.out]
    return v.axes, v.batched


def _single(adj: Adjoint, equation: s.Equation, index: int, op: s.Op) -> Contribution:
    """The contribution is one operation on the equation's adjoint (and its token), a value in the space of the read."""
    read = equation.reads[index]
    axes, batched = _space(adj, equation)
    source = adj.values[read.name]
    tapped = tuple(Size.of(a.high - a.low + 1) for a in read.at if a.high is not None)
    shape = (*tapped, *source.shape)
    out = replace(adj.whole(adj.value(equation.out)))
    reads: tuple[s.Access, ...] = (out,)
    if isinstance(op, s.Scatter | s.Untake):
        reads = (replace(out, dims=equation.dims), equation.reads[1])
    dims = tuple(str(d) for d in read.dims)
    if isinstance(op, s.Scatter) and not source.batched:
        # a table: every position and sequence adds to its rows
        axes, batched = (), False
    name = adj.fresh(f"d({equation.out} by {read.name})")
    adj.add(s.Value(name, "adjoint", axes, batched, shape), s.Equation(name, dims, op, reads))
    adj.deposits.temporary.add(name)
    return Contribution(Operand(0), (replace(adj.whole(name), dims=dims),))


def _transposed(adj: Adjoint, equation: s.Equation, index: int) -> s.Op:
    op = equation.op
    if isinstance(op, s.Reshape):
        return op
    if isinstance(op, s.Gather):
        return s.Scatter()
    if isinstance(op, s.Take):
        return s.Untake()
    if isinstance(op, s.Concat):
        start = Size.of(0)
        for size, k in op.parts:
            if k == index:
                return s.Slice(start, start + size)
            start = start + size
        raise AssertionError("a part of a concatenation is missing")
    assert isinstance(op, s.Slice)
    read = equation.reads[index]
    tapped = [Size.of(a.high - a.low + 1) for a in read.at if a.high is not None]
    whole = (*tapped, *adj.values[read.name].shape)[0]
    parts: list[tuple[Size, int | None]] = [(op.stop - op.start, 0)]
    if op.start != Size.of(0):
        parts.insert(0, (op.start, None))
    if op.stop != whole:
        parts.append((whole - op.stop, None))
    return s.Concat(tuple(parts))


def _softmax(adj: Adjoint, equation: s.Equation, op: s.Softmax) -> Contribution:
    """p (g - sum g p); for the logarithm g - p sum g, where the mask holds: elsewhere its 0 is no probability."""
    v = adj.values[equation.out]
    g = replace(adj.whole(adj.value(equation.out)), dims=equation.dims)
    mask = equation.reads[1:] if op.log else ()
    if mask:
        counted = adj.fresh(f"d({equation.out}:counted)")
        where: s.Op = s.Pointwise(Operation("where", (Operand(1), Operand(0), ZERO)))
        value = s.Value(counted, "adjoint", v.axes, v.batched, v.shape)
        adj.add(value, s.Equation(counted, equation.dims, where, (g, *mask)))
        g = replace(g, name=counted)
    p = s.Access(equation.out, g.at, equation.dims)
    axes = tuple(a for a in v.axes if a != op.over)
    dims = tuple(d for d in equation.dims if d != op.over)
    shape = tuple(z for z, d in zip(v.shape, equation.dims, strict=True) if d != op.over)
    name = adj.fresh(f"d({equation.out}:sum)")
    reads = (g,) if op.log else (g, p)
    adj.add(s.Value(name, "adjoint", axes, v.batched, shape), s.Equation(name, dims, s.Contract(), reads))
    total = s.Access(name, tuple(At(a) for a in axes), dims)
    a, b, c = Operand(0), Operand(1), Operand(2)
    if op.log:
        formula: Formula = Operation("-", (a, Operation("*", (Operation("exp", (b,)), c))))
        formula = Operation("where", (Operand(3), formula, ZERO)) if mask else formula
    else:
        formula = Operation("*", (b, Operation("-", (a, c))))
    return Contribution(formula, (g, p, total, *mask))


def _ctc(adj: Adjoint, equation: s.Equation, op: s.Ctc) -> Contribution:
    """The whole adjoint of the logits is one operation (Graves et al. 2006, equation 16)."""
    logits = equation.reads[0]
    name = adj.fresh(f"d({equation.out} by {logits.name})")
    reads = (*equation.reads, adj.whole(adj.value(equation.out)))
    dims = tuple(str(d) for d in logits.dims)
    value = s.Value(name, "adjoint", op.over[:1], True, adj.values[logits.name].shape)
    adj.add(value, s.Equation(name, dims, s.CtcGradient(op.over, op.blank, op.title), reads))
    adj.deposits.temporary.add(name)
    return Contribution(Operand(0), (replace(adj.whole(name), dims=dims),))


def _extreme(adj: Adjoint, equation: s.Equation, op: s.Extreme) -> Contribution:
    """Where the extreme is reached, shared equally among the entries that reach it."""
    read = equation.reads[0]
    v, source = adj.values[equation.out], adj.values[read.name]
    g = replace(adj.whole(adj.value(equation.out)), dims=equation.dims)
    best = s.Access(equation.out, g.at, equation.dims)
    axes = tuple(a.axis for a in read.at if a.anchor == "here")
    axes = tuple(a for a in adj.system.axes if a in axes or a in v.axes)
    taps = tuple(Size.of(a.high - a.low + 1) for a in read.at if a.high is not None)
    dims = tuple(str(d) for d in read.dims)
    flags = adj.fresh(f"d({equation.out}:reached)")
    formula: Formula = Operation("==", (Operand(0), Operand(1)))
    reads: tuple[s.Access, ...] = (read, best)
    if len(equation.reads) > 1:
        formula = Operation("and", (formula, Operand(2)))
        reads = (*reads, equation.reads[1])
    batched = source.batched or v.batched
    value = s.Value(flags, "part", axes, batched, (*taps, *source.shape))
    adj.add(value, s.Equation(flags, dims, s.Pointwise(Operation("where", (formula, UNIT, ZERO))), reads))
    reached = s.Access(flags, tuple(At(a) for a in axes), dims)
    count = adj.fresh(f"d({equation.out}:count)")
    adj.add(replace(v, name=count, role="part"), s.Equation(count, equation.dims, s.Contract(), (reached,)))
    number = replace(g, name=count)
    at_least_one = Operation("max", (Operand(2), UNIT))
    share = Operation("*", (Operand(0), Operation("/", (Operand(1), at_least_one))))
    return Contribution(share, (g, reached, number))
