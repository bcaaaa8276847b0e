"""What one launch could do: kernels, clears and moves in a row become one `Run`.

before   kernel c[n] = ...            after   run
         clear c                                kernel c[n] = ...
         kernel h[n] = o[n] * tanh(c[n])        clear c
         clear h                                kernel h[n] = o[n] * tanh(c[n])
         step p[n] = W . h[n]                   clear h
                                              step p[n] = W . h[n]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.program.forms import Clear, Given, Kernel, Loop, Program, Run, Statement, Step
from rnnc.system.forms import Concat, Contract, Equation, Slice, Value


def in_runs(program: Program) -> Program:
    """The same program with its runs; strips of positions have none."""
    values = {v.name: v for v in program.system.values}
    # what a border reads has been computed before the values that have the border are allocated
    outside = frozenset(n for b in program.system.borders for n in b.reads())
    sections = tuple(replace(s, body=_joined(s.body, values, outside)) for s in program.sections)
    return replace(program, sections=sections)


def _joined(body: tuple[Statement, ...], values: Mapping[str, Value], outside: frozenset[str]) -> tuple[Statement, ...]:
    done: list[Statement] = []
    run: list[Kernel | Clear | Step] = []

    def close() -> None:
        if run:
            done.append(Run(tuple(run)))
            run.clear()

    for statement in body:
        if isinstance(statement, Kernel | Clear) or (isinstance(statement, Step) and moves(statement.equation, values)):
            run.append(statement)
            if any(name in outside for name in made(statement)):
                close()
            continue
        close()
        if isinstance(statement, Loop | Given):
            statement = replace(statement, body=_joined(statement.body, values, outside))
        done.append(statement)
    close()
    return tuple(done)


def made(statement: Kernel | Clear | Step) -> tuple[str, ...]:
    """The values that a statement of a run writes."""
    if isinstance(statement, Kernel):
        return tuple(e.out for e in statement.equations)
    return (statement.value,) if isinstance(statement, Clear) else (statement.equation.out,)


def moves(e: Equation, values: Mapping[str, Value]) -> bool:
    """Whether every entry of the result is made of one entry of each read: rows side by side, rows cut out, and a
    contraction that sums nothing."""
    if isinstance(e.op, Concat | Slice):
        return True
    if not isinstance(e.op, Contract):
        return False
    out = values[e.out]
    for r in e.reads:
        v = values[r.name]
        if (v.batched and not out.batched) or any(isinstance(d, str) and d not in e.dims for d in r.dims):
            return False
        if any(at.anchor == "here" and at.axis not in out.axes for at in r.at):
            return False
    return True
