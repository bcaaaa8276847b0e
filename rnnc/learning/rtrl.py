"""Real-time recurrent learning: the gradient of the loss, forward in time (Robinson and Fallside 1987; Williams and
Zipser 1989; Gherrity 1989), exact for every network whose recurrences run forward.

The gradient is that of the read-out, which takes the states as given, plus the adjoint of every state times the
influence that the parameters have had on it. So read-outs and losses need no influence, whatever they are.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.autodiff.sums import sums
from rnnc.autodiff.tangent import Tangent
from rnnc.learning.forms import Forward
from rnnc.ops.formula import ZERO, Formula, Operand, plus
from rnnc.system.cut import cut, readout
from rnnc.system.extension import Extension
from rnnc.system.forms import Equation, Pointwise, System
from rnnc.system.hoist import hoist
from rnnc.system.lowering import labels_of
from rnnc.system.prune import prune
from rnnc.system.reach import downstream
from rnnc.system.refine import refined


def rtrl(system: System, most: int | None = None) -> Forward:
    """The system with its influences and the gradient of every trained parameter, ready to be scheduled.

    Raises `rnnc.system.cut.SeveralAxes` or `rnnc.autodiff.passing.NotWithinStep` for a network that it cannot follow;
    `TooMany` where there are more than `most` influences;
    one that reads ahead (`rnnc.system.ahead`) or has no loss must not come here. `rnnc.learning.follow` asks first.
    """
    assert system.loss is not None
    blocks = refined(system)
    system = blocks.system
    step = cut(system)
    read = {r.name for e in system.equations for r in e.reads} | {n for b in system.borders for n in b.reads()}
    parameters = tuple(v.name for v in system.values if v.role == "parameter" and v.name in read)
    rest = readout(step)
    lags = {c.name: c for c in step.carried}
    lags |= {name: c for name, state in rest.given for c in step.now() if c.source == state}
    reaching = active_values(rest.system, (*parameters, *lags))
    direct = adjoint(rest.system, tuple(n for n in (*parameters, *lags) if n in reaching))
    adjoints = dict(direct.gradients)
    x = Extension(replace(direct, equations=tuple(rest.restored(e) for e in direct.equations)))
    active = downstream(step.system, (*parameters, *(c.name for c in step.carried)))
    tangent = Tangent(x, step, {b.name: b for b in system.borders}, parameters, active, most)
    held = tangent.run()
    added = sums(x, held, ((c, adjoints[n]) for n, c in lags.items() if n in adjoints), tangent.shapes)
    gradients = tuple((n, _total(x, n, adjoints.get(n), added.get(n, []))) for n in parameters)
    whole = replace(
        system,
        values=tuple(x.values.values()),
        equations=tuple(step.restored(e) for e in x.equations.values()),
        borders=(*system.borders, *tangent.borders),
        gradients=gradients,
    )
    final = prune(hoist(prune(whole)))
    there = {v.name for v in final.values}
    return Forward(final, tuple(h for h in held if h.name in there), blocks.names)


def _total(x: Extension, name: str, direct: str | None, parts: list[str]) -> str:
    """d(loss)/d(parameter): the step's own and what its influences add."""
    if direct and not parts:
        return direct
    if len(parts) == 1 and not direct:
        x.values[parts[0]] = replace(x.values[parts[0]], role="gradient")
        return parts[0]
    names = [*([direct] if direct else []), *parts]
    v = x.values[name]
    labels = labels_of(v.shape)
    formula: Formula = ZERO
    for k in range(len(names)):
        formula = plus(formula, Operand(k))
    own = x.fresh(f"gradient({name})")
    x.values[own] = replace(v, name=own, role="gradient")
    reads = tuple(x.here(n, labels) for n in names)
    x.equations[own] = Equation(own, labels, Pointwise(formula), reads, f"derivative by {name}")
    return own
