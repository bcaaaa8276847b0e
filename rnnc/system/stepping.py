"""Whether a network can run step by step: every unit needs only its own step and earlier ones."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.diagnostics import Span
from rnnc.system.forms import Contract, Ctc, Extreme, Softmax, System
from rnnc.system.needed import needed


@dataclass(frozen=True)
class Hindrance:
    """Why a network cannot run step by step, and the place in the spec that says so."""

    said: str
    span: Span | None = None


def label_axes(system: System) -> tuple[str, ...]:
    """The axes along which there are labels of a ctc loss and nothing that is computed: they may be empty."""
    labels = {e.op.over[1] for e in system.equations if isinstance(e.op, Ctc)}
    others = {a for v in system.values if v.role not in ("target", "position") for a in v.axes}
    return tuple(a for a in system.axes if a in labels - others)


def stepped(system: System) -> tuple[str, ...]:
    """The axes along which a network goes: all but those of labels."""
    labels = label_axes(system)
    return tuple(a for a in system.axes if a not in labels)


def hindrance(system: System) -> Hindrance | None:
    """The first one found, None where the network can."""
    axes = stepped(system)
    if len(axes) != 1:
        return Hindrance("it has several axes" if axes else "it has no axis")
    values = {v.name: v for v in system.values}
    by_out = {e.out: e for e in system.equations}
    units = tuple(v.name for v in system.values if v.role == "unit")
    for name in sorted(needed(by_out, {b.name: b.reads() for b in system.borders}, units)):
        e = by_out[name]
        author = name.split(":")[0]
        for r in e.reads:
            span = r.span or e.span
            if r.name.startswith("|"):
                return Hindrance(f"`{author}` needs the length of the sequence", span)
            for at in r.at:
                if at.anchor != "here":
                    return Hindrance(f"`{author}` reads `{r.name}[{at.anchor}]`", span)
                if at.low > 0 or (at.high or 0) > 0:
                    return Hindrance(f"`{author}` reads `{r.name}` at a later step", span)
        summed = isinstance(e.op, Contract) and any(r.at for r in e.reads) and not values[name].axes
        over = getattr(e.op, "over", ())
        if (
            summed
            or (isinstance(e.op, Softmax) and over in system.axes)
            or (isinstance(e.op, Extreme) and any(a in over for a in system.axes))
        ):
            return Hindrance(f"`{author}` needs the whole sequence", e.span)
    return None


def hindered(system: System, axis: str) -> bool:
    """Whether something that the loss needs, below the sums that make it, is of no fixed distance along one of several
    axes, of a later position, or of all of them: then the network cannot run position by position there."""
    assert system.loss is not None
    values = {v.name: v for v in system.values}
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders}
    inside = needed(by_out, borders, (system.loss,))
    units = needed(by_out, borders, tuple(n for n in inside if values[n].role == "unit"))
    for e in (by_out[name] for name in inside):
        along = [a for r in e.reads for a in r.at if a.axis == axis]
        over = getattr(e.op, "over", ())
        if any(a.anchor != "here" or a.low > 0 or (a.high or 0) > 0 for a in along):
            return True
        if axis in (over if isinstance(over, tuple) else (over,)):
            return True
        if e.out in units and isinstance(e.op, Contract) and along and axis not in values[e.out].axes:
            return True
    return False
