"""`System` to `Program`: the order, the places in memory, the fused kernels."""

from __future__ import annotations

from rnnc.program.forms import Clear, Given, Kernel, Loop, Program, Section, Statement, Step
from rnnc.program.lifetimes import Lifetimes
from rnnc.program.padding import cleared
from rnnc.program.sections import Parts, parts, single_need
from rnnc.program.storage import Storage
from rnnc.system.forms import Equation, Pointwise, System
from rnnc.system.schedule import Batch, Node, equations_of, schedule


def lower(system: System) -> Program:
    """The program of a network (with its gradients, where the system has any)."""
    split = parts(system, schedule(system))
    life = Lifetimes(system, split)
    storage = Storage(system, life)
    storage.run()
    clear = cleared(system)
    sections = tuple(
        Section(name, _body(getattr(split, name), system, split, frozenset(clear), name == "backward"), _names(getattr(split, name)))
        for name in ("forward", "loss", "backward")
    )
    return Program(
        system,
        sections,
        tuple(storage.buffers.values()),
        tuple(sorted(storage.homes.items())),
        clear,
    )


def _names(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    return tuple(e.out for e in equations_of(nodes))


def _body(
    nodes: tuple[Node, ...], system: System, split: Parts, clear: frozenset[str], top: bool
) -> tuple[Statement, ...]:
    """Statements for a run of nodes; neighbours over one space become one kernel."""
    spaces = {v.name: (v.axes, v.batched, v.shape) for v in system.values}
    body: list[Statement] = []
    for node in nodes:
        if isinstance(node, Batch):
            e = node.equation
            made: list[Statement] = [Kernel((e,)) if isinstance(e.op, Pointwise) else Step(e)]
            if e.out in clear:
                made.append(Clear(e.out))
        else:
            made = [Loop(node.axis, node.direction, _body(node.body, system, split, clear, False))]
        need = single_need(node, split.only_for) if top else ()
        if need:
            body.append(Given(need, tuple(made)))
            continue
        last = body[-1] if body else None
        if isinstance(last, Kernel) and isinstance(made[0], Kernel):
            mine = made[0].equations[0]
            if spaces[last.equations[0].out] == spaces[mine.out] and _joins(last.equations, mine):
                made[0] = Kernel((*last.equations, mine))
                body.pop()
        body.extend(made)
    return tuple(body)


def _joins(group: tuple[Equation, ...], e: Equation) -> bool:
    """Whether `e` reads the group's results only in place, so that one thread can compute both."""
    outs = {g.out for g in group}
    return all(r.name not in outs or all(a.low == 0 and a.high is None and a.anchor == "here" for a in r.at) for r in e.reads)


