"""Whether a loss can be computed a piece of a sequence after the other: it is a sum over positions, each of which needs
its own step and earlier ones, times numbers that depend on the data alone (as one over how many targets there are)."""

from __future__ import annotations

from rnnc.ops.formula import Formula, Operand, Operation, operands
from rnnc.system.forms import Contract, Ctc, Dropout, Equation, Extreme, Pointwise, Softmax, System
from rnnc.system.needed import needed
from rnnc.system.reach import downstream
from rnnc.system.schedule import Scan, equations_of, schedule
from rnnc.system.stepping import hindrance


def piecewise(system: System) -> tuple[str, ...] | None:
    """The values to be known of a whole sequence before its first piece: sums over the data. None where the units or
    the loss need a whole sequence otherwise."""
    assert system.loss is not None
    if hindrance(system) is not None:
        return None
    values = {v.name: v for v in system.values}
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders}
    units = tuple(v.name for v in system.values if v.role == "unit")
    moving = downstream(system, (*units, *(p.name for p in system.parameters)))
    rest = needed(by_out, borders, (system.loss,)) - needed(by_out, borders, units)
    known = tuple(sorted(n for n in rest - moving if not values[n].axes and values[n].batched and _gathers(by_out[n])))
    inside = [by_out[n] for n in rest - needed(by_out, borders, known)]
    if any(not _own_step(e, system.axes) for e in inside) or not _dropped_alike(system):
        return None
    sums = {e.out for e in inside if not values[e.out].axes and isinstance(e.op, Contract) and _gathers(e)}
    linear: set[str] = set()
    waiting = {e.out: e for e in inside if not values[e.out].axes and e.out in moving}
    while ready := [e for e in waiting.values() if not any(r.name in waiting for r in e.reads)]:
        for e in ready:
            del waiting[e.out]
            if e.out in sums or _linear_in(e, linear):
                linear.add(e.out)
    return known if system.loss in linear else None


def _gathers(e: Equation) -> bool:
    """Whether it reads what has an axis; of what it makes it is known to have none."""
    return any(r.at for r in e.reads)


def _own_step(e: Equation, axes: tuple[str, ...]) -> bool:
    over = getattr(e.op, "over", ())
    across = isinstance(e.op, Ctc) or (isinstance(e.op, Softmax) and over in axes)
    across = across or (isinstance(e.op, Extreme) and any(a in over for a in axes))
    return not across and all(a.anchor == "here" and not a.low and a.high is None for r in e.reads for a in r.at)


def _dropped_alike(system: System) -> bool:
    """Whether masks of dropout are drawn step after step, so that pieces can go on drawing."""
    axes = {v.name: v.axes for v in system.values}
    scanned = {e.out for node in schedule(system) if isinstance(node, Scan) for e in equations_of((node,))}
    dropped = [e.out for e in system.equations if isinstance(e.op, Dropout)]
    return all(axes[name] and name not in scanned for name in dropped)


def _linear_in(e: Equation, names: set[str]) -> bool:
    """Whether it is a sum of multiples of what `names` has."""
    own = {k for k, r in enumerate(e.reads) if r.name in names}
    if isinstance(e.op, Contract):
        return len(own) == 1
    return isinstance(e.op, Pointwise) and _linear(e.op.formula, own)


def _linear(formula: Formula, own: set[int]) -> bool:
    if isinstance(formula, Operand):
        return formula.index in own
    if not isinstance(formula, Operation):
        return False
    free = [not own & set(operands(a)) for a in formula.args]
    if formula.op in ("+", "-", "neg"):
        return all(_linear(a, own) for a in formula.args)
    if formula.op == "*":
        return sum(free) == 1 and any(_linear(a, own) for a, f in zip(formula.args, free, strict=True) if not f)
    return formula.op == "/" and free[1] and _linear(formula.args[0], own)
