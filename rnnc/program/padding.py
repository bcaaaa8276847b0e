"""Which values must be cleared in the padding of a ragged batch, so that it reaches nothing.

Padded positions are computed like any other, from inputs that are zero there. A value is cleared where that would
be seen: read at
an offset (its neighbour past the end must be zero or its border), summed over the axis with nothing else zero
there, or not sure
to be finite. An adjoint is zero in the padding because the loss reads no padding; one that is spread along an axis is
cleared to make it so.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.ops.elementary import BY_NAME
from rnnc.ops.formula import Formula, Operation, depth_first
from rnnc.program.guard import summed, zero_past
from rnnc.system.forms import CtcGradient, Equation, Pointwise, System, Value


def cleared(system: System) -> tuple[str, ...]:
    """Names of the computed values to clear, in the order of the system's values."""
    values = {v.name: v for v in system.values}
    by_out = {e.out: e for e in system.equations}
    chosen: set[str] = set()
    for e in system.equations:
        for r in e.reads:
            if r.name in by_out and any(a.low or a.high is not None for a in r.at):
                chosen.add(r.name)
        out = values[e.out]
        if out.axes and isinstance(e.op, Pointwise) and not _finite(e.op.formula):
            chosen.add(e.out)
        if isinstance(e.op, CtcGradient):
            continue  # zero there by itself
        if out.role in ("adjoint", "gradient") and out.axes and (_spreads(e, values) or _reaches_in(e, values)):
            chosen.add(e.out)
    clean = {v.name for v in system.values if v.role in ("input", "target", "adjoint", "gradient", "given")}
    borders = {b.name: b for b in system.borders}
    for e in system.equations:
        for axis, term in summed(e, values):
            factors = [r for r in term if zero_past(r, axis, values, borders)]
            if not any(r.name in clean or r.name in chosen for r in factors):
                chosen.add(next(r.name for r in factors if r.name in by_out))
    return tuple(v.name for v in system.values if v.name in chosen and v.name in by_out and v.axes)


def _reaches_in(e: Equation, values: Mapping[str, Value]) -> bool:
    """Whether a padded position would read an adjoint inside the sequence: what it says belongs to the border."""
    adjoints = (r for r in e.reads if values[r.name].role in ("adjoint", "gradient"))
    return any(a.low < 0 for r in adjoints for a in r.at)


def _spreads(e: Equation, values: Mapping[str, Value]) -> bool:
    """Whether some axis of the output is in no read that is an adjoint."""
    axes = set(values[e.out].axes)
    found: set[str] = set()
    for r in e.reads:
        if values[r.name].role in ("adjoint", "gradient", "given"):
            found |= {a.axis for a in r.at if a.anchor == "here"}
    terms = [{a.axis for a in r.at} for r in e.reads if values[r.name].role in ("adjoint", "gradient", "given", "seed")]
    return bool(axes - found) or (isinstance(e.op, Pointwise) and any(axes - t for t in terms))


def _finite(formula: Formula) -> bool:
    """Finite for every finite operand."""
    for node in depth_first(formula):
        if isinstance(node, Operation):
            if node.op in ("/", "^"):
                return False
            if node.op in BY_NAME and not BY_NAME[node.op].total:
                return False
    return True
