"""Back-propagation through time in pieces: of a sequence of T steps the states between pieces of about sqrt(T) steps
are kept, and every piece is run again when its adjoints go back (Chen, Xu, Zhang and Guestrin 2016, section 4.1;
Griewank and Walther 2000 for the scheme behind it). The gradient is that of the whole sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.autodiff.adjoint import SEED
from rnnc.diagnostics import Reporter
from rnnc.learning.bptt import differentiated, finished, ready
from rnnc.ops.formula import UNIT, Formula, Operand, substitute
from rnnc.system.ahead import spelled_read
from rnnc.system.errors import NotInPieces
from rnnc.system.forms import Contract, Equation, Pointwise, System, Value
from rnnc.system.pieces import Inseparable, Pieces, in_pieces


def separated(system: System, reporter: Reporter) -> Pieces | None:
    """`checkpoints` of a network with a loss; None where it cannot be had, and why is reported."""
    try:
        return checkpoints(system)
    except Inseparable as problem:
        e = problem.equation or next(e for e in system.equations if e.span is not None)
        span = (problem.access.span if problem.access else None) or e.span
        span = span or next(o.span for o in system.equations if o.span and o.out.split(":")[0] == e.out.split(":")[0])
        reads = spelled_read(problem.access) if problem.access and problem.equation else ""
        reporter.report(NotInPieces(span=span, name=e.out.split(":")[0], reads=reads, why=problem.why))
        return None


def checkpoints(system: System) -> Pieces:
    """The parts of a network with a loss, each with its gradients, ready to be scheduled. Raises
    `rnnc.system.pieces.Inseparable` for a network that cannot be run in pieces."""
    pieces = in_pieces(system)
    roles = {v.name: v.role for v in pieces.piece.values}
    before = tuple(n for c in pieces.carried if c.after for n in c.before if roles[n] == "given")
    end = pieces.end
    if end is not None:
        learned = tuple(s.name for s in pieces.sums if s.adjoint)
        stacked = ready(end)
        read = {r.name for e in stacked.equations for r in e.reads}
        end = finished(replace(differentiated(stacked, tuple(n for n in learned if n in read)), loss=None))
    return replace(
        pieces,
        begin=None if pieces.begin is None else _alone(pieces.begin, ()),
        piece=_alone(pieces.piece, before),
        end=end,
    )


def _alone(system: System, also: tuple[str, ...]) -> System:
    """The gradients of what a part minimises: its given adjoints say all of what it is worth."""
    whole = differentiated(ready(system), also)
    values = {v.name: v for v in whole.values}
    return finished(replace(whole, equations=tuple(_unseeded(e, values) for e in whole.equations), loss=None))


def _unseeded(e: Equation, values: Mapping[str, Value]) -> Equation:
    """The equation with 1 for the derivative of the loss by itself."""
    seeds = tuple(k for k, r in enumerate(e.reads) if r.name == SEED)
    if not seeds:
        return e
    left = tuple(r for r in e.reads if r.name != SEED)
    if isinstance(e.op, Contract):
        out, read = values[e.out], values[left[0].name]
        same = len(left) == 1 and (left[0].dims, read.axes, read.batched) == (e.dims, out.axes, out.batched)
        return replace(e, reads=left, op=Pointwise(Operand(0)) if same else e.op)
    assert isinstance(e.op, Pointwise), "only formulas and products read the seed"
    kept = [k for k in range(len(e.reads)) if k not in seeds]
    moved: dict[int, Formula] = {k: Operand(i) for i, k in enumerate(kept)}
    return replace(e, op=Pointwise(substitute(e.op.formula, {**moved, **dict.fromkeys(seeds, UNIT)})), reads=left)
