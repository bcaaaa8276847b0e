"""Back-propagation starts from a derivative of one; the gradients are scaled once, at the end.

They are linear in what it starts from, so a mean over the batch needs no factor at every position.

before   d(loss)[n] = seed      d(y)[n] = d(loss)[n] * (y[n] - t[n])
after    d(y)[n] = y[n] - t[n]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.ops.formula import UNIT, Constant, Formula, Operand, substitute
from rnnc.system.fold import folded
from rnnc.system.forms import Equation, Pointwise, System

_BACKWARD = ("adjoint", "gradient", "given")


def from_one(system: System) -> System:
    """The system with one for the seed and for what is only numbers then, wherever an equation reads no other adjoint:
    what reads none is cleared in the padding by itself (`rnnc.program.padding`)."""
    roles = {v.name: v.role for v in system.values}
    numbers = {v.name: UNIT for v in system.values if v.role == "seed"}
    kept = {g for _, g in system.gradients} | {n for b in system.borders for n in (b.name, *b.reads())}
    equations = {e.out: e for e in system.equations}
    found = True
    while found:
        found = False
        for e in equations.values():
            made = _without(e, numbers, roles)
            if made is None:
                continue
            equations[e.out] = made
            found = True
            if isinstance(made.op, Pointwise) and isinstance(made.op.formula, Constant) and e.out not in kept:
                numbers[e.out] = made.op.formula
    read = {r.name for e in equations.values() for r in e.reads} | kept
    return replace(
        system,
        values=tuple(v for v in system.values if v.name in read or v.name not in numbers or v.role == "seed"),
        equations=tuple(e for e in equations.values() if e.out in read or e.out not in numbers),
    )


def reads_seed(system: System) -> bool:
    """Whether an equation is left that reads the seed itself."""
    seeds = {v.name for v in system.values if v.role == "seed"}
    return any(r.name in seeds for e in system.equations for r in e.reads)


def _without(e: Equation, numbers: dict[str, Constant], roles: Mapping[str, str]) -> Equation | None:
    """The equation with numbers for the reads that are known; None where that changes nothing."""
    known = {k: numbers[r.name] for k, r in enumerate(e.reads) if r.name in numbers and r.in_place}
    others = (roles[r.name] for k, r in enumerate(e.reads) if k not in known)
    if not isinstance(e.op, Pointwise) or not known or any(role in (*_BACKWARD, "seed") for role in others):
        return None
    left = [k for k in range(len(e.reads)) if k not in known]
    moved: dict[int, Formula] = {**known, **{k: Operand(at) for at, k in enumerate(left)}}
    return replace(e, op=Pointwise(folded(substitute(e.op.formula, moved))), reads=tuple(e.reads[k] for k in left))
