"""A network whose gradients come from a random estimate of the influence of parameters on states.

A step's gradient is exact through the step itself; what it owes to the past is the adjoint of what the step carries
times the estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.autodiff.recursion import Recursion
from rnnc.learning.forms import Estimate
from rnnc.learning.gradients import learned_parameters, total
from rnnc.system.cut import Step, cut
from rnnc.system.extension import Extension
from rnnc.system.forms import Border, System
from rnnc.system.hoist import hoist
from rnnc.system.prune import prune


class Estimator(Protocol):
    """What makes the equations of a recursion along one axis."""

    by: Recursion

    def run(self) -> None: ...


Estimators = Callable[
    [Extension, Step, str, tuple[str, ...], Mapping[str, Border], Mapping[str, str]], Iterable[Estimator]
]
"""The recursions along an axis: of the extension, the step, the axis, the parameters, what states start with, and the
adjoint of everything that the step carries."""


def estimated(system: System, estimators: Estimators) -> Estimate:
    """The system with its estimate and the gradient of every trained parameter, ready to be scheduled.

    Raises `rnnc.system.cut.SeveralAxes` or `rnnc.autodiff.passing.NotWithinStep` for a network that cannot be followed.
    """
    assert system.loss is not None
    step = cut(hoist(system), one_axis=True)
    parameters = learned_parameters(system)
    wrt = (*parameters, *(c.name for c in step.carried))
    reaching = active_values(step.system, wrt)
    direct = adjoint(step.system, tuple(n for n in wrt if n in reaching))
    adjoints = dict(direct.gradients)
    x = Extension(direct)
    starts = {b.name: b for b in system.borders}
    made = [
        one
        for axis in dict.fromkeys(c.axis for c in step.carried)
        for one in estimators(x, step, axis, parameters, starts, adjoints)
    ]
    for one in made:
        one.run()
    recursions = [one.by for one in made]
    gradients = tuple(
        (n, total(x, n, adjoints.get(n), [one.added[n] for one in recursions if n in one.added])) for n in parameters
    )
    whole = replace(
        system,
        values=tuple(x.values.values()),
        equations=tuple(step.restored(e) for e in x.equations.values()),
        borders=(*system.borders, *(b for one in recursions for b in one.borders)),
        gradients=gradients,
    )
    final = prune(whole)
    there = {v.name for v in final.values}
    held = tuple(k for one in recursions for k in one.kept if k.name in there)
    return Estimate(final, held, tuple(n for one in recursions for n in one.loop if n in there))
