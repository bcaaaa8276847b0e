"""The gradient of each step alone, and traces: what a unit's own parameters have done to the unit's own earlier states.

d L[n] / d p = (d L[n] / d p within the step, earlier states given) + sum over units of A[n] J[n-d]
J[n] = D[n] J[n-1] + I[n]                with D and I of one unit alone (`rnnc.autodiff.choice`)

A is the derivative of the step's loss by an earlier state of a unit as it goes on in that unit, and from there wherever
the step leads it, also through layers above. So a stack of layers, for which the papers have no rule, is differentiated
exactly within a step, and only what units pass on to each other from step to step is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.autodiff.blocks import columns_of, rows_of
from rnnc.autodiff.choice import Choice
from rnnc.autodiff.sums import along, sums
from rnnc.autodiff.tangent import Tangent
from rnnc.learning.forms import Forward
from rnnc.learning.gradients import closed, learned_parameters
from rnnc.ops.formula import ZERO, Formula, Operand, plus, times
from rnnc.system.cut import Carried, Step, cut, readout
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Equation, Pointwise, System, Value
from rnnc.system.reach import downstream
from rnnc.system.refine import refined


def traced(system: System, most: int | None, choice: Choice) -> Forward:
    """The system with the gradient of every trained parameter by traces. Raises as `rnnc.learning.rtrl.rtrl`."""
    assert system.loss is not None
    blocks = refined(system)
    step = cut(blocks.system)
    parameters = learned_parameters(blocks.system)
    late, given = _late(step)
    made = {e.out for e in given.equations}
    sources = (*parameters, *(s for s in step.states() if s in made))
    reaching = active_values(given, sources)
    direct = adjoint(given, tuple(n for n in sources if n in reaching))
    adjoints = dict(direct.gradients)
    active = downstream(step.system, (*parameters, *(c.name for c in step.carried)))
    borders = {b.name: b for b in blocks.system.borders}
    tangent = Tangent(Extension(direct), step, borders, parameters, active, most, choice)
    held = tangent.run()
    passed = along(tangent.x, _passed(tangent, step, adjoints, late))
    added = sums(tangent.x, held, passed, tangent.shapes)
    return closed(blocks, step, tangent, held, adjoints, added)


def _late(step: Step) -> tuple[Mapping[str, str], System]:
    """The adjoints of earlier states that the read-out reads itself, by what stands for them; and the step with
    these."""
    rest = readout(step)
    names = tuple(c.name for c in step.carried)
    reaching = active_values(rest.system, names)
    direct = adjoint(rest.system, tuple(n for n in names if n in reaching))
    known = {e.out for e in rest.system.equations}
    own = tuple(rest.restored(e) for e in direct.equations if e.out not in known)
    values = {v.name: v for v in (*step.system.values, *direct.values)}
    system = replace(step.system, values=tuple(values.values()), equations=(*step.system.equations, *own))
    return dict(direct.gradients), system


def _passed(
    tangent: Tangent, step: Step, adjoints: Mapping[str, str], late: Mapping[str, str]
) -> Iterator[tuple[Carried, str]]:
    """Every earlier state, and A."""
    x = tangent.x
    for carried in step.carried:
        if carried.name in late:
            yield carried, late[carried.name]
        reads: list[Access] = []
        formula: Formula = ZERO
        for state, blocks in tangent.blocks.items():
            for block in blocks.get(carried.name, ()) if state in adjoints else ():
                signal = x.here(adjoints[state], rows_of(x.values[state].shape))
                term: Formula = Operand(len(reads))
                for k in range(len(block.reads)):
                    term = times(term, Operand(len(reads) + 1 + k))
                formula = plus(formula, term)
                reads += [signal, *block.reads]
        if reads:
            yield carried, _signal(x, carried, formula, tuple(reads))


def _signal(x: Extension, carried: Carried, formula: Formula, reads: tuple[Access, ...]) -> str:
    """A value over `carried`, whose labels are the rows of the states, behind a window's taps."""
    v = x.values[carried.name]
    taps = carried.windows
    dims = (*columns_of(v.shape)[:taps], *rows_of(v.shape[taps:]))
    name = x.fresh(f"passed({carried.name})")
    x.values[name] = Value(name, "part", v.axes, True, v.shape)
    x.equations[name] = Equation(name, dims, Pointwise(formula), reads)
    return name
