"""What is computed twice said once: the negative of a net input reads the net input.

A cross entropy of sigmoid units is -t ln y - (1 - t) ln(1 - y) with ln y = -softplus(-net), where the
compiler forms -net anew from what net is made of. Read from net itself, all that reaches the loss goes
through one delta.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.model.forms import At
from rnnc.ops.formula import Operand, Operation
from rnnc.system.forms import Access, Equation, Pointwise, System


def share(system: System) -> System:
    """The same system, the negatives of sums that other equations hold written as negatives of those."""
    values = {v.name: v for v in system.values}
    sums: dict[object, Equation] = {}
    for e in system.equations:
        if isinstance(e.op, Pointwise) and isinstance(e.op.formula, Operation):
            v = values[e.out]
            sums.setdefault((e.op.formula, e.reads, e.dims, v.axes, v.shape), e)

    def shared(e: Equation) -> Equation:
        formula = e.op.formula if isinstance(e.op, Pointwise) else None
        if not isinstance(formula, Operation) or formula.op != "neg":
            return e
        v = values[e.out]
        found = sums.get((formula.args[0], e.reads, e.dims, v.axes, v.shape))
        if found is None:
            return e
        read = Access(found.out, tuple(At(a) for a in v.axes), e.dims)
        return replace(e, op=Pointwise(Operation("neg", (Operand(0),))), reads=(read,))

    return replace(system, equations=tuple(shared(e) for e in system.equations))
