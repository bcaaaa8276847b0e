"""Whether a network can be learned forward in time: nothing learned is read before its step has come."""

from __future__ import annotations

from rnnc.diagnostics import Reporter
from rnnc.system.errors import ReadsAhead
from rnnc.system.forms import Access, Contract, Equation, Extreme, Scatter, Softmax, System, Value
from rnnc.system.reach import downstream, upstream
from rnnc.system.show import show_access


def ahead(system: System, reporter: Reporter) -> bool:
    """Whether any reference looks ahead to something learned; reports the first of every unit: a later step of a value
    that depends on a trained parameter, or (as a last position, a sum or a softmax) the whole of its sequence,
    where the reader is itself part of a sequence or feeds one. Inputs may be read ahead: they are given.

    `system` is a network as built, neither stacked nor hoisted: its references have the author's places.
    """
    values = {v.name: v for v in system.values}
    learned = downstream(system, {p.name for p in system.parameters if p.trained})
    feeds = upstream(system, {v.name for v in system.values if v.axes and not v.name.startswith("loss:")})
    told: set[str] = set()
    for e in system.equations:
        owner = e.out.split(":")[0]
        unit = owner.split(".")[0]
        for r in e.reads:
            if r.name not in learned or unit in told:
                continue
            later = any(a.anchor == "here" and max(a.low, a.high or 0) > 0 for a in r.at)
            if later or (e.out in feeds and _whole(e, r, values)):
                span = r.span or e.span
                assert span is not None
                told.add(unit)
                started = values[r.name].role == "input"
                reporter.report(ReadsAhead(span=span, name=owner, reads=spelled_read(r), later=later, started=started))
    return bool(told)


def _whole(e: Equation, r: Access, values: dict[str, Value]) -> bool:
    """Whether one position of the reader needs every position of what it reads, or the last."""
    out = values[e.out].axes
    over = getattr(e.op, "over", ())
    for a in r.at:
        if a.anchor == "last" or a.axis == over or (isinstance(e.op, Extreme) and a.axis in over):
            return True
        if a.anchor == "here" and a.axis not in out and isinstance(e.op, Contract | Scatter | Softmax):
            return True
    return False


def spelled_read(r: Access) -> str:
    """The reference in the network's own steps: a cell that runs in reverse reads `y[n-1]` at its unit's n+1."""
    return show_access(Access(r.name.split(":")[0], r.at, ()))
