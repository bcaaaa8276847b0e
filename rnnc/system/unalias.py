"""A value that is nothing but another one under a second name goes; what read it reads the other.

before   d(x:product)[n] = d(h:product)[n]      d(W) = d(x:product) . x
after                                           d(W) = d(h:product) . x
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.ops.formula import Operand
from rnnc.system.forms import FROM_BORDER, Equation, Pointwise, System


def unalias(system: System) -> System:
    """The system without plain copies among the values that the compiler made."""
    values = {v.name: v for v in system.values}
    kept = {b.name for b in system.borders} | {n for b in system.borders for n in b.reads()}
    kept |= {system.loss or "", *system.outputs, *(g for _, g in system.gradients)}
    same: dict[str, str] = {}

    def copies(e: Equation) -> bool:
        read, v = e.reads[0], values[e.out]
        w = values[read.name]
        return (
            e.out not in kept
            and e.about != FROM_BORDER
            and read.name not in kept
            and v.role in ("part", "adjoint")
            and w.role in ("part", "adjoint", "given")
            and (v.axes, v.batched, v.shape, v.kind) == (w.axes, w.batched, w.shape, w.kind)
            and read.dims == e.dims
            and read.in_place
        )

    for e in system.equations:
        if isinstance(e.op, Pointwise) and e.op.formula == Operand(0) and copies(e):
            same[e.out] = e.reads[0].name

    def first(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    return replace(
        system,
        values=tuple(v for v in system.values if v.name not in same),
        equations=tuple(
            replace(e, reads=tuple(replace(r, name=first(r.name)) for r in e.reads))
            for e in system.equations
            if e.out not in same
        ),
    )
