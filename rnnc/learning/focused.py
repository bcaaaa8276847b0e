"""Focused back-propagation: real-time recurrent learning of a network whose recurrences see each unit alone, so that a
weight has one trace (Mozer 1989, "A focused backpropagation algorithm for temporal pattern recognition", Complex
Systems 3). Exact; what a recurrence would carry from unit to unit is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnc.autodiff.blocks import Block, rows_of
from rnnc.autodiff.jacobian import jacobian
from rnnc.learning.forms import Forward
from rnnc.learning.gradients import learned_parameters
from rnnc.learning.rtrl import rtrl
from rnnc.system.cut import Carried, Step, cut
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Equation, Pointwise, System
from rnnc.system.reach import downstream, reached
from rnnc.system.refine import refined


class Crossing(Exception):
    """`equation` reads by `access` an earlier state of a recurrence, and goes on with it in other units too."""

    def __init__(self, equation: Equation, access: Access) -> None:
        super().__init__(access.name)
        self.equation = equation
        self.access = access


def focused(system: System, most: int | None = None) -> Forward:
    """`rtrl` of a network of which every recurrence is diagonal. Raises `Crossing` for another, and as
    `rnnc.learning.rtrl.rtrl`."""
    step = cut(refined(system).system)
    links = tuple(_links(step, learned_parameters(system)))
    for state, carried, block in links:
        back = reached((state,), [(c.source, s) for s, c, _ in links])
        if carried.source in back and not _diagonal(step, state, carried, block):
            raise Crossing(*_read(system, step, carried))
    return rtrl(system, most)


def _links(step: Step, parameters: tuple[str, ...]) -> Iterator[tuple[str, Carried, Block]]:
    """By state the blocks of its derivative by every state that its step reads."""
    known = {c.name: c for c in (*step.carried, *step.now())}
    active = downstream(step.system, (*parameters, *(c.name for c in step.carried)))
    x = Extension(step.system)
    for state in step.states():
        if state in x.equations:
            for name, blocks in jacobian(x, state, frozenset(known) - {state}, active).items():
                for block in blocks:
                    yield state, known[name], block


def _diagonal(step: Step, state: str, carried: Carried, block: Block) -> bool:
    shape = next(v.shape for v in step.system.values if v.name == state)
    taps = carried.windows
    return block.table is None and block.columns[taps:] == rows_of(shape)


def _read(system: System, step: Step, carried: Carried) -> tuple[Equation, Access]:
    """The equation that reads the state, one that mixes entries before one that does not, and how it reads it."""
    now = carried.name == carried.source
    found = [
        (e, r) for e in system.equations for r in e.reads if r.name == carried.source and (now or r.at == carried.at)
    ]
    return min(found, key=lambda pair: (isinstance(pair[0].op, Pointwise), pair[1].span is None))
