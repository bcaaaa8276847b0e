"""Operations as products: what a table, a dropout or an extreme multiplies its operand with, as a value."""

from __future__ import annotations

from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, ZERO, Formula, Operand, Operation, times
from rnnc.system import forms as s
from rnnc.system.extension import Extension


def one_hot(x: Extension, e: s.Equation) -> s.Access:
    """1 at the row of the table that a token names: out[d] = sum over rows of table[row, d] * one_hot[row]."""
    table, token = e.reads
    row = str(table.dims[0])
    one = x.make("one", (), s.Pointwise(times(UNIT, UNIT)), (token,), ())
    shape = (x.sizes((table,))[row],)
    name = x.make(f"{token.name}:one hot", shape, s.Scatter(), (x.here(one, ()), token), (row,))
    return x.here(name, (row,))


def mask(x: Extension, e: s.Equation, op: s.Dropout) -> s.Access:
    """What dropout multiplies each entry with."""
    v = x.values[e.out]
    ones = x.add(f"{e.out}:ones", v.axes, v.batched, v.shape, s.Pointwise(UNIT), (), e.dims)
    name = x.make(f"{e.out}:mask", v.shape, op, (x.here(ones, e.dims),), e.dims)
    return x.here(name, e.dims)


def share(x: Extension, e: s.Equation) -> s.Access:
    """1 where the extreme is reached, shared equally among the entries that reach it (as in the adjoint)."""
    read = e.reads[0]
    v = x.values[e.out]
    best = s.Access(e.out, tuple(At(a) for a in v.axes), e.dims)
    formula: Formula = Operation("==", (Operand(0), Operand(1)))
    reads: tuple[s.Access, ...] = (read, best)
    if len(e.reads) > 1:
        formula, reads = Operation("and", (formula, Operand(2))), (*reads, e.reads[1])
    labels = tuple(d for d in read.dims if isinstance(d, str))
    shape = tuple(x.sizes((read,))[d] for d in labels)
    chosen = s.Pointwise(Operation("where", (formula, UNIT, ZERO)))
    reached = x.here(x.make(f"{e.out}:reached", shape, chosen, reads, labels), labels)
    count = x.here(x.make(f"{e.out}:count", v.shape, s.Contract(), (reached,), e.dims), e.dims)
    ratio = s.Pointwise(Operation("/", (Operand(0), Operation("max", (Operand(1), UNIT)))))
    return x.here(x.make(f"{e.out}:share", shape, ratio, (reached, count), labels), labels)
