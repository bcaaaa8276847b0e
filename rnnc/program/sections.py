"""What runs when: the forward part, what only the loss needs, and the backward part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.system.forms import Equation, System
from rnnc.system.needed import needed
from rnnc.system.schedule import Node, equations_of


@dataclass(frozen=True)
class Parts:
    """The schedule's nodes by section, and for each backward equation the input gradients it is needed for alone
    (empty: it is needed always)."""

    forward: tuple[Node, ...]
    loss: tuple[Node, ...]
    backward: tuple[Node, ...]
    only_for: dict[str, tuple[str, ...]]


def parts(system: System, nodes: tuple[Node, ...]) -> Parts:
    """Splits a schedule. What the outputs read is forward (everything, in a network without outputs); the loss and
    the other units
    are loss; what reads the seed or serves that is backward."""
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders}
    roles = {v.name: v.role for v in system.values}
    units = tuple(n for n in by_out if roles[n] == "unit")
    forward = needed(by_out, borders, system.outputs or units)
    loss = needed(by_out, borders, (*units, *((system.loss,) if system.loss else ()))) - forward
    chosen: dict[str, list[Node]] = {"forward": [], "loss": [], "backward": []}
    for node in nodes:
        names = [e.out for e in equations_of((node,))]
        where = "forward" if names[0] in forward else "loss" if names[0] in loss else "backward"
        chosen[where].append(node)
    return Parts(
        tuple(chosen["forward"]),
        tuple(chosen["loss"]),
        tuple(chosen["backward"]),
        _only_for(system, by_out, borders, roles),
    )


def _only_for(
    system: System, by_out: dict[str, Equation], borders: dict[str, tuple[str, ...]], roles: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    inputs = [(n, g) for n, g in system.gradients if roles[n] == "input"]
    always = needed(by_out, borders, tuple(g for n, g in system.gradients if roles[n] != "input"))
    only: dict[str, tuple[str, ...]] = {}
    for name, gradient in inputs:
        for out in needed(by_out, borders, (gradient,)) - always:
            if roles[out] in ("adjoint", "gradient", "part"):
                only[out] = (*only.get(out, ()), name)
    return only


def single_need(node: Node, only_for: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The input gradients a whole node is needed for alone; empty where it runs always."""
    names: list[str] = []
    for e in equations_of((node,)):
        if e.out not in only_for:
            return ()
        names.extend(n for n in only_for[e.out] if n not in names)
    return tuple(sorted(names))
