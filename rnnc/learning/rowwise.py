"""Real-time recurrent learning in blocks of rows, where steps go along several axes: Schmidhuber (1992), "A fixed size
storage O(n^3) time complexity learning algorithm for fully recurrent continually running networks", Neural Computation
4, with a row of positions in the place of a step.

A block is a number of rows along the first axis, each with all positions of the others. What a block hands on are its
last rows, every entry of every state at every position of them. Errors go back through a block as by back-propagation
through time, from its losses and from each of those entries: the latter gives the derivatives of the entries by what
parameters do within the block, and by the entries that the block itself was given, which take the influences of
parameters on those over the block by one product of matrices. Exact.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.autodiff.pull import seedless
from rnnc.autodiff.rules import moves
from rnnc.autodiff.widened import widened
from rnnc.learning.forms import Edge, Rowwise
from rnnc.learning.gradients import learned_parameters
from rnnc.ops.formula import ZERO, Formula, Operand, plus, substitute, sum_of, times
from rnnc.sizes import Size
from rnnc.system.extension import Extension
from rnnc.system.fold import folded
from rnnc.system.forms import Border, Contract, Equation, Pointwise, System, Value
from rnnc.system.hoist import hoist
from rnnc.system.lowering import labels_of
from rnnc.system.needed import needed
from rnnc.system.piecewise import rowwise as sums_before
from rnnc.system.prune import prune
from rnnc.system.reach import downstream

ENTRIES = "entries handed on"
"""The size that says how many entries the last rows have: a name that no author can give."""


def rowwise(system: System) -> Rowwise | None:
    """The system of one block of rows, and that of its last rows; None where the loss needs the whole of the first
    axis. One that reads ahead (`rnnc.system.ahead`) or has no loss must not come here."""
    assert system.loss is not None
    axis, *_ = system.axes
    given = sums_before(system, axis)
    if given is None:
        return None
    parameters = learned_parameters(system)
    needs = _inside(system, (system.loss,))
    edges, opened = _opened(replace(system, equations=needs, outputs=()), axis)
    starts = tuple(e.before for e in edges)
    reaching = active_values(opened, (*parameters, *starts))
    direct = adjoint(opened, tuple(n for n in (*parameters, *starts) if n in reaching), axis)
    found = dict(direct.gradients)
    edges = tuple(replace(e, adjoint=found[e.before]) for e in edges if e.before in found)
    block = _closed(system, direct, given, starts, tuple(e.adjoint for e in edges))
    block = replace(block, gradients=tuple((n, found[n]) for n in parameters if n in found))
    block = prune(hoist(prune(block)))
    rows = _rows_of(block, axis)
    made = {e.out for e in block.equations}
    block = replace(block, kept=(*block.kept, *(n for n, _ in rows if n in made)))
    opening = _alone(system, given) if given else None
    ending, edges, own = _ending(system, opened, edges, parameters, axis) if edges else (None, (), ())
    return Rowwise(block, ending, opening, axis, edges, own, rows)


def _inside(system: System, names: tuple[str, ...]) -> tuple[Equation, ...]:
    """The equations of what `names` need."""
    by_out = {e.out: e for e in system.equations}
    inside = needed(by_out, {b.name: b.reads() for b in system.borders}, names)
    return tuple(e for e in system.equations if e.out in inside)


def _alone(system: System, names: tuple[str, ...]) -> System:
    """What `names` need and nothing else."""
    equations = _inside(system, names)
    made = {e.out for e in equations}
    read = {r.name for e in equations for r in e.reads} | made
    borders = tuple(b for b in system.borders if b.name in read)
    read |= {n for b in borders for n in b.reads()}
    values = tuple(v for v in system.values if v.name in read)
    stacks = tuple(s for s in system.stacks if s.name in read)
    bare = replace(system, values=values, equations=equations, borders=borders, stacks=stacks, outputs=())
    return replace(bare, loss=None, gradients=(), kept=names)


def _opened(system: System, axis: str) -> tuple[tuple[Edge, ...], System]:
    """Of every learned value the rows of it by which later rows move, each with a value that stands for it where it
    lies before the block; and the system with these."""
    x = Extension(system)
    learned = downstream(system, (p.name for p in system.parameters if p.trained))
    lags: dict[str, int] = {}
    for e in system.equations:
        for k, r in enumerate(e.reads):
            back = max((-a.low for a in r.at if a.axis == axis), default=0)
            if back > 0 and r.name in learned and moves(e, k) and x.values[r.name].kind == "real":
                lags[r.name] = max(lags.get(r.name, 0), back)
    borders = {b.name: b for b in system.borders}
    edges = []
    for state, lag in sorted(lags.items()):
        v = x.values[state]
        rows = []
        for back in range(1, lag + 1):
            name = x.fresh(f"{state}:before")
            x.values[name] = Value(name, "input", v.axes[1:], v.batched, v.shape)
            rows.append((back, name))
            edges.append(Edge(state, back, name))
        low: Literal["low", "high"] = "low"
        own = borders.get(state, Border(state, (low,) * len(v.axes), None))
        borders[state] = replace(own, rows=tuple(rows))
    opened = replace(system, values=tuple(x.values.values()), borders=tuple(borders.values()))
    return tuple(edges), opened


def _closed(
    system: System, direct: System, given: tuple[str, ...], starts: tuple[str, ...], kept: tuple[str, ...]
) -> System:
    """The differentiated system as it runs: `given` are sums over the whole sequence."""
    values = tuple(replace(v, role="given") if v.name in given else v for v in direct.values if v.name not in starts)
    equations = tuple(e for e in direct.equations if e.out not in given)
    return replace(system, values=values, equations=equations, kept=kept, outputs=(), gradients=())


def _ending(
    system: System, opened: System, edges: tuple[Edge, ...], parameters: tuple[str, ...], axis: str
) -> tuple[System, tuple[Edge, ...], tuple[tuple[str, str], ...]]:
    """The derivatives of the last rows by parameters and by the rows before the block, and the names of the values
    that hold them."""
    x = Extension(opened)
    last: dict[int, str] = {}
    for back in sorted({e.back for e in edges}):
        last[back] = x.fresh(f"end{back}")
        x.values[last[back]] = Value(last[back], "given", (axis,), False, ())
    chosen = tuple(replace(e, one=x.fresh(f"{e.state}:end{e.back}"), last=last[e.back]) for e in edges)
    sums = []
    for state in dict.fromkeys(e.state for e in chosen):
        v = x.values[state]
        labels = labels_of(v.shape)
        total: Formula = ZERO
        reads = [x.here(state, labels)]
        for e in (e for e in chosen if e.state == state):
            x.values[e.one] = Value(e.one, "given", v.axes[1:], False, v.shape)
            reads += [x.here(e.last, ()), x.here(e.one, labels)]
            total = plus(total, times(times(Operand(len(reads) - 2), Operand(len(reads) - 1)), Operand(0)))
        part = x.add(f"{state}:handed on", v.axes, True, v.shape, Pointwise(total), tuple(reads), labels)
        sums.append(x.add(f"{state}:handed on", (), True, (), Contract(), (x.here(part, labels),), ()))
    loss = x.add("handed on", (), True, (), Pointwise(sum_of(len(sums))), tuple(x.here(n, ()) for n in sums), ())
    whole = replace(opened, values=tuple(x.values.values()), equations=tuple(x.equations.values()), loss=loss)
    wrt = (*parameters, *(e.before for e in chosen))
    made = adjoint(whole, tuple(n for n in wrt if n in active_values(whole, wrt)), axis)
    found = dict(made.gradients)
    names = tuple(found.values())
    made = seedless(_closed(system, made, (), tuple(e.before for e in chosen), names))
    made = _alone(made, names)
    wide = widened(made, tuple(e.one for e in chosen), Size.named(ENTRIES))
    wide = replace(wide, sizes=(*system.sizes, (ENTRIES, 1, False)))
    wide = prune(_inlined(prune(hoist(prune(wide)))))
    # what no entry handed on moves has no derivative, and was never made wider
    moved = {v.name for v in wide.values if v.shape[-1:] == (Size.named(ENTRIES),)}
    found = {n: g for n, g in found.items() if g in moved}
    own = tuple((n, g) for n, g in found.items() if n in parameters)
    wide = prune(replace(wide, kept=tuple(found.values())))
    return wide, tuple(replace(e, by=found.get(e.before)) for e in chosen), own


def _inlined(system: System) -> System:
    """The system without arrays over all positions of what is said of the last rows alone: their readers form it."""
    given = {v.name for v in system.values if v.role == "given"}
    known: dict[str, Equation] = {}
    waiting = [e for e in system.equations if isinstance(e.op, Pointwise)]
    while ready := [e for e in waiting if e.out not in known and all(r.name in given | known.keys() for r in e.reads)]:
        known.update((e.out, e) for e in ready)
    made = {out: _opened_in(e, known) for out, e in known.items()}
    return replace(system, equations=tuple(made.get(e.out) or _opened_in(e, known) for e in system.equations))


def _opened_in(e: Equation, known: dict[str, Equation]) -> Equation:
    """The equation with what it reads of `known` spelled out, where it is a formula itself."""
    while isinstance(e.op, Pointwise) and any(r.name in known for r in e.reads):
        k = next(k for k, r in enumerate(e.reads) if r.name in known)
        inner = known[e.reads[k].name]
        assert isinstance(inner.op, Pointwise)
        rename = dict(zip(inner.dims, e.reads[k].dims, strict=True))
        own = tuple(replace(r, dims=tuple(rename.get(str(d), d) for d in r.dims)) for r in inner.reads)
        reads = (*e.reads[:k], *e.reads[k + 1 :], *own)
        rest = len(e.reads) - 1
        within = substitute(inner.op.formula, {i: Operand(rest + i) for i in range(len(own))})
        places: dict[int, Formula] = {i: Operand(i - (i > k)) for i in range(len(e.reads)) if i != k}
        e = replace(e, op=Pointwise(folded(substitute(e.op.formula, {**places, k: within}))), reads=reads)
    return e


def _rows_of(block: System, axis: str) -> tuple[tuple[str, int], ...]:
    """The values of which a block reads rows before its first, and how many."""
    found: dict[str, int] = {}
    for e in block.equations:
        for r in e.reads:
            for a in r.at:
                if a.axis == axis and a.anchor == "here" and a.low < 0:
                    found[r.name] = max(found.get(r.name, 0), -a.low)
    return tuple(sorted(found.items()))
