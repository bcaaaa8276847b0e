"""Adjoints of many weighted sums at once: every adjoint gets one more dimension, which numbers the sums.

The equations of an adjoint system are linear in its adjoints, so each holds for every sum by itself; nothing is summed
over the batch any more, so that every sequence has the derivatives of its own.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.autodiff.factors import mask, one_hot
from rnnc.sizes import Size
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Dropout, Equation, Gather, Scatter, System
from rnnc.system.reach import downstream

EACH = ".e"
"""The label of the dimension that numbers the sums; it comes last."""


def widened(system: System, weights: tuple[str, ...], count: Size) -> System:
    """The system in which the given values `weights`, and all that depends on them, stand for `count` choices of
    weights side by side."""
    moved = downstream(replace(system, borders=()), weights)
    batched = _by_sequence(system, moved)
    x = Extension(system)
    for name in moved:
        v = x.values[name]
        x.values[name] = replace(v, batched=name in batched, shape=(*v.shape, count))
    for name in sorted(moved & x.equations.keys()):
        x.equations[name] = _each(x, x.equations[name], moved)
    return replace(system, values=tuple(x.values.values()), equations=tuple(x.equations.values()))


def _by_sequence(system: System, moved: frozenset[str]) -> frozenset[str]:
    """Of `moved` what depends on something that the sequences of a batch have each for itself."""
    found = {v.name for v in system.values if v.batched}
    waiting = [e for e in system.equations if e.out in moved]
    while ready := [e for e in waiting if e.out not in found and any(r.name in found for r in e.reads)]:
        found.update(e.out for e in ready)
    return moved & found


def _each(x: Extension, e: Equation, moved: frozenset[str]) -> Equation:
    """The equation for every sum: a table's rows by its tokens, and dropout's mask, become factors of a product."""
    op = e.op
    reads = tuple(_wide(r) if r.name in moved else r for r in e.reads)
    if isinstance(op, Dropout):
        # the mask is drawn for the value itself
        plain = x.values[e.out]
        x.values[e.out] = replace(plain, shape=plain.shape[:-1])
        factor = mask(x, e, op)
        x.values[e.out] = plain
        op, reads = Contract(), (*reads, factor)
    elif isinstance(op, Scatter):
        value, token = reads
        table = Access(e.out, (), (*e.dims, EACH))
        op, reads = Contract(), (value, one_hot(x, replace(e, op=Gather(), reads=(table, token))))
    return replace(e, dims=(*e.dims, EACH), op=op, reads=reads)


def _wide(r: Access) -> Access:
    return replace(r, dims=(*r.dims, EACH))
