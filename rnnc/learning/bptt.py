"""Back-propagation through time: the adjoint system of the whole sequence (Rumelhart, Hinton and Williams 1986;
Werbos 1990)."""

from __future__ import annotations

from rnnc.autodiff.adjoint import adjoint
from rnnc.system.fold import fold
from rnnc.system.forms import System
from rnnc.system.hoist import hoist
from rnnc.system.prune import prune
from rnnc.system.stack import stack
from rnnc.system.unalias import unalias


def bptt(system: System) -> System:
    """The system with d(loss)/d(p) for every trained parameter and every real input, ready to be scheduled.

    Without a loss there is nothing to differentiate: the system is only stacked and hoisted.
    """
    stacked = prune(hoist(stack(fold(system))))
    if stacked.loss is None:
        return stacked
    rows = {part for s in stacked.stacks for part in s.parts}
    read = {r.name for e in stacked.equations for r in e.reads} | {n for b in stacked.borders for n in b.reads()}
    wrt = tuple(
        v.name
        for v in stacked.values
        if v.kind == "real" and v.name not in rows and v.name in read and v.role in ("parameter", "input")
    )
    return prune(hoist(fold(unalias(adjoint(stacked, wrt)))))
