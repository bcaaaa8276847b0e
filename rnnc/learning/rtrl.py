"""Real-time recurrent learning: the gradient of the loss, forward in time (Robinson and Fallside 1987; Williams and
Zipser 1989; Gherrity 1989), exact for every network whose recurrences run forward.

The gradient is that of the read-out, which takes the states as given, plus the adjoint of every state times the
influence that the parameters have had on it. So read-outs and losses need no influence, whatever they are.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.autodiff.choice import EVERY, Choice
from rnnc.autodiff.sums import along, sums
from rnnc.autodiff.tangent import Tangent
from rnnc.learning.forms import Forward
from rnnc.learning.gradients import closed, learned_parameters
from rnnc.system.cut import cut, readout
from rnnc.system.extension import Extension
from rnnc.system.forms import System
from rnnc.system.reach import downstream
from rnnc.system.refine import refined


def rtrl(system: System, most: int | None = None, choice: Choice = EVERY) -> Forward:
    """The system with its influences and the gradient of every trained parameter, ready to be scheduled; the
    influences are exact where `choice` keeps every term of their recursion.

    Raises `rnnc.autodiff.passing.NotWithinStep` for a network that it cannot follow; `TooMany` where there are more
    than `most` influences; one that reads ahead (`rnnc.system.ahead`) or has no loss must not come here.
    `rnnc.learning.follow` asks first.
    """
    assert system.loss is not None
    blocks = refined(system)
    system = blocks.system
    step = cut(system)
    parameters = learned_parameters(system)
    rest = readout(step)
    lags = {c.name: c for c in step.carried}
    now = {c.source: c for c in step.now()}
    lags |= {name: now[state] for name, state in rest.given}
    reaching = active_values(rest.system, (*parameters, *lags))
    direct = adjoint(rest.system, tuple(n for n in (*parameters, *lags) if n in reaching))
    adjoints = dict(direct.gradients)
    x = Extension(replace(direct, equations=tuple(rest.restored(e) for e in direct.equations)))
    active = downstream(step.system, (*parameters, *(c.name for c in step.carried)))
    tangent = Tangent(x, step, {b.name: b for b in system.borders}, parameters, active, most, choice)
    held = tangent.run()
    passed = along(x, ((c, adjoints[n]) for n, c in lags.items() if n in adjoints))
    added = sums(x, held, passed, tangent.shapes)
    return closed(blocks, step, tangent, held, adjoints, added)
