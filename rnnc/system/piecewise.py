"""Whether a loss can be computed a piece of a sequence after the other: it is a sum over positions, each of which needs
its own step and earlier ones, times numbers that depend on the data alone (as one over how many targets there are)."""

from __future__ import annotations

from rnnc.ops.formula import Formula, Operand, Operation, operands
from rnnc.system.forms import Contract, Ctc, Dropout, Equation, Extreme, Pointwise, Softmax, System
from rnnc.system.needed import needed
from rnnc.system.reach import downstream, reached
from rnnc.system.schedule import Scan, equations_of, schedule
from rnnc.system.stepping import hindered, hindrance


def piecewise(system: System) -> tuple[str, ...] | None:
    """The values to be known of a whole sequence before its first piece: sums over the data. None where the units or
    the loss need a whole sequence otherwise."""
    return None if hindrance(system) is not None else _known(system, system.axes)


def rowwise(system: System, axis: str) -> tuple[str, ...] | None:
    """The same of pieces along one of several axes, each with all positions of the others."""
    return None if hindered(system, axis) else _known(system, (axis,))


def _known(system: System, axes: tuple[str, ...]) -> tuple[str, ...] | None:
    assert system.loss is not None
    values = {v.name: v for v in system.values}
    along = {v.name for v in system.values if set(axes) & set(v.axes)}
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders}
    units = tuple(v.name for v in system.values if v.role == "unit")
    moving = downstream(system, (*units, *(p.name for p in system.parameters)))
    rest = needed(by_out, borders, (system.loss,)) - needed(by_out, borders, units)
    gathered = {n for n in rest - along if _gathers(by_out[n], axes)}
    known = tuple(sorted(n for n in gathered - moving if values[n].batched))
    inside = [by_out[n] for n in rest - needed(by_out, borders, known)]
    if any(not _own_step(e, axes) for e in inside) or not _dropped_alike(system, axes):
        return None
    sums = {e.out for e in inside if e.out in gathered and isinstance(e.op, Contract)}
    if along & reached(sums, ((r.name, e.out) for e in inside for r in e.reads)):
        return None
    linear: set[str] = set()
    waiting = {e.out: e for e in inside if e.out not in along and e.out in moving}
    while ready := [e for e in waiting.values() if not any(r.name in waiting for r in e.reads)]:
        for e in ready:
            del waiting[e.out]
            if e.out in sums or _linear_in(e, linear):
                linear.add(e.out)
    return known if system.loss in linear else None


def _gathers(e: Equation, axes: tuple[str, ...]) -> bool:
    """Whether it reads what has one of the axes; of what it makes it is known to have none of them."""
    return any(a.axis in axes for r in e.reads for a in r.at)


def _own_step(e: Equation, axes: tuple[str, ...]) -> bool:
    over = getattr(e.op, "over", ())
    across = isinstance(e.op, Ctc) or (isinstance(e.op, Softmax) and over in axes)
    across = across or (isinstance(e.op, Extreme) and any(a in over for a in axes))
    read = (a for r in e.reads for a in r.at if a.axis in axes)
    return not across and all(a.anchor == "here" and not a.low and a.high is None for a in read)


def _dropped_alike(system: System, pieces: tuple[str, ...]) -> bool:
    """Whether masks of dropout are drawn step after step, so that pieces can go on drawing."""
    axes = {v.name: v.axes for v in system.values}
    scanned = {e.out for node in schedule(system) if isinstance(node, Scan) for e in equations_of((node,))}
    dropped = [e.out for e in system.equations if isinstance(e.op, Dropout)]
    return all(axes[name][:1] and axes[name][0] in pieces and name not in scanned for name in dropped)


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
